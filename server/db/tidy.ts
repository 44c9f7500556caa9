/** The housekeeping that PostgreSQL does by itself and the embedded engine has nobody to do. */
import type { Database } from './database.ts';

/**
 * VACUUM (ANALYZE) of every table of ours, then a CHECKPOINT; to be called every few minutes.
 * One table a statement, so that transactions get their turn in between. Does nothing on PostgreSQL,
 * where autovacuum and the checkpointer run.
 */
export async function tidy(db: Database): Promise<void> {
  if (db.engine !== 'embedded') return;
  const { rows } = await db.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname = 'public' and c.relname <> 'spatial_ref_sys'
      order by 1`,
  );
  for (const { name } of rows) await db.query(`vacuum (analyze) ${name}`);
  await db.query('checkpoint');
}
