/** The outbox: events written in their cause's transaction, handed out later in commit order. */
import { uuidv7 } from '../ids.ts';
import type { Queryable, Row } from '../db/database.ts';
import type { DomainEvent, EventType, NewEvent } from './types.ts';

const insertEvents = `insert into outbox (id, merchant_id, store_id, guest_id, device_id, type, key, payload, occurred_at, written_at, due_at)
     select id, merchant_id, store_id, guest_id, device_id, type, key, payload, occurred_at, $2, $2
     from jsonb_to_recordset($1::jsonb) as e (id uuid, merchant_id uuid, store_id uuid, guest_id uuid,
       device_id uuid, type text, key text, payload jsonb, occurred_at timestamptz)`;

/** Whether a statement is the one that writes events. */
export function isEventInsert(text: string): boolean {
  return text === insertEvents;
}

/** Writes events inside the caller's transaction; they exist exactly when the cause does. */
export async function appendEvents(
  tx: Queryable,
  events: readonly NewEvent[],
  now: number,
): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map((event) => ({
    id: uuidv7(now),
    merchant_id: event.merchantId,
    store_id: event.storeId ?? null,
    guest_id: event.guestId ?? null,
    device_id: event.deviceId ?? null,
    type: event.type,
    key: event.key,
    payload: event.payload,
    occurred_at: event.occurredAt.toISOString(),
  }));
  await tx.query(insertEvents, [JSON.stringify(rows), new Date(now)]);
}

interface EventRow extends Row {
  seq: number;
  id: string;
  position: number;
  merchant_id: string;
  store_id: string | null;
  guest_id: string | null;
  device_id: string | null;
  type: EventType;
  key: string;
  payload: DomainEvent['payload'];
  occurred_at: Date;
  attempts: number;
}

/** An event on its way to subscribers, with what the dispatcher needs to retry it. */
export interface HandedOut {
  seq: number;
  /** Merchant and key: events that must stay in order share it. */
  lane: string;
  attempts: number;
  event: DomainEvent;
}

function toHandedOut(row: EventRow): HandedOut {
  return {
    seq: row.seq,
    lane: `${row.merchant_id} ${row.key}`,
    attempts: row.attempts,
    event: {
      id: row.id,
      position: row.position,
      merchantId: row.merchant_id,
      storeId: row.store_id,
      guestId: row.guest_id,
      deviceId: row.device_id,
      type: row.type,
      payload: row.payload,
      occurredAt: row.occurred_at,
    },
  };
}

/**
 * Takes up to `limit` due events and leases them for `leaseMs`. One hand at a time across processes
 * (the lock row), so positions rise in commit order. An event whose key has an earlier unfinished
 * event waits for that one, unless both are taken here.
 */
export async function takeEvents(
  tx: Queryable,
  now: number,
  limit: number,
  leaseMs: number,
): Promise<HandedOut[]> {
  // Sent together: the second is answered, and looks, when the first has the lock.
  const locked = tx.query('select 1 from outbox_lock for update');
  const taken = tx.query<EventRow>(
    `with due as (
       select o.seq from outbox o
       where o.done_at is null and o.dead_at is null and o.due_at <= $1
         and not exists (
           select 1 from outbox e
           where e.key = o.key and e.merchant_id = o.merchant_id and e.seq < o.seq
             and e.done_at is null and e.dead_at is null and e.due_at > $1)
       order by o.seq limit $2),
     numbered as (
       select due.seq, coalesce(o.position, nextval('outbox_position')) as position
       from due join outbox o using (seq) order by due.seq)
     update outbox o
     set position = n.position, due_at = $3, attempts = o.attempts + 1
     from numbered n where o.seq = n.seq
     returning o.seq, o.id, o.position, o.merchant_id, o.store_id, o.guest_id, o.device_id, o.type,
       o.key, o.payload, o.occurred_at, o.attempts`,
    [new Date(now), limit, new Date(now + leaseMs)],
  );
  const [, { rows }] = await Promise.all([locked, taken]);
  return rows.map(toHandedOut).toSorted((a, b) => a.seq - b.seq);
}

/** Marks events as delivered to everyone. */
export async function finishEvents(db: Queryable, seqs: number[], now: number): Promise<void> {
  if (seqs.length === 0) return;
  await db.query('update outbox set done_at = $2 where seq = any ($1::bigint[])', [
    seqs,
    new Date(now),
  ]);
}

/** Puts an event back until `dueAt`, or among the dead when `dueAt` is null. */
export async function postponeEvent(
  db: Queryable,
  seq: number,
  error: string,
  now: number,
  dueAt: number | null,
): Promise<void> {
  await db.query(
    `update outbox set due_at = coalesce($3, due_at), dead_at = case when $3::timestamptz is null then $4::timestamptz end,
       last_error = $2 where seq = $1`,
    [seq, error.slice(0, 500), dueAt === null ? null : new Date(dueAt), new Date(now)],
  );
}

/** Puts back events that were taken but not tried, because an earlier one of their key failed. */
export async function releaseEvents(db: Queryable, seqs: number[], now: number): Promise<void> {
  if (seqs.length === 0) return;
  await db.query(
    'update outbox set due_at = $2, attempts = attempts - 1 where seq = any ($1::bigint[])',
    [seqs, new Date(now)],
  );
}

/** Figures for the metrics: how many wait, how old the oldest is, how many are dead. */
export async function outboxFigures(
  db: Queryable,
  now: number,
): Promise<{ waiting: number; oldestSeconds: number; dead: number }> {
  const { rows } = await db.query<{ waiting: number; oldest: Date | null; dead: number }>(
    `select count(*) filter (where done_at is null and dead_at is null) as waiting,
       min(written_at) filter (where done_at is null and dead_at is null) as oldest,
       count(*) filter (where dead_at is not null) as dead
     from outbox where done_at is null`,
  );
  const row = rows[0];
  return {
    waiting: row?.waiting ?? 0,
    oldestSeconds: row?.oldest ? Math.max(0, (now - row.oldest.getTime()) / 1000) : 0,
    dead: row?.dead ?? 0,
  };
}

/** Whose events are asked for: a store's live screen, a guest, or an app. */
export interface FeedFilter {
  storeId?: string;
  guestId?: string;
  deviceId?: string;
  types?: readonly EventType[];
}

/** Events after a cursor, oldest first: what a client that was away has missed. */
export async function eventsAfter(
  tx: Queryable,
  merchantId: string,
  after: number,
  filter: FeedFilter,
  limit: number,
): Promise<DomainEvent[]> {
  const { rows } = await tx.query<EventRow>(
    `select seq, id, position, merchant_id, store_id, guest_id, device_id, type, key, payload, occurred_at, attempts
     from outbox
     where merchant_id = $1 and position > $2
       and ($3::uuid is null or store_id = $3)
       and (($4::uuid is null and $5::uuid is null) or guest_id = $4 or device_id = $5)
       and ($6::text[] is null or type = any ($6))
     order by position limit $7`,
    [
      merchantId,
      after,
      filter.storeId ?? null,
      filter.guestId ?? null,
      filter.deviceId ?? null,
      filter.types ?? null,
      limit,
    ],
  );
  return rows.map((row) => toHandedOut(row).event);
}

/** The newest cursor of a merchant; 0 when nothing was handed out yet. */
export async function newestPosition(tx: Queryable, merchantId: string): Promise<number> {
  const { rows } = await tx.query<{ position: number | null }>(
    'select max(position) as position from outbox where merchant_id = $1',
    [merchantId],
  );
  return rows[0]?.position ?? 0;
}

/** Drops events delivered, or given up, before `before`; the feed reaches back no further. */
export async function dropDelivered(db: Queryable, before: number): Promise<number> {
  const { rowCount } = await db.query('delete from outbox where done_at < $1 or dead_at < $1', [
    new Date(before),
  ]);
  return rowCount;
}
