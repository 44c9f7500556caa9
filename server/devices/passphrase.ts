/** The passphrase a device encrypts its messages with: sealed in its row, opened for each message. */
import { randomInt } from 'node:crypto';
import type { Database } from '../db/database.ts';
import type { DeviceCaller } from '../http/route.ts';
import { seal, unseal } from '../ids.ts';
import { passphraseOf } from './queries.ts';

const purpose = 'device passphrases';
/** Bytes that the app's key has room for. */
export const LONGEST_PASSPHRASE = 32;

/** Signs that nobody confuses when they type them into a phone: 31, five bits less a little each. */
const signs = 'abcdefghjkmnpqrstuvwxyz23456789';

/** Six groups of four: 118 bits in 29 bytes. */
export function newPassphrase(): string {
  const group = (): string =>
    Array.from({ length: 4 }, () => signs[randomInt(signs.length)]).join('');
  return Array.from({ length: 6 }, group).join('-');
}

export function sealPassphrase(secret: Buffer, deviceId: string, passphrase: string): Buffer {
  return seal(secret, purpose, deviceId, passphrase);
}

/** Null when the device has none, or the installation's secret was changed since. */
export async function openPassphrase(
  db: Database,
  secret: Buffer,
  { merchantId, deviceId }: Pick<DeviceCaller, 'merchantId' | 'deviceId'>,
): Promise<string | null> {
  const sealed = await db.tx((tx) => passphraseOf(tx, merchantId, deviceId), {
    tenant: merchantId,
    readOnly: true,
  });
  return sealed && unseal(secret, purpose, deviceId, sealed);
}
