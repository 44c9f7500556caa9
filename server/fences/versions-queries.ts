/** Fences as they stand and as they stood: what the warm indexes are built from. */
import type { Queryable, Row } from '../db/database.ts';
import type { FenceRow } from './queries.ts';
import type { Geometry } from './shape.ts';
import { plain } from './queries.ts';

/** As text is: the detour over jsonb costs twenty thousand fences a third of their time. */
const drawn = (of: string): string => `st_asgeojson(${of}.shape::geometry, 15)::json`;

/**
 * All fences, retired ones without their shape, and the revision they are of, in one statement and
 * so of one moment. In no order: sorting them takes as long as finding them.
 */
export async function allFences(
  tx: Queryable,
  merchantId: string,
): Promise<{ revision: number; fences: FenceRow[] }> {
  const { rows } = await tx.query<FenceRow & { revision: number | null }>(
    `select r.revision, f.* from (select $1::uuid as merchant_id) m
     left join fence_revisions r using (merchant_id)
     left join (
       select f.merchant_id, ${plain}, case when f.active then ${drawn('f')} end as geometry
       from fences f) f using (merchant_id)`,
    [merchantId],
  );
  return {
    revision: rows[0]?.revision ?? 0,
    fences: rows.filter((row) => (row.id as string | null) !== null),
  };
}

/** A fence that was written since a revision, as it is now; `id` is null when it is no more. */
export type ChangedFence = { changed_id: string } & (FenceRow | { [K in keyof FenceRow]: null });

/** The revision of a picture, and that up to which some editions may be forgotten. */
interface Numbered {
  revision: number;
  forgotten: number;
}

/** Keeps the planner, which may never have counted the rows, from reading all fences to find one. */
const oneByOne = 'offset 0';

/** Fences that were written after a revision, in one statement with the revision of that picture. */
export async function fencesChanged(
  tx: Queryable,
  merchantId: string,
  after: number,
): Promise<Numbered & { fences: ChangedFence[] }> {
  // A deleted fence has left an edition behind, which ended with it.
  const { rows } = await tx.query<NumberedRow & { changed_id: string | null }>(
    `select r.revision, r.forgotten, c.id as changed_id, f.*
     from (select $1::uuid as merchant_id) m
     left join fence_revisions r using (merchant_id)
     left join (
       select merchant_id, id from fences where merchant_id = $1 and revision > $2
       union
       select merchant_id, fence_id from fence_versions where merchant_id = $1 and revision > $2
     ) c using (merchant_id)
     left join lateral (
       select ${plain}, case when f.active then ${drawn('f')} end as geometry
       from fences f where f.merchant_id = c.merchant_id and f.id = c.id ${oneByOne}) f on true`,
    [merchantId, after],
  );
  const fences = rows.filter((row) => row.changed_id !== null);
  return { ...numbered(rows[0]), fences: fences as unknown as ChangedFence[] };
}

interface NumberedRow extends Row {
  revision: number | null;
  forgotten: number | null;
}

const numbered = (row: NumberedRow | undefined): Numbered => ({
  revision: row?.revision ?? 0,
  forgotten: row?.forgotten ?? 0,
});

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

/** Of an edition $2 is the moment after which it must have begun or ended. */
const editions = `select merchant_id, fence_id, valid_from, valid_to, was,
    ${drawn('e')} as geometry
  from fence_versions e
  where merchant_id = $1 and (valid_from > $2 or valid_to > $2)
    and valid_to is distinct from valid_from`;

/** What changed after `from`, and the revision of that picture. */
export async function versionsSince(
  tx: Queryable,
  merchantId: string,
  from: Date,
): Promise<{ revision: number; versions: VersionRow[] }> {
  const { rows } = await tx.query<NumberedRow & VersionRow>(
    `select r.revision, r.forgotten, v.* from (select $1::uuid as merchant_id) m
     left join fence_revisions r using (merchant_id)
     left join (${editions}) v using (merchant_id)
     order by v.valid_from, v.fence_id`,
    [merchantId, from],
  );
  const versions = rows.filter((row) => (row.fence_id as string | null) !== null);
  return { ...numbered(rows[0]), versions };
}

/** The same of those fences alone that have editions written after a revision; `ids` names them. */
export async function versionsChanged(
  tx: Queryable,
  merchantId: string,
  from: Date,
  after: number,
): Promise<Numbered & { ids: Set<string>; versions: VersionRow[] }> {
  const { rows } = await tx.query<NumberedRow & VersionRow & { changed_id: string | null }>(
    `select r.revision, r.forgotten, c.fence_id as changed_id, v.*
     from (select $1::uuid as merchant_id) m
     left join fence_revisions r using (merchant_id)
     left join (
       select distinct merchant_id, fence_id from fence_versions
       where merchant_id = $1 and revision > $3) c using (merchant_id)
     left join lateral (${editions} and fence_id = c.fence_id ${oneByOne}) v on true
     order by v.valid_from, v.fence_id`,
    [merchantId, from, after],
  );
  const ids = new Set(rows.flatMap((row) => row.changed_id ?? []));
  const versions = rows.filter((row) => (row.fence_id as string | null) !== null);
  return { ...numbered(rows[0]), ids, versions };
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

/**
 * Forgets editions that ended before a moment: no ping from then is kept that they could judge. Who
 * follows by what was written since a revision is told from which revision on that still works.
 */
export async function forgetVersions(db: Queryable, before: number): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    `with gone as (
       delete from fence_versions where valid_to < $1 returning merchant_id, revision),
     noted as (
       update fence_revisions r set forgotten = greatest(r.forgotten, g.revision)
       from (select merchant_id, max(revision) as revision from gone group by merchant_id) g
       where r.merchant_id = g.merchant_id)
     select count(*) as n from gone`,
    [new Date(before)],
  );
  return rows[0]?.n ?? 0;
}
