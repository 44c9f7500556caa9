/** PURE. RADIUS packets between octets and attributes, within bounds; what is malformed gets a named refusal, never a throw. */
import { isUtf8 } from 'node:buffer';
import { isIPv4, isIPv6 } from 'node:net';
import { attributes } from './dictionary.ts';

/** RFC 2865 section 3: nothing shorter, nothing longer. */
const SHORTEST = 20;
const LONGEST = 4096;
const MOST_ATTRIBUTES = 512;
const LONGEST_VALUE = 253;

export interface Attribute {
  type: number;
  value: Buffer;
}

export interface Packet {
  code: number;
  id: number;
  /** Exactly the octets that its length field counts; padding behind them is gone. */
  raw: Buffer;
  /** Where in `raw` each attribute begins, in order. */
  offsets: readonly number[];
}

export type Malformed = 'too-short' | 'too-long' | 'truncated' | 'bad-attribute' | 'too-many';
export type Decoded = { ok: true; packet: Packet } | { ok: false; reason: Malformed };

const refuse = (reason: Malformed): Decoded => ({ ok: false, reason });

/** Reads the frame only; values are cut out when somebody asks for them. */
export function decode(octets: Buffer): Decoded {
  if (octets.length < SHORTEST) return refuse('too-short');
  const length = octets.readUInt16BE(2);
  if (length < SHORTEST) return refuse('too-short');
  if (length > LONGEST) return refuse('too-long');
  if (length > octets.length) return refuse('truncated');
  const offsets: number[] = [];
  for (let at = SHORTEST; at < length;) {
    const size = at + 1 < length ? octets[at + 1]! : 0;
    if (size < 2 || at + size > length) return refuse('bad-attribute');
    if (offsets.push(at) > MOST_ATTRIBUTES) return refuse('too-many');
    at += size;
  }
  const raw = length === octets.length ? octets : octets.subarray(0, length);
  return { ok: true, packet: { code: octets[0]!, id: octets[1]!, raw, offsets } };
}

export const authenticatorOf = (packet: Packet): Buffer => packet.raw.subarray(4, 20);

const valueAt = (raw: Buffer, at: number): Buffer => raw.subarray(at + 2, at + raw[at + 1]!);

/** Where the first attribute of a type begins, or -1. */
export function offsetOf(packet: Packet, type: number): number {
  for (const at of packet.offsets) if (packet.raw[at] === type) return at;
  return -1;
}

export const has = (packet: Packet, type: number): boolean => offsetOf(packet, type) !== -1;

export function first(packet: Packet, type: number): Buffer | undefined {
  const at = offsetOf(packet, type);
  return at === -1 ? undefined : valueAt(packet.raw, at);
}

export function all(packet: Packet, type: number): Buffer[] {
  const { raw } = packet;
  return packet.offsets.filter((at) => raw[at] === type).map((at) => valueAt(raw, at));
}

/** The parts of a Vendor-Specific value in the usual form, or null: then it stays what it is, octets. */
function vendorParts(value: Buffer): Attribute[] | null {
  const parts: Attribute[] = [];
  for (let at = 4; at < value.length;) {
    const size = at + 1 < value.length ? value[at + 1]! : 0;
    if (size < 2 || at + size > value.length) return null;
    parts.push({ type: value[at]!, value: value.subarray(at + 2, at + size) });
    at += size;
  }
  return parts;
}

/** First value of a vendor's attribute. */
export function firstOfVendor(packet: Packet, vendor: number, type: number): Buffer | undefined {
  for (const value of all(packet, attributes.vendorSpecific)) {
    if (value.length < 6 || value.readUInt32BE(0) !== vendor) continue;
    const part = vendorParts(value)?.find((candidate) => candidate.type === type);
    if (part !== undefined) return part.value;
  }
  return undefined;
}

/** A 32-bit number, or undefined when it is absent or no such number. */
export function numberIn(value: Buffer | undefined): number | undefined {
  return value?.length === 4 ? value.readUInt32BE(0) : undefined;
}

/** Whether it is printable ASCII without blanks at its ends, as nearly all that equipment sends. */
function isPlain(value: Buffer): boolean {
  for (const octet of value) if (octet < 0x20 || octet > 0x7e) return false;
  return value[0] !== 0x20 && value.at(-1) !== 0x20;
}

/** Text fit to be kept and shown: UTF-8, else taken for Latin-1; control characters become blanks. */
export function textIn(value: Buffer | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (isPlain(value)) return value.toString('latin1');
  const text = value.toString(isUtf8(value) ? 'utf8' : 'latin1');
  // eslint-disable-next-line no-control-regex -- they are what must go
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ').trim();
}

/** An address of 4 or 16 octets. */
export function addressIn(value: Buffer | undefined): string | undefined {
  if (value?.length === 4) return value.join('.');
  if (value?.length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => value.readUInt16BE(i * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** The packet, its authenticator as given and unsigned; null when it would not fit. */
export function encode(
  code: number,
  id: number,
  authenticator: Buffer | null,
  list: readonly Attribute[],
): Buffer | null {
  let length = SHORTEST;
  for (const { value } of list) {
    if (value.length > LONGEST_VALUE) return null;
    length += 2 + value.length;
  }
  if (length > LONGEST) return null;
  const raw = Buffer.allocUnsafe(length);
  raw[0] = code;
  raw[1] = id;
  raw.writeUInt16BE(length, 2);
  if (authenticator === null) raw.fill(0, 4, SHORTEST);
  else authenticator.copy(raw, 4, 0, 16);
  let at = SHORTEST;
  for (const { type, value } of list) {
    raw[at] = type;
    raw[at + 1] = 2 + value.length;
    value.copy(raw, at + 2);
    at += 2 + value.length;
  }
  return raw;
}

export const octets = (type: number, value: Buffer): Attribute => ({ type, value });

/** UTF-8, cut between characters where it would be longer than an attribute. */
export function text(type: number, words: string): Attribute {
  const value = Buffer.from(words);
  if (value.length <= LONGEST_VALUE) return { type, value };
  let end = LONGEST_VALUE;
  while ((value[end]! & 0xc0) === 0x80) end--;
  return { type, value: value.subarray(0, end) };
}

/** 32 bits without a sign; larger numbers become the largest. */
export function integer(type: number, number: number): Attribute {
  const value = Buffer.allocUnsafe(4);
  value.writeUInt32BE(Math.min(0xffff_ffff, Math.max(0, Math.trunc(number))), 0);
  return { type, value };
}

/** IPv4 or IPv6, or null when it is neither. */
export function address(type: number, ip: string): Attribute | null {
  if (isIPv4(ip)) return { type, value: Buffer.from(ip.split('.').map(Number)) };
  if (!isIPv6(ip) || ip.includes('%')) return null;
  const full = new URL(`http://[${ip}]`).hostname.slice(1, -1);
  const [head = '', tail] = full.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const left = groups(head);
  const right = groups(tail ?? '');
  const middle = Array<string>(8 - left.length - right.length).fill('0');
  const value = Buffer.alloc(16);
  [...left, ...middle, ...right].forEach((group, i) =>
    value.writeUInt16BE(Number.parseInt(group, 16), i * 2),
  );
  return { type, value };
}

/** Wraps an attribute of a vendor's into a Vendor-Specific one. */
export function ofVendor(vendor: number, { type, value }: Attribute): Attribute {
  const wrapped = Buffer.allocUnsafe(6 + value.length);
  wrapped.writeUInt32BE(vendor, 0);
  wrapped[4] = type;
  wrapped[5] = 2 + value.length;
  value.copy(wrapped, 6);
  return { type: attributes.vendorSpecific, value: wrapped };
}
