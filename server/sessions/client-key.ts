/** How a client is named where its hardware address must not stand. */
import { deriveKey, keyedHash } from '../ids.ts';

/** Purpose of the key that client keys are made with. */
const CLIENT_KEYS = 'clients';

/** Opaque and unguessable: who knows a MAC cannot compute it, and it differs by store. */
export function clientKeyOf(key: Buffer, storeId: string, mac: string): string {
  return keyedHash(key, 'client', storeId, mac.toLowerCase()).toString('base64url');
}

/** The key for `clientKeyOf`, from the installation's secret. */
export function clientKeys(secret: Buffer): Buffer {
  return deriveKey(secret, CLIENT_KEYS);
}
