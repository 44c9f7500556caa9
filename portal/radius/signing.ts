/** PURE. What proves a RADIUS packet: authenticators, Message-Authenticator, hidden passwords, CHAP (RFC 2865, 2866, 2869, 5176). */
import { hash, timingSafeEqual } from 'node:crypto';
import { attributes, codes } from './dictionary.ts';
import type { Packet } from './packet.ts';

const BLOCK = 64;
const DIGEST = 16;
const ZEROS = Buffer.alloc(DIGEST);

/** A shared secret made ready for MD5 and HMAC-MD5 (RFC 2104). */
interface Key {
  octets: Buffer;
  inner: Buffer;
  outer: Buffer;
}

/** Secrets made ready; a few hundred gateways share one process. */
const keys = new Map<string, Key>();
const MOST_KEYS = 4096;

function keyOf(secret: string): Key {
  const known = keys.get(secret);
  if (known !== undefined) return known;
  const octets = Buffer.from(secret);
  const short = octets.length > BLOCK ? hash('md5', octets, 'buffer') : octets;
  const inner = Buffer.alloc(BLOCK, 0x36);
  const outer = Buffer.alloc(BLOCK, 0x5c);
  short.forEach((octet, i) => {
    inner[i] = octet ^ 0x36;
    outer[i] = octet ^ 0x5c;
  });
  if (keys.size >= MOST_KEYS) keys.clear();
  const key = { octets, inner, outer };
  keys.set(secret, key);
  return key;
}

// One packet is worked on at a time and nothing here waits, so all share these; a digest as a Latin-1
// string costs a third of one as a buffer.
const work = Buffer.alloc(BLOCK + 4096 + 256);
const outerWork = Buffer.alloc(BLOCK + DIGEST);
const mine = Buffer.alloc(DIGEST);

/** MD5 of the first octets of `work`. */
const digestOfWork = (length: number): string => hash('md5', work.subarray(0, length), 'binary');

/** HMAC-MD5 of a packet with `authenticator` in its field and the 16 octets at `at` zeroed. */
function packetHmac(raw: Buffer, authenticator: Buffer, at: number, key: Key): string {
  key.inner.copy(work, 0);
  raw.copy(work, BLOCK);
  authenticator.copy(work, BLOCK + 4, 0, DIGEST);
  work.fill(0, BLOCK + at, BLOCK + at + DIGEST);
  key.outer.copy(outerWork, 0);
  outerWork.write(digestOfWork(BLOCK + raw.length), BLOCK, 'binary');
  return hash('md5', outerWork, 'binary');
}

/** MD5 of packet and secret with `authenticator` in its field. */
function packetMd5(raw: Buffer, authenticator: Buffer, key: Key): string {
  raw.copy(work, 0);
  authenticator.copy(work, 4, 0, DIGEST);
  key.octets.copy(work, raw.length, 0, 256);
  return digestOfWork(raw.length + Math.min(key.octets.length, 256));
}

function same(digest: string, theirs: Buffer): boolean {
  mine.write(digest, 0, 'binary');
  return timingSafeEqual(mine, theirs);
}

/** Where the value of the only Message-Authenticator begins; -1: none, null: several or of a wrong length. */
function macPlace(packet: Packet): number | null {
  let place = -1;
  for (const at of packet.offsets) {
    if (packet.raw[at] !== attributes.messageAuthenticator) continue;
    if (place !== -1 || packet.raw[at + 1] !== 2 + DIGEST) return null;
    place = at + 2;
  }
  return place;
}

/** Their authenticator is a digest; that of the other requests is random. */
const digestRequests: readonly number[] = [
  codes.accountingRequest,
  codes.disconnectRequest,
  codes.coaRequest,
];

/**
 * `signed`: attribute 80 proves the secret. `plain`: it is absent, and the authenticator proves the
 * secret where it is a digest (accounting, CoA, Disconnect, responses) but proves nothing in an
 * Access-Request. `wrong`: something that is there does not verify.
 */
export type Proof = 'signed' | 'plain' | 'wrong';

export function requestProof(packet: Packet, secret: string): Proof {
  const { raw } = packet;
  const key = keyOf(secret);
  const digest = digestRequests.includes(packet.code);
  const theirs = raw.subarray(4, 20);
  const place = macPlace(packet);
  if (place === null) return 'wrong';
  if (digest && !same(packetMd5(raw, ZEROS, key), theirs)) return 'wrong';
  if (place === -1) return 'plain';
  const sum = packetHmac(raw, digest ? ZEROS : theirs, place, key);
  return same(sum, raw.subarray(place, place + DIGEST)) ? 'signed' : 'wrong';
}

/** `request` is the authenticator of the request that this answers. */
export function responseProof(packet: Packet, request: Buffer, secret: string): Proof {
  const { raw } = packet;
  const key = keyOf(secret);
  const place = macPlace(packet);
  if (place === null || !same(packetMd5(raw, request, key), raw.subarray(4, 20))) return 'wrong';
  if (place === -1) return 'plain';
  const sum = packetHmac(raw, request, place, key);
  return same(sum, raw.subarray(place, place + DIGEST)) ? 'signed' : 'wrong';
}

/** Whether attribute 80 may be signed or checked at all: once, of its one length, or absent. */
export const wellSigned = (packet: Packet): boolean => macPlace(packet) !== null;

function placeIn(raw: Buffer): number {
  for (let at = 20; at < raw.length; at += raw[at + 1]!) {
    if (raw[at] === attributes.messageAuthenticator) return at + 2;
  }
  return -1;
}

/** Fills attribute 80 where there is one, then the authenticator where it is a digest. In place. */
export function signRequest(raw: Buffer, secret: string): Buffer {
  const key = keyOf(secret);
  const digest = digestRequests.includes(raw[0]!);
  const place = placeIn(raw);
  if (place !== -1) {
    raw.write(packetHmac(raw, digest ? ZEROS : raw.subarray(4, 20), place, key), place, 'binary');
  }
  if (digest) raw.write(packetMd5(raw, ZEROS, key), 4, 'binary');
  return raw;
}

/**
 * The same for a response to the request with this authenticator, which attribute 80 covers as well
 * unless the receiver reckons it over another one. In place.
 */
export function signResponse(
  raw: Buffer,
  request: Buffer,
  secret: string,
  covered = request,
): Buffer {
  const key = keyOf(secret);
  const place = placeIn(raw);
  if (place !== -1) raw.write(packetHmac(raw, covered, place, key), place, 'binary');
  raw.write(packetMd5(raw, request, key), 4, 'binary');
  return raw;
}

/** Sixteen zeros to be filled by signing; stands first in all that is ours. */
export const unsignedMac = {
  type: attributes.messageAuthenticator,
  value: ZEROS,
} as const;

/** One step of RFC 2865 section 5.2: 16 octets made of the secret and what came before, laid over a block. */
function overlay(block: Buffer, key: Key, before: Buffer): void {
  const length = key.octets.copy(work, 0, 0, 256);
  before.copy(work, length, 0, DIGEST);
  mine.write(digestOfWork(length + DIGEST), 0, 'binary');
  for (let i = 0; i < DIGEST; i++) block[i]! ^= mine[i]!;
}

/** User-Password as it travels; longer passwords than 128 octets do not. */
export function hidePassword(password: Buffer, authenticator: Buffer, secret: string): Buffer {
  const key = keyOf(secret);
  const blocks = Math.min(8, Math.max(1, Math.ceil(password.length / DIGEST)));
  const hidden = Buffer.alloc(blocks * DIGEST);
  password.copy(hidden, 0, 0, hidden.length);
  let before = authenticator;
  for (let at = 0; at < hidden.length; at += DIGEST) {
    const block = hidden.subarray(at, at + DIGEST);
    overlay(block, key, before);
    before = block;
  }
  return hidden;
}

/** The password with trailing NULs gone, or null when its length is not 16 to 128 by 16. */
export function revealPassword(
  hidden: Buffer,
  authenticator: Buffer,
  secret: string,
): Buffer | null {
  if (hidden.length === 0 || hidden.length > 128 || hidden.length % DIGEST !== 0) return null;
  const key = keyOf(secret);
  const open = Buffer.from(hidden);
  let before = authenticator;
  for (let at = 0; at < open.length; at += DIGEST) {
    const block = open.subarray(at, at + DIGEST);
    overlay(block, key, before);
    before = hidden.subarray(at, at + DIGEST);
  }
  let end = open.length;
  while (end > 0 && open[end - 1] === 0) end--;
  return open.subarray(0, end);
}

/** CHAP-Password: the identifier and MD5 of it, the password and the challenge. */
export function chapPassword(ident: number, password: Buffer, challenge: Buffer): Buffer {
  const id = Buffer.from([ident]);
  return Buffer.concat([id, hash('md5', Buffer.concat([id, password, challenge]), 'buffer')]);
}

const oneFull = Buffer.alloc(256);
const otherFull = Buffer.alloc(256);

/** A password at a length that does not depend on it. One of both came by RADIUS and ends at 128 octets. */
function lay(password: Buffer, full: Buffer): void {
  full.fill(0);
  password.copy(full, 1, 0, 255);
  full[0] = Math.min(255, password.length);
}

/** Whether two passwords are the same, without telling how much of them is. */
export function samePassword(one: Buffer, other: Buffer): boolean {
  lay(one, oneFull);
  lay(other, otherFull);
  return timingSafeEqual(oneFull, otherFull);
}

/** Whether a CHAP-Password was made from this password. */
export function chapProves(sent: Buffer, challenge: Buffer, password: Buffer): boolean {
  if (sent.length !== 1 + DIGEST) return false;
  return timingSafeEqual(chapPassword(sent[0]!, password, challenge), sent);
}
