/** SQL of asking why: devices by name, devices that were heard, visits as they are stored. */
import type { Visit } from '../../geo/visit.ts';
import type { Queryable } from '../db/database.ts';

/** Null when the merchant has no such device. */
export async function deviceName(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
): Promise<string | null> {
  const { rows } = await tx.query<{ name: string }>(
    'select name from devices where merchant_id = $1 and id = $2',
    [merchantId, deviceId],
  );
  return rows[0]?.name ?? null;
}

/** Which of these are the merchant's devices, in the order of their ids. */
export async function ownDevices(
  tx: Queryable,
  merchantId: string,
  ids: readonly string[],
): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    'select id from devices where merchant_id = $1 and id = any ($2::uuid[]) order by id',
    [merchantId, ids],
  );
  return rows.map((row) => row.id);
}

/** A clock further off than this is not searched for: else the pings of all days would be read. */
const CLOCK_OFF = 86_400_000;

/**
 * Devices with a ping in the span (judged times), in the order of their ids; with a store only those
 * that came within about `degrees` of its fences.
 */
export async function heardDevices(
  tx: Queryable,
  merchantId: string,
  span: { from: number; to: number; storeId: string | null; degrees: number; limit: number },
): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `with ground as (
       select st_extent(shape::geometry) as box from fences
       where merchant_id = $1 and store_id = $4::uuid and shape is not null)
     select d.id from devices d
     where d.merchant_id = $1 and exists (
       select 1 from pings p, ground g
       where p.device_id = d.id and p.merchant_id = $1 and p.judged_at >= $2 and p.judged_at < $3
         and p.at >= $7 and p.at < $8
         and ($4::uuid is null or (
           p.lon between st_xmin(g.box) - $5 and st_xmax(g.box) + $5
           and p.lat between st_ymin(g.box) - $5 and st_ymax(g.box) + $5)))
     order by d.id limit $6`,
    [
      merchantId,
      new Date(span.from),
      new Date(span.to),
      span.storeId,
      span.degrees,
      span.limit,
      new Date(span.from - CLOCK_OFF),
      new Date(span.to + CLOCK_OFF),
    ],
  );
  return rows.map((row) => row.id);
}

export interface StoredVisit {
  id: string;
  status: 'open' | 'closed' | 'final' | 'retracted';
  /** As the engine told it last. */
  visit: Visit;
}

/** A device's stored visits that were going on between two instants, retracted ones too. */
export async function storedVisits(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  from: number,
  to: number,
): Promise<StoredVisit[]> {
  const { rows } = await tx.query<{ id: string; status: StoredVisit['status']; detail: Visit }>(
    `select id, status, detail from visits
     where merchant_id = $1 and device_id = $2 and entry_at <= $4
       and (exit_at is null or exit_at >= $3)
     order by entry_at, id limit 10000`,
    [merchantId, deviceId, new Date(from), new Date(to)],
  );
  return rows.map(({ id, status, detail }) => ({ id, status, visit: detail }));
}

/** All merchants, for tools that work on the whole database. */
export async function merchantNames(db: Queryable): Promise<{ id: string; name: string }[]> {
  const { rows } = await db.query<{ id: string; name: string }>(
    'select id, name from merchants order by id limit 1000',
    [],
  );
  return rows.map(({ id, name }) => ({ id, name }));
}
