/** Making a device with its token: for the API and the console. */
import type { Queryable } from '../db/database.ts';
import type { DeviceRow } from './queries.ts';
import { problem } from '../errors.ts';
import { hashToken, newToken, uuidv7 } from '../ids.ts';
import { sealPassphrase } from './passphrase.ts';
import { countDevices, hasGuest, insertDevice } from './queries.ts';

/** Devices in use per merchant: a runaway script stops here. */
const MAX_DEVICES = 100_000;

export interface DeviceInput {
  name: string;
  guestId?: string | null | undefined;
  marketingConsent?: boolean;
  /** With the installation's secret it is sealed under. */
  passphrase?: { text: string; secret: Buffer } | null;
  waypoints?: boolean;
}

/** Makes a device and its token, which is not to be had again. */
export async function createDevice(
  tx: Queryable,
  merchantId: string,
  input: DeviceInput,
  now: number,
): Promise<{ device: DeviceRow; token: string }> {
  await requireGuest(tx, merchantId, input.guestId);
  if ((await countDevices(tx, merchantId)) >= MAX_DEVICES) {
    throw problem('conflict', { detail: `A merchant has at most ${MAX_DEVICES} devices.` });
  }
  const token = newToken('fd');
  const id = uuidv7(now);
  const { passphrase } = input;
  const device = await insertDevice(tx, merchantId, {
    id,
    name: input.name,
    guestId: input.guestId ?? null,
    marketingConsentAt: input.marketingConsent ? new Date(now) : null,
    tokenHash: hashToken(token),
    createdAt: new Date(now),
    passphrase: passphrase ? sealPassphrase(passphrase.secret, id, passphrase.text) : null,
    waypoints: input.waypoints ?? false,
  });
  return { device, token };
}

/** Foreign keys do not ask whose guest it is. */
export async function requireGuest(
  tx: Queryable,
  merchantId: string,
  guestId: string | null | undefined,
): Promise<void> {
  if (guestId != null && !(await hasGuest(tx, merchantId, guestId))) {
    throw problem('not-found', { detail: 'There is no guest with this id.' });
  }
}
