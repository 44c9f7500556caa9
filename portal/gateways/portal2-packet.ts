/** PURE. China Mobile Portal 2.0 packets, both dialects: octets in and out, authenticators, the CHAP password. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** Octets before the attributes: 32 with an authenticator, 16 without. */
export type HeaderSize = 16 | 32;

/** Message types that a portal server sends or understands. */
export const TYPE = {
  reqChallenge: 0x01,
  ackChallenge: 0x02,
  reqAuth: 0x03,
  ackAuth: 0x04,
  reqLogout: 0x05,
  ackLogout: 0x06,
  affAckAuth: 0x07,
  ntfLogout: 0x08,
  reqInfo: 0x09,
  ackInfo: 0x0a,
  ackNtfLogout: 0x0e,
  ntfHeartbeat: 0x0f,
  reqMacBinding: 0x30,
  ackMacBinding: 0x31,
  ntfUserLogon: 0x32,
  ntfUserLogout: 0x34,
} as const;

/** Attribute types in use here; others are carried along and left alone. */
export const ATTRIBUTE = {
  userName: 0x01,
  password: 0x02,
  challenge: 0x03,
  chapPassword: 0x04,
  text: 0x05,
  upLinkFlux: 0x06,
  downLinkFlux: 0x07,
  port: 0x08,
  basIp: 0x0a,
  mac: 0x0b,
  nasId: 0x30,
  inputOctets: 0x35,
  outputOctets: 0x36,
  inputGigawords: 0x39,
  outputGigawords: 0x3a,
  duration: 0x33,
} as const;

export interface Portal2Attribute {
  type: number;
  /** At most 253 octets. */
  value: Buffer;
}

/** The fields of a packet that a sender decides. */
export interface Portal2Message {
  version: 1 | 2;
  type: number;
  pap: boolean;
  /** Chosen by the portal server; the AC repeats it. */
  serial: number;
  /** Chosen by the AC. */
  reqId: number;
  /** Dotted IPv4 of the guest; 0.0.0.0 where there is none. */
  ip: string;
  /** ErrCode; its meaning depends on the type. */
  error: number;
  attributes: Portal2Attribute[];
}

export interface Portal2Packet extends Portal2Message {
  header: HeaderSize;
  /** 16 octets; null in the dialect without. */
  authenticator: Buffer | null;
}

const MAX_PACKET = 1024;
const MAX_VALUE = 253;
const AUTHENTICATOR_AT = 16;
const ZEROS = Buffer.alloc(16);

/** Version 1 goes without an authenticator, version 2 with one, unless the equipment was told otherwise. */
export function headerOf(version: 1 | 2, told?: HeaderSize): HeaderSize {
  return told ?? (version === 1 ? 16 : 32);
}

function md5(...parts: (Buffer | string)[]): Buffer {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Dotted IPv4 as four octets, or null. */
export function ipv4Octets(text: string): Buffer | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  return parts === undefined || parts.some((part) => part > 255) ? null : Buffer.from(parts);
}

export function attribute(type: number, value: Buffer | string): Portal2Attribute {
  return { type, value: typeof value === 'string' ? Buffer.from(value, 'utf8') : value };
}

/** The first attribute of a type, or null. */
export function valueOf(packet: Portal2Message, type: number): Buffer | null {
  return packet.attributes.find((one) => one.type === type)?.value ?? null;
}

/** Authenticator over the whole packet: the seed is zero for requests, the request's own for replies. */
function authenticatorOf(bytes: Buffer, seed: Buffer, secret: string): Buffer {
  return md5(bytes.subarray(0, AUTHENTICATOR_AT), seed, bytes.subarray(32), secret);
}

function layOut(message: Portal2Message, header: HeaderSize): Buffer {
  const { version, type, pap, serial, reqId, ip, error, attributes } = message;
  const size = attributes.reduce<number>((sum, { value }) => sum + 2 + value.length, header);
  const address = ipv4Octets(ip);
  if (address === null) throw new RangeError('Portal 2.0 knows IPv4 addresses only');
  if (size > MAX_PACKET || attributes.some(({ value }) => value.length > MAX_VALUE))
    throw new RangeError('too much for one Portal 2.0 packet');
  const bytes = Buffer.alloc(size);
  bytes.set([version, type, pap ? 1 : 0, 0]);
  bytes.writeUInt16BE(serial, 4);
  bytes.writeUInt16BE(reqId, 6);
  bytes.set(address, 8);
  bytes.set([error, attributes.length], 14);
  let at: number = header;
  for (const { type: kind, value } of attributes) {
    bytes.set([kind, value.length + 2], at);
    bytes.set(value, at + 2);
    at += value.length + 2;
  }
  return bytes;
}

/**
 * The packet's octets, signed when it has room for it. `seed` is the authenticator of the request that
 * it answers; without one it is a request itself (AFF_ACK_AUTH and every NTF are).
 */
export function encodePortal2(
  message: Portal2Message,
  header: HeaderSize,
  secret: string,
  seed: Buffer | null = null,
): Buffer {
  const bytes = layOut(message, header);
  if (header === 32) bytes.set(authenticatorOf(bytes, seed ?? ZEROS, secret), AUTHENTICATOR_AT);
  return bytes;
}

/** Whether the authenticator is right; packets without one prove nothing, and are never `true`. */
export function provesSecret(bytes: Buffer, secret: string, seed: Buffer | null = null): boolean {
  if (bytes.length < 32) return false;
  const expected = authenticatorOf(bytes, seed ?? ZEROS, secret);
  return timingSafeEqual(bytes.subarray(AUTHENTICATOR_AT, 32), expected);
}

function attributesOf(bytes: Buffer, header: HeaderSize): Portal2Attribute[] | null {
  const attributes: Portal2Attribute[] = [];
  let at: number = header;
  while (at < bytes.length) {
    const [type, length] = [bytes[at] ?? 0, bytes[at + 1] ?? 0];
    if (length < 2 || at + length > bytes.length) return null;
    attributes.push({ type, value: bytes.subarray(at + 2, at + length) });
    at += length;
  }
  return attributes.length === bytes[15] ? attributes : null;
}

/**
 * The packet in these octets, or null: sizes must come out exactly and the count must be right. Values
 * are views of `bytes`.
 */
export function decodePortal2(bytes: Buffer, header: HeaderSize): Portal2Packet | null {
  const version = bytes[0];
  if (bytes.length < header || bytes.length > MAX_PACKET) return null;
  if (version !== 1 && version !== 2) return null;
  const attributes = attributesOf(bytes, header);
  if (attributes === null) return null;
  return {
    version,
    type: bytes[1] ?? 0,
    pap: bytes[2] === 1,
    serial: bytes.readUInt16BE(4),
    reqId: bytes.readUInt16BE(6),
    ip: `${bytes[8]}.${bytes[9]}.${bytes[10]}.${bytes[11]}`,
    error: bytes[14] ?? 0,
    header,
    authenticator: header === 32 ? bytes.subarray(AUTHENTICATOR_AT, 32) : null,
    attributes,
  };
}

/** MD5 over the low octet of ReqID, the password and the challenge, nothing padded. */
export function chapPassword(reqId: number, password: string, challenge: Buffer): Buffer {
  return md5(Buffer.from([reqId & 0xff]), password, challenge);
}

/** A client's MAC as attribute 0x0b carries it. */
export function macOctets(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

/** aa:bb:cc:dd:ee:ff of six octets, or null. */
export function macOf(octets: Buffer | null): string | null {
  if (octets === null || octets.length !== 6) return null;
  return (octets.toString('hex').match(/../g) ?? []).join(':');
}
