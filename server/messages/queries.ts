/** Mail and SMS waiting to leave, and what became of them. */
import type { Queryable, Row } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';
import { removeNoted } from '../stores/removal-queries.ts';

export type Channel = 'sms' | 'email';

export interface NewMessage {
  merchantId: string;
  storeId: string | null;
  channel: Channel;
  /** E.164 or e-mail. */
  address: string;
  subject: string | null;
  body: string;
  /** Of no use after this (ms since 1970): it is then given up instead of sent. */
  expiresAt: number;
}

export interface MessageRow extends Row {
  id: string;
  merchant_id: string;
  channel: Channel;
  address: string;
  subject: string | null;
  body: string;
  attempts: number;
  created_at: Date;
  expires_at: Date;
}

/** Writes a message in the transaction of its cause; it leaves after the commit. */
export async function queueMessage(
  tx: Queryable,
  message: NewMessage,
  now: number,
): Promise<string> {
  const id = uuidv7(now);
  await tx.query(
    `insert into messages (id, merchant_id, store_id, channel, address, subject, body, due_at, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)`,
    [
      id,
      message.merchantId,
      message.storeId,
      message.channel,
      message.address,
      message.subject,
      message.body,
      new Date(now),
      new Date(message.expiresAt),
    ],
  );
  return id;
}

/** Takes up to `limit` due messages of all merchants and leases them; others may do so beside us. */
export async function takeMessages(
  db: Queryable,
  now: number,
  limit: number,
  leaseMs: number,
): Promise<MessageRow[]> {
  const { rows } = await db.query<MessageRow>(
    `update messages set due_at = $3, attempts = attempts + 1
     where id in (
       select id from messages where status = 'waiting' and due_at <= $1
       order by due_at limit $2 for update skip locked)
     returning id, merchant_id, channel, address, subject, body, attempts, created_at, expires_at`,
    [new Date(now), limit, new Date(now + leaseMs)],
  );
  return rows;
}

/**
 * Records a delivery. `attempts` is the number the taker was given: who lost the lease changes
 * nothing. The text goes unless it must stay to be read on the console.
 */
export async function messageSent(
  db: Queryable,
  id: string,
  attempts: number,
  keepBody: boolean,
  now: number,
): Promise<void> {
  await db.query(
    `update messages set status = 'sent', sent_at = $3, last_error = null,
       body = case when $4 then body else '' end
     where id = $1 and attempts = $2 and status = 'waiting'`,
    [id, attempts, new Date(now), keepBody],
  );
}

/** Gives a message up. */
export async function messageFailed(
  db: Queryable,
  id: string,
  attempts: number,
  error: string,
): Promise<void> {
  await db.query(
    `update messages set status = 'failed', last_error = $3, body = ''
     where id = $1 and attempts = $2 and status = 'waiting'`,
    [id, attempts, error],
  );
}

/** Puts a message back until `dueAt`. */
export async function messagePostponed(
  db: Queryable,
  id: string,
  attempts: number,
  error: string,
  dueAt: number,
): Promise<void> {
  await db.query(
    `update messages set due_at = $4, last_error = $3
     where id = $1 and attempts = $2 and status = 'waiting'`,
    [id, attempts, error, new Date(dueAt)],
  );
}

/** When the next message falls due (ms since 1970), or null when none waits. */
export async function nextMessageDue(db: Queryable): Promise<number | null> {
  const { rows } = await db.query<{ due: Date | null }>(
    `select min(due_at) as due from messages where status = 'waiting'`,
  );
  return rows[0]?.due?.getTime() ?? null;
}

export interface OutboxEntry extends Row {
  id: string;
  channel: Channel;
  address: string;
  subject: string | null;
  body: string;
  status: 'waiting' | 'sent' | 'failed';
  attempts: number;
  created_at: Date;
  sent_at: Date | null;
  last_error: string | null;
}

/** The merchant's newest messages, for the console's outbox page. */
export async function recentMessages(
  tx: Queryable,
  merchantId: string,
  limit: number,
): Promise<OutboxEntry[]> {
  const { rows } = await tx.query<OutboxEntry>(
    `select id, channel, address, subject, body, status, attempts, created_at, sent_at, last_error
     from messages where merchant_id = $1 order by created_at desc, id desc limit $2`,
    [merchantId, limit],
  );
  return rows;
}

/** Drops messages made before `before`, whatever became of them. */
export async function dropMessages(db: Queryable, before: number, now: number): Promise<number> {
  const statement =
    'gone as (delete from messages where created_at < $2 returning merchant_id, store_id)';
  return removeNoted(db, { kind: 'messagesDays', before, now, statement });
}
