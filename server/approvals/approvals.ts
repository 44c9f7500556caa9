/** Guests who ask to be let in, and staff who answer: one waiting request a client, ten minutes, used once. */
import type { Database, Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { appendEvents } from '../events/outbox.ts';
import { deriveKey, keyedHash } from '../ids.ts';
import type { ApprovalRow } from './queries.ts';
import {
  countAsked,
  decideApproval,
  dropApprovals,
  findApproval,
  insertApproval,
  lockAsking,
  nameGuest,
  useApproval,
  waitingOf,
} from './queries.ts';

/** The part of a store this file needs. */
interface StoreRef {
  id: string;
  merchantId: string;
}

export interface ApprovalDeps {
  db: Database;
  clock: () => number;
  /** The installation's secret. */
  secret: Buffer;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long a request waits, and how long a grant may be used once given. */
export const WAIT_MS = 10 * MINUTE;
/** Requests an hour: staff reads each of them. */
export const ASKS = { storePerHour: 60, clientPerHour: 6 } as const;
/** Who was let in by whom is looked up later; after that nobody asks. */
const KEEP_MS = 30 * DAY;
const LONGEST_NAME = 60;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export type ApprovalState = 'waiting' | 'granted' | 'denied' | 'expired';

/** PURE. How a request stands at `now` (ms since 1970). */
export function stateOf(row: ApprovalRow, now: number): ApprovalState {
  if (row.decision === 'denied') return 'denied';
  if (row.expires_at.getTime() <= now) return 'expired';
  return row.decision ?? 'waiting';
}

/** One line without control characters, cut to what staff reads; null when nothing is left. */
function tidyName(typed: string): string | null {
  const line = typed
    .slice(0, 500)
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return Array.from(line).slice(0, LONGEST_NAME).join('').trim() || null;
}

/** The key of client hashes; the same MAC at two stores hashes differently. */
export function approvalClients(secret: Buffer) {
  const key = deriveKey(secret, 'approvals');
  return (storeId: string, mac: string): Buffer =>
    keyedHash(key, 'client', storeId, mac.toLowerCase());
}

async function ask(
  tx: Queryable,
  store: StoreRef,
  name: string,
  clientHash: Buffer,
  now: number,
): Promise<{ requestId: string }> {
  const { merchantId, id: storeId } = store;
  await lockAsking(tx, storeId);
  const waiting = await waitingOf(tx, merchantId, storeId, clientHash, now);
  if (waiting) return { requestId: waiting.id };
  const asked = await countAsked(tx, merchantId, storeId, clientHash, now - HOUR);
  if (asked.all >= ASKS.storePerHour || asked.own >= ASKS.clientPerHour) {
    throw problem('too-many-requests', { detail: 'Too many requests were made here.' });
  }
  const expiresAt = now + WAIT_MS;
  const requestId = await insertApproval(
    tx,
    { merchantId, storeId, name, clientHash, expiresAt },
    now,
  );
  const at = new Date(now);
  const payload = { requestId, storeId, at: at.toISOString() };
  const event = { merchantId, storeId, type: 'approval.asked' as const, key: requestId };
  await appendEvents(tx, [{ ...event, payload, occurredAt: at }], now);
  return { requestId };
}

/** The portal's side. */
export function createApprovals({ db, clock, secret }: ApprovalDeps) {
  const clientOf = approvalClients(secret);
  return {
    async ask(store: StoreRef, request: { name: string; mac: string }) {
      const name = tidyName(request.name);
      if (name === null) throw problem('invalid-request', { detail: 'A name is needed.' });
      const client = clientOf(store.id, request.mac);
      return db.tx((tx) => ask(tx, store, name, client, clock()), { tenant: store.merchantId });
    },

    /** One that never was, or is another store's, looks like one that expired. */
    async state(store: StoreRef, requestId: string): Promise<ApprovalState> {
      if (!UUID.test(requestId)) return 'expired';
      const row = await db.tx((tx) => findApproval(tx, store.merchantId, requestId), {
        tenant: store.merchantId,
        readOnly: true,
      });
      return row?.store_id === store.id ? stateOf(row, clock()) : 'expired';
    },
  };
}

/** Staff's answer; the same answer again changes nothing, another one conflicts. */
export async function decide(
  tx: Queryable,
  merchantId: string,
  id: string,
  answer: { granted: boolean; by: string },
  now: number,
): Promise<ApprovalRow> {
  const before = await findApproval(tx, merchantId, id, true);
  if (!before) throw problem('not-found');
  if (before.decision === (answer.granted ? 'granted' : 'denied')) return before;
  const row = await decideApproval(
    tx,
    merchantId,
    id,
    { ...answer, expiresAt: now + WAIT_MS },
    now,
  );
  if (!row) {
    const detail = before.decision
      ? 'Somebody answered this request already.'
      : 'The request is too old; the guest may ask again.';
    throw problem('conflict', { detail });
  }
  const at = new Date(now);
  const { store_id: storeId } = row;
  const payload = { requestId: id, storeId, granted: answer.granted, at: at.toISOString() };
  const event = { merchantId, storeId, type: 'approval.decided' as const, key: id };
  await appendEvents(tx, [{ ...event, payload, occurredAt: at }], now);
  return row;
}

/** Uses up a grant inside an admission, or says why there is none to use. */
export async function spendApproval(
  tx: Queryable,
  store: StoreRef,
  requestId: string,
  clientHash: Buffer,
  now: number,
): Promise<'used' | 'waiting' | 'denied'> {
  if (!UUID.test(requestId)) return 'denied';
  const { merchantId, id: storeId } = store;
  if (await useApproval(tx, merchantId, storeId, requestId, clientHash, now)) return 'used';
  const row = await findApproval(tx, merchantId, requestId);
  return row?.store_id === storeId && stateOf(row, now) === 'waiting' ? 'waiting' : 'denied';
}

/** Notes which guest an approval let in, so that it is forgotten with them. */
export const nameApproved = nameGuest;

/** Drops requests nobody looks up any more. For the timed jobs. */
export async function forgetApprovals(db: Queryable, now: number): Promise<number> {
  return dropApprovals(db, now - KEEP_MS, now);
}
