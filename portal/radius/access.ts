/** PURE. What an Access-Request says and proves, as the house is asked; and what the answer carries. */
import type { AccessRequest } from '../ports-network.ts';
import type { RadiusSettings } from '../ports-store.ts';
import type { MacForm } from './addresses.ts';
import { calledStation, clientAddress, macIn, writeMac } from './addresses.ts';
import { attributes, serviceTypes } from './dictionary.ts';
import type { Attribute, Packet } from './packet.ts';
import { addressIn, all, authenticatorOf, first, has, numberIn, octets, textIn } from './packet.ts';
import { chapProves, revealPassword, samePassword } from './signing.ts';

export type Asked =
  | { kind: 'ask'; request: AccessRequest }
  /** Answered with a Reject without asking the house. */
  | { kind: 'refuse'; reason: Refusal };
export type Refusal =
  'eap' | 'no-name' | 'no-credentials' | 'two-credentials' | 'mac-auth-off' | 'mac-password';

const MAC_FORMS: readonly MacForm[] = [
  'AA-BB',
  'AA:BB',
  'aa-bb',
  'aa:bb',
  'aabb',
  'AABB',
  'aabb-ccdd-eeff',
];

/** The MAC that a user name is, with or without a realm, or with what the gateway puts behind MACs. */
function macOfName(userName: string, calling: string | null): string | null {
  const bare = macIn(userName.split('@', 1)[0]!);
  if (bare !== null || calling === null) return bare;
  for (const length of [17, 14, 13, 12]) {
    if (userName.length > length && macIn(userName.slice(0, length)) === calling) return calling;
  }
  return null;
}

type Proves = (password: string) => boolean;

/** How passwords are tried against what came; null: there is nothing to try them against. */
function provesOf(packet: Packet, secret: string): Proves | null | 'two' {
  const pap = first(packet, attributes.userPassword);
  const chap = first(packet, attributes.chapPassword);
  if (pap !== undefined && chap !== undefined) return 'two';
  if (pap !== undefined) {
    const open = revealPassword(pap, authenticatorOf(packet), secret);
    return (password) =>
      open !== null && open.length > 0 && samePassword(open, Buffer.from(password));
  }
  if (chap === undefined) return null;
  const challenge = first(packet, attributes.chapChallenge) ?? authenticatorOf(packet);
  return (password) => password !== '' && chapProves(chap, challenge, Buffer.from(password));
}

/** Whether the password is the one by which this gateway presents MACs. */
function macProven(settings: RadiusSettings, mac: string, name: string, proves: Proves): boolean {
  const { password, fixed } = settings.macAuth ?? { password: 'mac' };
  if (password === 'secret') return proves(settings.secret);
  if (password === 'fixed') return fixed !== undefined && fixed !== '' && proves(fixed);
  return [name, ...MAC_FORMS.map((form) => writeMac(mac, form))].some(proves);
}

export function readAccess(packet: Packet, settings: RadiusSettings): Asked {
  if (has(packet, attributes.eapMessage)) return { kind: 'refuse', reason: 'eap' };
  const userName = textIn(first(packet, attributes.userName)) ?? '';
  if (userName === '') return { kind: 'refuse', reason: 'no-name' };
  const proves = provesOf(packet, settings.secret);
  if (proves === 'two') return { kind: 'refuse', reason: 'two-credentials' };
  if (proves === null) return { kind: 'refuse', reason: 'no-credentials' };
  const calling = macIn(textIn(first(packet, attributes.callingStationId)) ?? '');
  const named = macOfName(userName, calling);
  const callCheck = numberIn(first(packet, attributes.serviceType)) === serviceTypes.callCheck;
  const byMac = callCheck || (named !== null && (calling === null || named === calling));
  const mac = calling ?? (byMac ? named : null);
  if (byMac) {
    if (settings.macAuth === undefined) return { kind: 'refuse', reason: 'mac-auth-off' };
    if (mac === null || !macProven(settings, mac, userName, proves))
      return { kind: 'refuse', reason: 'mac-password' };
  }
  return { kind: 'ask', request: { userName, mac, byMac, ...placeOf(packet), proves } };
}

/** Where the client is, by the NAS: for access and accounting alike. */
export function placeOf(packet: Packet): {
  nasSession?: string;
  ip?: string;
  ssid?: string;
  ap?: string;
} {
  const nasSession = textIn(first(packet, attributes.acctSessionId));
  const ip = clientAddress(
    addressIn(
      first(packet, attributes.framedIpAddress) ?? first(packet, attributes.framedIpv6Address),
    ),
  );
  return {
    ...(nasSession ? { nasSession } : {}),
    ...(ip === undefined ? {} : { ip }),
    ...calledStation(textIn(first(packet, attributes.calledStationId)) ?? ''),
  };
}

/** EAP-Failure (RFC 3748 section 4.2) for whoever tried EAP: an Access-Reject alone would leave it waiting. */
export function eapFailure(packet: Packet): Attribute {
  const identifier = first(packet, attributes.eapMessage)?.[1] ?? 0;
  return octets(attributes.eapMessage, Buffer.from([4, identifier, 0, 4]));
}

/** Every one of them, in their order (RFC 2865 section 5.33). */
export const proxyStates = (packet: Packet): Attribute[] =>
  all(packet, attributes.proxyState).map((value) => octets(attributes.proxyState, value));
