/** What an admission goes by, and the session that this guest's device has already. */
import type { Queryable } from '../db/database.ts';
import { keyedHash } from '../ids.ts';
import type { SessionRow } from '../sessions/queries.ts';
import { openSessionOf } from '../sessions/queries.ts';
import type { AdmitRequest, DeskStore, Proof } from './admission.ts';
import type { Attempt } from './proofs.ts';
import type { GuestRow } from './queries.ts';

/** Ways in that open once: who came by one of them proves something anew next time. */
export const ONCE_ONLY = new Set<Proof['method']>(['voucher', 'staff', 'grace']);

function proofText(proof: Proof): string {
  const { method: _named, ...shown } = proof;
  return Object.values(shown).join('\n');
}

export function admissionKeyOf(
  key: Buffer,
  { store, context }: Pick<AdmitRequest<DeskStore>, 'store' | 'context'>,
  proof: Proof,
): Buffer {
  const { gatewayId, mac, hid } = context;
  const parts = [store.id, gatewayId, mac.toLowerCase(), hid ?? '', proof.method, proofText(proof)];
  return keyedHash(key, 'admission', ...parts);
}

/** Proofs that only say "this device": who they lead to is known by the hardware address. */
const BY_DEVICE = new Set<Proof['method']>(['click-through', 'voucher', 'staff']);

/** How a session that was open already was found; a gateway's own mark of the client is no mere address. */
export function seenBefore({ request: { proof, context } }: Attempt): 'session' | undefined {
  return BY_DEVICE.has(proof.method) && !context.hid ? 'session' : undefined;
}

/** Under which keys this guest's session may run that this client, with this mark of its gateway, opened. */
function keysOf(key: Buffer, { request, admissionKey }: Attempt, guest: GuestRow): Buffer[] {
  const { phone, email } = guest;
  const proofs: Proof[] = [
    { method: 'click-through' },
    ...(phone === null ? [] : [{ method: 'sms-code', address: phone } as const]),
    ...(email === null ? [] : [{ method: 'email-code', address: email } as const]),
  ];
  return [admissionKey, ...proofs.map((proof) => admissionKeyOf(key, request, proof))];
}

/**
 * The session that this guest's device has at this gateway already. Whoever goes back in the browser and
 * presses again gets what they were given, not a second one. A gateway that marks its clients marks one
 * anew whom it has forgotten; one that does not is asked again if it can be, else a new session it is.
 */
export async function stillOpen(
  tx: Queryable,
  key: Buffer,
  attempt: Attempt,
  guest: GuestRow,
): Promise<SessionRow | null> {
  const { request, clientKey, now } = attempt;
  const { store, context, proof, reopens = false } = request;
  if (ONCE_ONLY.has(proof.method) || !(context.hid || reopens)) return null;
  const at = { merchantId: store.merchantId, gatewayId: context.gatewayId, clientKey };
  const keys = context.hid ? keysOf(key, attempt, guest) : null;
  const open = await openSessionOf(tx, at, guest.id, keys, now);
  if (open === null || open.minutes === 0) return open;
  const left = Math.ceil((open.expires_at.getTime() - now) / 60_000);
  return { ...open, minutes: Math.min(open.minutes, left) };
}
