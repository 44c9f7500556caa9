/** The tokens WiFiDog gateways show us: made here, kept in bounded memory, good for one device each. */
import type { Clock } from '../ports.ts';

/** One admission as this process knows it; the house knows more, but may be away. */
export interface Admitted {
  token: string;
  gatewayId: string;
  sessionId: string;
  /** As the redirect claimed it; after `claimed`, as the gateway said it. aa:bb:cc:dd:ee:ff. */
  mac: string;
  ip: string | null;
  /** Milliseconds since 1970; 0 = no end. */
  expiresAt: number;
  /** The gateway showed it for this device. */
  claimed: boolean;
  /** It was shown while the house was away, which has yet to hear of it. */
  owed: boolean;
  grace: boolean;
  /** Where its browser goes on. */
  landingUrl: string;
  /** How often its browser came back from a shut door. */
  denials: number;
}

export type Randomness = (octets: number) => Buffer;

export interface Tokens {
  /** The same token again for the same session at the same gateway, while it is remembered. */
  issue(admission: Omit<Admitted, 'token' | 'claimed' | 'owed' | 'denials'>): Admitted;
  get(token: string): Admitted | null;
  /** What became of it; a token not known here is kept from now on. */
  put(admitted: Admitted): void;
  forget(token: string): void;
  /** Its time is over, whatever was promised: it is not let stay while the house is away either. */
  end(token: string): void;
  /** The newest token this device showed at this gateway. */
  current(gatewayId: string, mac: string): Admitted | null;
  /** Devices that are inside by now, at most 500. */
  inside(gatewayId: string): Admitted[];
}

const LENGTH = 32;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const TOKEN = /^[A-Za-z0-9]{32}$/;
const MOST = 20_000;
const MOST_PUSHED = 500;
const GRACE_MARK = 'g';

/** WiFiDog copies it into addresses unescaped: letters and digits only. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** The first letter tells a grace token, so that a restart does not make an admission of it. */
export function isGrace(token: string): boolean {
  return token.startsWith(GRACE_MARK);
}

/** Octets that would favour the alphabet's first letters are thrown away. */
function mint(random: Randomness, grace: boolean): string {
  const fair = 256 - (256 % ALPHABET.length);
  let token = grace ? GRACE_MARK : 'T';
  while (token.length < LENGTH)
    for (const octet of random(LENGTH))
      if (octet < fair && token.length < LENGTH) token += ALPHABET[octet % ALPHABET.length];
  return token;
}

export function alive({ expiresAt }: Admitted, now: number): boolean {
  return expiresAt === 0 || expiresAt > now;
}

export function createTokens(clock: Clock, random: Randomness, most = MOST): Tokens {
  const byToken = new Map<string, Admitted>();
  const bySession = new Map<string, string>();
  const byDevice = new Map<string, string>();
  const session = (one: Pick<Admitted, 'gatewayId' | 'sessionId'>) =>
    `${one.gatewayId} ${one.sessionId}`;
  const device = (gatewayId: string, mac: string) => `${gatewayId} ${mac}`;
  const forget = (token: string) => {
    const one = byToken.get(token);
    if (one === undefined) return;
    byToken.delete(token);
    if (bySession.get(session(one)) === token) bySession.delete(session(one));
    const place = device(one.gatewayId, one.mac);
    if (byDevice.get(place) === token) byDevice.delete(place);
  };
  const put = (one: Admitted) => {
    forget(one.token);
    byToken.set(one.token, one);
    bySession.set(session(one), one.token);
    if (one.claimed) byDevice.set(device(one.gatewayId, one.mac), one.token);
    const oldest = byToken.keys().next().value;
    if (byToken.size > most && oldest !== undefined) forget(oldest);
  };
  return {
    issue(admission) {
      const before = byToken.get(bySession.get(session(admission)) ?? '');
      if (before !== undefined && before.grace === admission.grace) {
        const again = { ...before, ...admission, ...(before.claimed ? { mac: before.mac } : {}) };
        put(again);
        return again;
      }
      const token = mint(random, admission.grace);
      const made = { ...admission, token, claimed: false, owed: false, denials: 0 };
      put(made);
      return made;
    },
    get: (token) => byToken.get(token) ?? null,
    put,
    forget,
    end(token) {
      const one = byToken.get(token);
      if (one !== undefined) put({ ...one, expiresAt: 1 });
    },
    current: (gatewayId, mac) => byToken.get(byDevice.get(device(gatewayId, mac)) ?? '') ?? null,
    inside(gatewayId) {
      const now = clock();
      return [...byToken.values()]
        .filter((one) => one.gatewayId === gatewayId && one.claimed && alive(one, now))
        .slice(-MOST_PUSHED);
    },
  };
}
