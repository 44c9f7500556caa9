/** OwnTracks in HTTP mode: one message a request, fences back as regions in the answer. */
import { z } from 'zod';
import type { AnyRoute, DeviceCaller } from '../../http/route.ts';
import type { Parsed } from '../ping.ts';
import type { OwnTracksOptions } from '../protocols/owntracks.ts';
import type { PhoneParts, PingDeps } from './door.ts';
import { openPassphrase } from '../../devices/passphrase.ts';
import { route } from '../../http/route.ts';
import { isObject } from '../ping.ts';
import { parseOwnTracks } from '../protocols/owntracks.ts';
import { openMessage, sealMessage } from '../protocols/secretbox.ts';
import { phoneParts, tag, takeIn } from './door.ts';
import { createThrottle, waypointsDue } from './waypoints.ts';

const anything = z.unknown().optional().describe('A message as the app sends it.');
const example = {
  _type: 'location',
  lat: 30.2741,
  lon: 120.1551,
  tst: 1795255200,
  acc: 8,
  vel: 1,
  tid: 'a1',
};

/**
 * Stores what a message holds and gives the commands that the phone should get back, sealed when
 * the device has a passphrase. `sealedOnly`: over MQTT a passphrase is the sender's proof.
 */
export async function hearOwnTracks(
  deps: PingDeps,
  caller: DeviceCaller,
  body: unknown,
  { agent = '', sealedOnly = false }: { agent?: string; sealedOnly?: boolean } = {},
): Promise<object[]> {
  const parts = phoneParts(deps);
  // A passphrase may have been set elsewhere a moment ago: what comes sealed is worth a look.
  const looks = caller.encrypted === true || isSealed(body);
  const passphrase = parts && looks ? await passphraseFor(parts, caller) : null;
  const encrypted = caller.encrypted === true || passphrase !== null;
  const options: OwnTracksOptions = {
    open: passphrase === null ? null : (data) => openMessage(passphrase, data),
    sealedOnly: sealedOnly && encrypted,
  };
  const parsed = parseOwnTracks(body, agent, deps.clock(), options);
  await takeIn(deps, 'owntracks', caller, parsed);
  // Without the key nothing may be said to a device that reads only what is sealed.
  if (encrypted && passphrase === null) return [];
  const command = parts && (await commandFor(deps, parts, caller, parsed, agent));
  if (!command) return [];
  return [passphrase === null ? command : sealMessage(passphrase, command)];
}

function isSealed(body: unknown): boolean {
  const [first]: unknown[] = Array.isArray(body) ? body : [body];
  return isObject(first) && first['_type'] === 'encrypted';
}

const passphraseFor = ({ db, secret }: PhoneParts, caller: DeviceCaller): Promise<string | null> =>
  openPassphrase(db, secret, caller);

/** What is due never costs the message its answer: that is stored by now. */
async function commandFor(
  { clock, log, mayLook }: PingDeps,
  { db, fences }: PhoneParts,
  caller: DeviceCaller,
  { pings }: Parsed,
  agent: string,
): Promise<object | null> {
  const usable = pings.filter(({ refusal }) => refusal === null);
  const newest = usable.reduce((a, b) => (b.at > a.at ? b : a), usable[0]!);
  if (!caller.waypoints || usable.length === 0) return null;
  if (mayLook && !mayLook(caller.deviceId, clock())) return null;
  return waypointsDue({ db, fences, clock }, caller, newest, agent).catch((error: unknown) => {
    log.warn({ err: error, deviceId: caller.deviceId }, 'fences were not pushed');
    return null;
  });
}

function ownTracksRoute(deps: PingDeps, path: string): AnyRoute {
  return route({
    method: 'post',
    path,
    summary: 'OwnTracks in HTTP mode',
    description:
      'One OwnTracks message (or an array of them). Positions are taken from `location`; `encrypted` is opened with the device’s passphrase; every other type, an empty body and anything unreadable is counted and answered with 200. Credentials: HTTP Basic with the device token as password, a Bearer token, or `?token=`. When the server is busy or in trouble it answers 503 and the app sends again. A device that wants them gets the fences around it as a `setWaypoints` command, whenever they have changed.',
    tag,
    access: 'device',
    body: anything,
    bodyLimit: 512 * 1024,
    lenientBody: true,
    reply: z.array(z.unknown()).describe('Commands to the phone; usually none.'),
    example: { body: example, reply: [] },
    handler: ({ caller, body, headers }) =>
      hearOwnTracks(deps, caller, body, { agent: headers['user-agent'] ?? '' }),
  });
}

export function ownTracksRoutes(parts: PingDeps): AnyRoute[] {
  const deps = { ...parts, mayLook: createThrottle() };
  return ['/owntracks', '/v1/owntracks', '/api/v1/owntracks/points'].map((path) =>
    ownTracksRoute(deps, path),
  );
}
