/** Opening, holding and ending a look at one's own data: who may see what, and for how long. */
import type { Queryable } from '../db/database.ts';
import { hashToken, newToken } from '../ids.ts';
import type { LookRow } from './look-queries.ts';
import { insertLook, openLook, sessionBehind } from './look-queries.ts';

/** Long enough to read and decide, short enough that an address left behind is soon worthless. */
export const LOOK_MS = 30 * 60_000;

/** Ways in by which the guest showed who they are, in this very session. */
const PROVED = new Set(['sms-code', 'email-code', 'member-card', 'oidc']);
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const KEY = /^fs_[\w-]{32}$/;

interface StoreRef {
  id: string;
  merchantId: string;
}

export async function startLook(
  tx: Queryable,
  store: StoreRef,
  of: { guestId: string; sessionId: string | null; limited: boolean },
  now: number,
): Promise<string> {
  const key = newToken('fs');
  const look = {
    ...of,
    tokenHash: hashToken(key),
    merchantId: store.merchantId,
    storeId: store.id,
    expiresAt: now + LOOK_MS,
  };
  await insertLook(tx, look, now);
  return key;
}

/**
 * From a live session. Who proved an address or a card in it, in this very browser (`own`), sees
 * everything; a guest without any name may use the switches; anybody else was only recognised by their
 * device, or brought an address that others may have read, and must prove one of their own.
 */
export async function lookFromSession(
  tx: Queryable,
  store: StoreRef,
  { sessionId, own }: { sessionId: string; own: boolean },
  now: number,
): Promise<string | null> {
  if (!UUID.test(sessionId)) return null;
  const session = await sessionBehind(tx, store.merchantId, store.id, sessionId);
  if (session === null || session.twin) return null;
  const proved = own && PROVED.has(session.method);
  if (!proved && session.named) return null;
  return startLook(tx, store, { guestId: session.guest_id, sessionId, limited: !proved }, now);
}

export async function heldLook(
  tx: Queryable,
  store: StoreRef,
  key: string,
  now: number,
): Promise<LookRow | null> {
  if (!KEY.test(key)) return null;
  return openLook(tx, store.merchantId, store.id, hashToken(key), now);
}
