/** Whom an emulated gateway asks about its guests: RADIUS where there is one, else what a test says. */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { EmulatorOptions } from './emulator.ts';
import type { Nas, NasClient, NasOptions, Shown } from './nas.ts';
import { startNas } from './nas.ts';

/** In place of RADIUS: the password of a ticket, or null when there is none for this device. */
export type Passwords = (userName: string, mac: string) => string | null;

export function proves(password: string, shown: Shown): boolean {
  if ('pap' in shown) return shown.pap.toString() === password;
  const { ident, chap, challenge } = shown;
  const md5 = createHash('md5')
    .update(Buffer.from([ident]))
    .update(password)
    .update(challenge);
  return md5.digest().equals(chap);
}

function byHeart(passwords: Passwords): Nas {
  return {
    coaPort: 0,
    account: async () => true,
    close: async () => undefined,
    async ask(client, userName, shown) {
      const password = passwords(userName, client.mac);
      if (password === null || !proves(password, shown)) return 'reject';
      Object.assign(client, { inside: true, userName, since: Date.now() });
      return 'accept';
    },
  };
}

export async function authorityFor(
  options: EmulatorOptions & { passwords?: Passwords },
  nas: Pick<NasOptions, 'separator' | 'calledStation' | 'signs'> & {
    clients: () => Iterable<NasClient>;
  },
): Promise<Nas> {
  const { gateway, radius, passwords, coaPort } = options;
  if (radius === undefined) return byHeart(passwords ?? (() => null));
  const secret = gateway.radius?.secret ?? '';
  const nasId = gateway.radius?.nasIds[0] ?? gateway.name;
  const [host = '127.0.0.1'] = gateway.radius?.sources ?? [];
  return startNas({
    ...nas,
    radius,
    secret,
    nasId,
    host: isIP(host) === 4 ? host : '127.0.0.1',
    ...(coaPort === undefined ? {} : { coaPort }),
  });
}
