/** Who is in a fence that changes: their devices are judged anew, soon and without an offer. */
import type { Queryable } from '../db/database.ts';

/**
 * Devices with an open visit in one of the fences are due at `now`: the silence job lets the engine
 * say what the change means for them.
 */
export async function wakeInside(
  tx: Queryable,
  merchantId: string,
  fenceIds: readonly string[],
  now: Date,
): Promise<number> {
  if (fenceIds.length === 0) return 0;
  const { rowCount } = await tx.query(
    `update device_states set wake_at = least(wake_at, $3)
     where merchant_id = $1 and device_id in (
       select device_id from visits
       where merchant_id = $1 and fence_id = any ($2::uuid[]) and status = 'open')`,
    [merchantId, fenceIds, now],
  );
  return rowCount;
}

/**
 * Open visits in the fences of which no device's state knows any more: the engine, which closes all
 * others, would leave them open for ever.
 */
export async function closeForgotten(
  tx: Queryable,
  merchantId: string,
  fenceIds: readonly string[],
  now: Date,
): Promise<number> {
  if (fenceIds.length === 0) return 0;
  const { rowCount } = await tx.query(
    `update visits v set status = 'closed', revision = revision + 1, updated_at = $3,
       exit_at = coalesce(exit_at, entry_at + dwell_s * interval '1 second')
     where merchant_id = $1 and fence_id = any ($2::uuid[]) and status = 'open'
       and not exists (
         select 1 from device_states s
         where s.device_id = v.device_id and s.merchant_id = $1
           and jsonb_path_exists(s.state, '$.fences[*].visit.id ? (@ == $visit)',
             jsonb_build_object('visit', v.id)))`,
    [merchantId, fenceIds, now],
  );
  return rowCount;
}

/** Composites made, directly or through others, of the fences named. */
export async function compositesWith(
  tx: Queryable,
  merchantId: string,
  fenceIds: readonly string[],
): Promise<{ id: string; name: string; direct: boolean }[]> {
  if (fenceIds.length === 0) return [];
  const { rows } = await tx.query<{ id: string; name: string; direct: boolean }>(
    `with recursive up as (
       select id, name, true as direct from fences
       where merchant_id = $1 and kind = 'composite' and active and members ?| $2::text[]
       union
       select f.id, f.name, false from up join fences f on f.members ? up.id::text
       where f.merchant_id = $1 and f.kind = 'composite' and f.active)
     select id, name, bool_or(direct) as direct from up group by id, name order by name, id`,
    [merchantId, fenceIds],
  );
  return rows;
}

/** A composite whose member changed is another one, too: what was known of people in it is not. */
export async function renewVersions(
  tx: Queryable,
  merchantId: string,
  fenceIds: readonly string[],
  now: Date,
): Promise<void> {
  if (fenceIds.length === 0) return;
  await tx.query(
    `update fences set version = version + 1, updated_at = $3
     where merchant_id = $1 and id = any ($2::uuid[])`,
    [merchantId, fenceIds, now],
  );
}
