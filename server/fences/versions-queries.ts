/** Fences as they stand and as they stood: what the warm indexes are built from. */
import type { Queryable, Row } from '../db/database.ts';
import type { FenceRow } from './queries.ts';
import type { Geometry } from './shape.ts';
import { asGeoJson, plain } from './queries.ts';

/**
 * All fences, retired ones without their shape, and the revision they are of, in one statement and
 * so of one moment.
 */
export async function allFences(
  tx: Queryable,
  merchantId: string,
): Promise<{ revision: number; fences: FenceRow[] }> {
  const { rows } = await tx.query<FenceRow & { revision: number | null }>(
    `select r.revision, f.* from (select $1::uuid as merchant_id) m
     left join fence_revisions r using (merchant_id)
     left join (
       select f.merchant_id, ${plain}, case when f.active then ${asGeoJson} end as geometry
       from fences f) f using (merchant_id)
     order by f.id`,
    [merchantId],
  );
  return {
    revision: rows[0]?.revision ?? 0,
    fences: rows.filter((row) => (row.id as string | null) !== null),
  };
}

/** One edition of a fence that began or ended after the moment asked for. */
export interface VersionRow extends Row {
  fence_id: string;
  valid_from: Date;
  /** Null while in force. */
  valid_to: Date | null;
  /** The row as it stood, without its shape; times in it are texts. */
  was: Omit<FenceRow, 'geometry' | 'changed_at'> & { changed_at: string };
  geometry: Geometry | null;
}

/** What changed after `from`, and the revision of that picture. */
export async function versionsSince(
  tx: Queryable,
  merchantId: string,
  from: Date,
): Promise<{ revision: number; versions: VersionRow[] }> {
  const { rows } = await tx.query<VersionRow & { revision: number | null }>(
    `select r.revision, v.* from (select $1::uuid as merchant_id) m
     left join fence_revisions r using (merchant_id)
     left join (
       select merchant_id, fence_id, valid_from, valid_to, was,
         st_asgeojson(shape::geometry, 15)::jsonb as geometry
       from fence_versions
       where merchant_id = $1 and (valid_from > $2 or valid_to > $2)
         and valid_to is distinct from valid_from) v using (merchant_id)
     order by v.valid_from, v.fence_id`,
    [merchantId, from],
  );
  return {
    revision: rows[0]?.revision ?? 0,
    versions: rows.filter((row) => (row.fence_id as string | null) !== null),
  };
}

/** Lets new fences count from an earlier moment on. */
export async function standSince(
  tx: Queryable,
  merchantId: string,
  fenceIds: readonly string[],
  since: Date,
): Promise<void> {
  await tx.query(
    `update fence_versions set valid_from = least(valid_from, $3)
     where merchant_id = $1 and fence_id = any ($2::uuid[])`,
    [merchantId, fenceIds, since],
  );
}

/** Forgets editions that ended before a moment: no ping from then is kept that they could judge. */
export async function forgetVersions(db: Queryable, before: number): Promise<number> {
  const { rowCount } = await db.query('delete from fence_versions where valid_to < $1', [
    new Date(before),
  ]);
  return rowCount;
}
