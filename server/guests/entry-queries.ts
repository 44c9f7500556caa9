/** The store behind a vendor's own address: asked before there is a tenant. */
import type { Queryable, Row } from '../db/database.ts';

export interface EntryRow extends Row {
  slug: string;
  /** MACs of the site's access points, as registered. */
  aps: string[] | null;
}

/** Stores whose UniFi gateway is of this site name; more than `limit` tell nothing apart anyway. */
export async function storesOfUnifiSite(
  db: Queryable,
  site: string,
  limit: number,
): Promise<EntryRow[]> {
  const { rows } = await db.query<EntryRow>(
    `select s.slug, g.settings -> 'unifi' -> 'aps' as aps
     from gateways g join stores s on s.id = g.store_id
     where g.kind = 'unifi' and g.settings -> 'unifi' ->> 'site' = $1
     order by g.created_at, g.id limit $2`,
    [site, limit],
  );
  return rows;
}

/** The same, told apart by an access point: `ap` in lower case with colons. */
export async function storesOfUnifiAp(
  db: Queryable,
  site: string,
  ap: string,
  limit: number,
): Promise<EntryRow[]> {
  const { rows } = await db.query<EntryRow>(
    `select s.slug, g.settings -> 'unifi' -> 'aps' as aps
     from gateways g join stores s on s.id = g.store_id
     where g.kind = 'unifi' and g.settings -> 'unifi' ->> 'site' = $1
       and lower(replace((g.settings -> 'unifi' -> 'aps')::text, '-', ':'))::jsonb ? $2
     order by g.created_at, g.id limit $3`,
    [site, ap, limit],
  );
  return rows;
}
