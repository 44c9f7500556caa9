/** Identifiers and secrets: UUIDv7 for rows, random tokens kept only as hashes, small secrets sealed. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/** RFC 9562 UUIDv7: rows made later sort later. `now` in ms since 1970. */
export function uuidv7(now: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A 192-bit random token with a prefix that secret scanners can find. */
export function newToken(prefix: string): string {
  return `${prefix}_${randomBytes(24).toString('base64url')}`;
}

/** What is stored of a high-entropy token. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Keyed hash for low-entropy values (codes, phone numbers, MACs). */
export function keyedHash(key: Buffer, ...parts: string[]): Buffer {
  return createHmac('sha256', key).update(parts.join('\u0000')).digest();
}

/** One 32-byte key per purpose from the installation's secret (RFC 5869). */
export function deriveKey(secret: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `foyer ${purpose}`, 32));
}

/** Constant-time comparison; unequal lengths are unequal. */
export function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

const NONCE = 12;
const TAG = 16;

/**
 * A small secret that must be read again: AES-256-GCM, as nonce, tag and cipher text. Opens only with
 * the same secret, purpose and `about`.
 */
export function seal(secret: Buffer, purpose: string, about: string, text: string): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', deriveKey(secret, purpose), nonce);
  cipher.setAAD(Buffer.from(about));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** The text, or null when it was not sealed for this. */
export function unseal(
  secret: Buffer,
  purpose: string,
  about: string,
  sealed: Uint8Array,
): string | null {
  const bytes = Buffer.from(sealed);
  if (bytes.length < NONCE + TAG) return null;
  try {
    const key = deriveKey(secret, purpose);
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE));
    decipher.setAAD(Buffer.from(about));
    decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
    const clear = [decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()];
    return Buffer.concat(clear).toString('utf8');
  } catch {
    return null;
  }
}
