/** Number ranges that get no SMS for a while, in storage. */
import type { Queryable, Row } from '../db/database.ts';

/** Until when no SMS goes to numbers that begin so (ms since 1970); null when they may. */
export async function pauseOf(
  tx: Queryable,
  merchantId: string,
  prefix: string,
  now: number,
): Promise<number | null> {
  const { rows } = await tx.query<{ until: Date }>(
    'select until from sms_pauses where merchant_id = $1 and prefix = $2 and until > $3',
    [merchantId, prefix, new Date(now)],
  );
  return rows[0]?.until.getTime() ?? null;
}

export interface PauseRow extends Row {
  prefix: string;
  country: string;
  sends: number;
  uses: number;
  paused_at: Date;
  until: Date;
}

export async function pausePrefix(
  tx: Queryable,
  merchantId: string,
  pause: { prefix: string; country: string; sends: number; uses: number; until: number },
  now: number,
): Promise<void> {
  await tx.query(
    `insert into sms_pauses (merchant_id, prefix, country, sends, uses, paused_at, until)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (merchant_id, prefix) do update set sends = excluded.sends, uses = excluded.uses,
       paused_at = excluded.paused_at, until = excluded.until`,
    [
      merchantId,
      pause.prefix,
      pause.country,
      pause.sends,
      pause.uses,
      new Date(now),
      new Date(pause.until),
    ],
  );
}

/** Ranges of numbers that get no SMS at `now`, newest first. */
export async function listPauses(
  tx: Queryable,
  merchantId: string,
  now: number,
): Promise<PauseRow[]> {
  const { rows } = await tx.query<PauseRow>(
    `select prefix, country, sends, uses, paused_at, until from sms_pauses
     where merchant_id = $1 and until > $2 order by paused_at desc, prefix limit 200`,
    [merchantId, new Date(now)],
  );
  return rows;
}

/** Ends a pause; the alarm may begin another when codes still are not typed. */
export async function endPause(
  tx: Queryable,
  merchantId: string,
  prefix: string,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'delete from sms_pauses where merchant_id = $1 and prefix = $2',
    [merchantId, prefix],
  );
  return rowCount === 1;
}

export async function dropPauses(db: Queryable, before: number): Promise<void> {
  await db.query('delete from sms_pauses where until < $1', [new Date(before)]);
}
