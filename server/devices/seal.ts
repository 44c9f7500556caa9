/** Small secrets that must be read again, sealed with AES-256-GCM and bound to what they are for. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deriveKey } from '../ids.ts';

const NONCE = 12;
const TAG = 16;

/** Nonce, tag and cipher text; opens only with the same secret, purpose and `about`. */
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
