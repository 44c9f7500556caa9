/** PURE. Disconnect and CoA requests (RFC 5176) in the words each vendor wants, and what their answers mean. */
import { isIPv4 } from 'node:net';
import type { KickTarget } from '../ports-network.ts';
import type { RegisteredGateway } from '../ports-store.ts';
import { writeMac } from './addresses.ts';
import { attributes, codes } from './dictionary.ts';
import type { Attribute, Packet } from './packet.ts';
import { address, encode, first, integer, numberIn, text } from './packet.ts';
import type { Plan } from './profiles.ts';
import { limitAttributes, profiles } from './profiles.ts';
import { responseProof, signRequest, unsignedMac } from './signing.ts';

/** A session by every name it has; which of them are said is the vendor's matter. */
export type SessionNames = Pick<KickTarget, 'mac' | 'ip' | 'userName'> & {
  nasSession: string | null;
};

/** How the gateway is called towards itself: by its NAS-Identifier, else by its address. */
function nasNames(gateway: RegisteredGateway): Attribute[] {
  const named = gateway.kind === 'coova' || gateway.kind === 'mikrotik';
  const name = gateway.radius?.nasIds[0] ?? (named ? gateway.name : undefined);
  if (name !== undefined) return [text(attributes.nasIdentifier, name)];
  const host = gateway.radius?.coa?.host ?? '';
  return isIPv4(host) ? [address(attributes.nasIpAddress, host)!] : [];
}

/** Equipment refuses what it does not know (Error-Cause 401), so each gets the names it takes. */
function sessionNames(gateway: RegisteredGateway, names: SessionNames): Attribute[] {
  const profile = profiles[gateway.radius?.profile ?? 'plain'];
  const mac = writeMac(names.mac, profile.macForm);
  // CoovaChilli answers nothing without a user name; for a device let in by its MAC that is the MAC.
  const user = names.userName ?? (gateway.radius?.profile === 'coova' ? mac : null);
  const ip = names.ip === null ? null : address(attributes.framedIpAddress, names.ip);
  return [
    ...(profile.kickBy.includes('user') && user !== null ? [text(attributes.userName, user)] : []),
    ...(names.nasSession === null ? [] : [text(attributes.acctSessionId, names.nasSession)]),
    text(attributes.callingStationId, mac),
    ...(profile.kickBy.includes('ip') && ip?.value.length === 4 ? [ip] : []),
  ];
}

export const disconnectList = (gateway: RegisteredGateway, names: SessionNames): Attribute[] => [
  ...nasNames(gateway),
  ...sessionNames(gateway, names),
];

/** Always the whole set of limits: CoovaChilli takes what is left out for unlimited. */
export const changeList = (
  gateway: RegisteredGateway,
  names: SessionNames,
  plan: Plan,
): Attribute[] => [
  ...disconnectList(gateway, names),
  ...limitAttributes(gateway.radius?.profile ?? 'plain', plan),
];

export type DynamicCode = typeof codes.disconnectRequest | typeof codes.coaRequest;

/** The signed request, attribute 80 first and its time last; null when it would not fit. */
export function dynamicRequest(
  code: DynamicCode,
  id: number,
  list: readonly Attribute[],
  secret: string,
  now: number,
): Buffer | null {
  const stamp = integer(attributes.eventTimestamp, Math.floor(now / 1000));
  const raw = encode(code, id, null, [unsignedMac, ...list, stamp]);
  return raw === null ? null : signRequest(raw, secret);
}

export type DynamicReply =
  | { kind: 'ack' }
  /** `cause` is an Error-Cause (RFC 5176 section 3.5), when one was given. */
  | { kind: 'nak'; cause?: number }
  /** Nothing genuine came in time, or the request could not leave. */
  | { kind: 'silent' };

/** What a packet says to this request, or null when it is no genuine answer to it. */
export function replyIn(
  packet: Packet,
  request: Buffer,
  secret: string,
  needsMac: boolean,
): DynamicReply | null {
  const [code = 0, id = 0] = request;
  if (packet.id !== id || (packet.code !== code + 1 && packet.code !== code + 2)) return null;
  const proof = responseProof(packet, request.subarray(4, 20), secret);
  if (proof === 'wrong' || (proof === 'plain' && needsMac)) return null;
  if (packet.code === code + 1) return { kind: 'ack' };
  const cause = numberIn(first(packet, attributes.errorCause));
  return { kind: 'nak', ...(cause === undefined ? {} : { cause }) };
}

/** Whether answers without attribute 80 are no answers from this gateway. */
export function repliesNeedMac(gateway: RegisteredGateway): boolean {
  const { radius } = gateway;
  if (radius === undefined || profiles[radius.profile].answersUnsigned) return false;
  return radius.messageAuthenticator === 'require';
}

/** Whether the guest is out: the gateway says so, or knows nobody of that name. */
export function isOut(reply: DynamicReply, gateway: RegisteredGateway): boolean {
  if (reply.kind !== 'nak') return reply.kind === 'ack';
  if (reply.cause === undefined) return gateway.radius?.profile === 'coova';
  return reply.cause === 503 || reply.cause === 201;
}
