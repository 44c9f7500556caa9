/** Stores and their gateways. */
import type { Queryable, Row } from '../db/database.ts';
import type { GatewayKind, GatewaySettings } from './gateway-schema.ts';
import type { StoreSettings } from './settings.ts';

export interface StoreChoice extends Row {
  id: string;
  slug: string;
  name: string;
  timezone: string;
}

/** What a picker needs, in the order stores were made. */
export async function storeChoices(tx: Queryable, merchantId: string): Promise<StoreChoice[]> {
  const { rows } = await tx.query<StoreChoice>(
    'select id, slug, name, timezone from stores where merchant_id = $1 order by created_at, id limit 500',
    [merchantId],
  );
  return rows;
}

export interface StoreRow extends StoreChoice {
  merchant_id: string;
  country: string;
  lon: number | null;
  lat: number | null;
  /** As stored: read with readSettings(). */
  settings: unknown;
  created_at: Date;
  updated_at: Date;
}

const columns = `id, merchant_id, slug, name, timezone, country, st_x(location::geometry) as lon,
  st_y(location::geometry) as lat, settings, created_at, updated_at`;

export async function storesOf(tx: Queryable, merchantId: string): Promise<StoreRow[]> {
  const { rows } = await tx.query<StoreRow>(
    `select ${columns} from stores where merchant_id = $1 order by created_at, id limit 500`,
    [merchantId],
  );
  return rows;
}

/** `lock` holds the row until the transaction ends: for a change made from what it says. */
export async function storeById(
  tx: Queryable,
  merchantId: string,
  id: string,
  lock = false,
): Promise<StoreRow | null> {
  const { rows } = await tx.query<StoreRow>(
    `select ${columns} from stores where merchant_id = $1 and id = $2 ${lock ? 'for update' : ''}`,
    [merchantId, id],
  );
  return rows[0] ?? null;
}

/** Whether the store is this merchant's: foreign keys do not ask whose row it is. */
export async function hasStore(
  tx: Queryable,
  merchantId: string,
  storeId: string,
): Promise<boolean> {
  const { rowCount } = await tx.query('select 1 from stores where merchant_id = $1 and id = $2', [
    merchantId,
    storeId,
  ]);
  return rowCount > 0;
}

const writeStore = `insert into stores (id, merchant_id, slug, name, timezone, country, location, settings, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6,
       case when $7::float8 is null then null else st_setsrid(st_makepoint($7::float8, $8::float8), 4326)::geography end,
       $9, $10, $10)`;
const rewriteStore = `update stores set name = $3, timezone = $4, country = $5,
       location = case when $6::float8 is null then null else st_setsrid(st_makepoint($6::float8, $7::float8), 4326)::geography end,
       settings = $8, updated_at = $9
     where merchant_id = $1 and id = $2`;
const writeGateway = `insert into gateways (id, merchant_id, store_id, kind, name, settings, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)`;
const rewriteGateway =
  'update gateways set name = $3, settings = $4 where merchant_id = $1 and id = $2';
/** Replaces settings as they stand: those that changed meanwhile are left alone. */
const replaceSettings = {
  stores: 'update stores set settings = $2 where id = $1 and settings = $3::jsonb',
  gateways: 'update gateways set settings = $2 where id = $1 and settings = $3::jsonb',
} as const;

/** Which parameter of a statement holds settings to be kept, from 1; 0 when none does. */
export function settingsParameter(text: string): number {
  if (text === writeStore) return 9;
  if (text === rewriteStore) return 8;
  if (text === writeGateway) return 6;
  if (text === rewriteGateway) return 4;
  return text === replaceSettings.stores || text === replaceSettings.gateways ? 2 : 0;
}

export async function insertStore(
  tx: Queryable,
  merchantId: string,
  store: {
    id: string;
    slug: string;
    name: string;
    timezone: string;
    country: string;
    lon: number | null;
    lat: number | null;
    settings: StoreSettings;
    now: Date;
  },
): Promise<void> {
  await tx.query(writeStore, [
    store.id,
    merchantId,
    store.slug,
    store.name,
    store.timezone,
    store.country,
    store.lon,
    store.lat,
    JSON.stringify(store.settings),
    store.now,
  ]);
}

export async function updateStore(
  tx: Queryable,
  merchantId: string,
  store: Pick<StoreRow, 'id' | 'name' | 'timezone' | 'country' | 'lon' | 'lat'> & {
    settings: StoreSettings;
    now: Date;
  },
): Promise<void> {
  await tx.query(rewriteStore, [
    merchantId,
    store.id,
    store.name,
    store.timezone,
    store.country,
    store.lon,
    store.lat,
    JSON.stringify(store.settings),
    store.now,
  ]);
}

/** A store by its address, with its gateways: the look-up before there is a tenant. */
export async function storeAndGatewaysBySlug(
  db: Queryable,
  slug: string,
): Promise<{ store: StoreRow; gateways: GatewayRow[] } | null> {
  const { rows } = await db.query<StoreRow>(`select ${columns} from stores where slug = $1`, [
    slug,
  ]);
  const [store] = rows;
  if (!store) return null;
  return { store, gateways: await gatewaysOf(db, store.merchant_id, store.id) };
}

export interface GatewayRow extends Row {
  id: string;
  store_id: string;
  kind: GatewayKind;
  name: string;
  settings: GatewaySettings;
  last_heard_at: Date | null;
  created_at: Date;
}

const gatewayColumns = 'id, store_id, kind, name, settings, last_heard_at, created_at';

export async function gatewaysOf(
  tx: Queryable,
  merchantId: string,
  storeId: string,
): Promise<GatewayRow[]> {
  const { rows } = await tx.query<GatewayRow>(
    `select ${gatewayColumns} from gateways where merchant_id = $1 and store_id = $2
     order by created_at, id limit 100`,
    [merchantId, storeId],
  );
  return rows;
}

export async function gatewayById(
  tx: Queryable,
  merchantId: string,
  id: string,
  lock = false,
): Promise<GatewayRow | null> {
  const { rows } = await tx.query<GatewayRow>(
    `select ${gatewayColumns} from gateways where merchant_id = $1 and id = $2 ${lock ? 'for update' : ''}`,
    [merchantId, id],
  );
  return rows[0] ?? null;
}

export async function insertGateway(
  tx: Queryable,
  merchantId: string,
  gateway: Pick<GatewayRow, 'id' | 'store_id' | 'kind' | 'name' | 'settings'> & { now: Date },
): Promise<void> {
  await tx.query(writeGateway, [
    gateway.id,
    merchantId,
    gateway.store_id,
    gateway.kind,
    gateway.name,
    JSON.stringify(gateway.settings),
    gateway.now,
  ]);
}

export async function updateGateway(
  tx: Queryable,
  merchantId: string,
  gateway: Pick<GatewayRow, 'id' | 'name' | 'settings'>,
): Promise<void> {
  await tx.query(rewriteGateway, [
    merchantId,
    gateway.id,
    gateway.name,
    JSON.stringify(gateway.settings),
  ]);
}

export async function deleteGateway(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<boolean> {
  const { rowCount } = await tx.query('delete from gateways where merchant_id = $1 and id = $2', [
    merchantId,
    id,
  ]);
  return rowCount === 1;
}

/** Settings whose secrets stand in clear: kept by a release that did not seal them. */
const CLEAR = '"(secret|password|apiKey|clientSecret|fixed)": "(?!sealed:)';

/** Rewrites such settings as they are, of any merchant; whoever seals does so on the way. Gives how many. */
export async function keepAgain(db: Queryable, table: 'stores' | 'gateways'): Promise<number> {
  const { rows } = await db.query<{ id: string; kept: unknown }>(
    `select id, settings as kept from ${table} where settings::text ~ $1 order by id limit 500`,
    [CLEAR],
  );
  for (const { id, kept } of rows) {
    const text = JSON.stringify(kept);
    await db.query(replaceSettings[table], [id, text, text]);
  }
  return rows.length;
}
