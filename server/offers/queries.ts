/** The tables of offers, vouchers and redemptions. */
import type { Queryable, Row } from '../db/database.ts';

export type OfferStatus = 'draft' | 'live' | 'paused';

export interface Offer {
  id: string;
  /** Where its vouchers may be redeemed; null = in every store of the merchant. */
  storeId: string | null;
  name: string;
  headline: string;
  body: string;
  terms: string;
  /** Seconds a voucher lives. */
  validForS: number;
  /** Vouchers in all; null = no limit. */
  stock: number | null;
  issued: number;
  redeemed: number;
  status: OfferStatus;
  createdAt: Date;
  updatedAt: Date;
}

interface OfferRow extends Row {
  id: string;
  store_id: string | null;
  name: string;
  headline: string;
  body: string;
  terms: string;
  valid_for_s: number;
  stock: number | null;
  issued: number;
  redeemed: number;
  status: OfferStatus;
  created_at: Date;
  updated_at: Date;
}

const offerColumns = `id, store_id, name, headline, body, terms, valid_for_s, stock, issued, redeemed,
  status, created_at, updated_at`;

function toOffer(row: OfferRow): Offer {
  return {
    id: row.id,
    storeId: row.store_id,
    name: row.name,
    headline: row.headline,
    body: row.body,
    terms: row.terms,
    validForS: row.valid_for_s,
    stock: row.stock,
    issued: row.issued,
    redeemed: row.redeemed,
    status: row.status,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** A merchant's offers, newest first, at most 500. */
export async function offersOf(tx: Queryable, merchantId: string): Promise<Offer[]> {
  const { rows } = await tx.query<OfferRow>(
    `select ${offerColumns} from offers where merchant_id = $1 order by created_at desc, id desc limit 500`,
    [merchantId],
  );
  return rows.map(toOffer);
}

export async function offerById(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<Offer | null> {
  const { rows } = await tx.query<OfferRow>(
    `select ${offerColumns} from offers where merchant_id = $1 and id = $2`,
    [merchantId, id],
  );
  return rows[0] ? toOffer(rows[0]) : null;
}

/** What is written of an offer. */
export type OfferFields = Pick<
  Offer,
  'storeId' | 'name' | 'headline' | 'body' | 'terms' | 'validForS' | 'stock' | 'status'
>;

function offerValues(fields: OfferFields): unknown[] {
  const { storeId, name, headline, body, terms, validForS, stock, status } = fields;
  return [storeId, name, headline, body, terms, validForS, stock, status];
}

export async function insertOffer(
  tx: Queryable,
  merchantId: string,
  id: string,
  fields: OfferFields,
  now: number,
): Promise<void> {
  await tx.query(
    `insert into offers (id, merchant_id, store_id, name, headline, body, terms, valid_for_s, stock,
       status, created_at, updated_at)
     values ($1, $2, $4, $5, $6, $7, $8, $9, $10, $11, $3, $3)`,
    [id, merchantId, new Date(now), ...offerValues(fields)],
  );
}

/** False when more vouchers are out than the new stock allows, or the offer is gone. */
export async function updateOffer(
  tx: Queryable,
  merchantId: string,
  id: string,
  fields: OfferFields,
  now: number,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update offers set store_id = $4, name = $5, headline = $6, body = $7, terms = $8,
       valid_for_s = $9, stock = $10::integer, status = $11, updated_at = $3
     where merchant_id = $1 and id = $2 and ($10::integer is null or issued <= $10)`,
    [merchantId, id, new Date(now), ...offerValues(fields)],
  );
  return rowCount === 1;
}

/** Deletes an offer that no rule names and no voucher came from; false otherwise. */
export async function deleteUnusedOffer(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `delete from offers o where merchant_id = $1 and id = $2 and issued = 0
       and not exists (select 1 from rules r where r.offer_id = o.id)
       and not exists (select 1 from vouchers v where v.offer_id = o.id)`,
    [merchantId, id],
  );
  return rowCount === 1;
}

/** Locks offers in id order, so that two events can never wait for each other, and reads them. */
export async function lockOffers(
  tx: Queryable,
  merchantId: string,
  ids: readonly string[],
): Promise<Map<string, Offer>> {
  const { rows } = await tx.query<OfferRow>(
    `select ${offerColumns} from offers where merchant_id = $1 and id = any ($2::uuid[])
     order by id for no key update`,
    [merchantId, ids],
  );
  return new Map(rows.map((row) => [row.id, toOffer(row)]));
}

/** Counts issued vouchers in; gives how many offers still had room. */
export async function countIssued(
  tx: Queryable,
  merchantId: string,
  counts: readonly { offerId: string; n: number }[],
): Promise<number> {
  const { rowCount } = await tx.query(
    `update offers o set issued = o.issued + c.n
     from jsonb_to_recordset($2::jsonb) as c ("offerId" uuid, n integer)
     where o.merchant_id = $1 and o.id = c."offerId" and (o.stock is null or o.issued + c.n <= o.stock)`,
    [merchantId, JSON.stringify(counts)],
  );
  return rowCount;
}

/** A voucher as written; times in ms. */
export interface NewVoucher {
  id: string;
  offerId: string;
  decisionId: string;
  storeId: string | null;
  guestId: string | null;
  deviceId: string | null;
  code: string;
  expiresAt: number;
}

export async function insertVouchers(
  tx: Queryable,
  merchantId: string,
  vouchers: readonly NewVoucher[],
  now: number,
): Promise<void> {
  const rows = vouchers.map((each) => ({
    ...each,
    expiresAt: new Date(each.expiresAt).toISOString(),
  }));
  await tx.query(
    `insert into vouchers (id, merchant_id, offer_id, decision_id, store_id, guest_id, device_id, code,
       issued_at, expires_at)
     select v.id, $1, v."offerId", v."decisionId", v."storeId", v."guestId", v."deviceId", v.code, $3, v."expiresAt"
     from jsonb_to_recordset($2::jsonb) as v (id uuid, "offerId" uuid, "decisionId" text, "storeId" uuid,
       "guestId" uuid, "deviceId" uuid, code text, "expiresAt" timestamptz)`,
    [merchantId, JSON.stringify(rows), new Date(now)],
  );
}

/** Issued, held out, redeemed per offer; `heldOut` from the decisions of its rules. */
export interface OfferFigures {
  offerId: string;
  name: string;
  status: OfferStatus;
  issued: number;
  heldOut: number;
  shown: number;
  redeemed: number;
}

interface FigureRow extends Row {
  id: string;
  name: string;
  status: OfferStatus;
  issued: number;
  held_out: number;
  shown: number;
  redeemed: number;
}

export async function offerFigures(tx: Queryable, merchantId: string): Promise<OfferFigures[]> {
  const { rows } = await tx.query<FigureRow>(
    `select o.id, o.name, o.status, o.issued, o.redeemed,
       (select count(*) from decisions d join rules r on r.id = d.rule_id
        where d.merchant_id = $1 and r.offer_id = o.id and d.outcome = 'held_out') as held_out,
       (select count(*) from vouchers v where v.offer_id = o.id and v.shown_at is not null) as shown
     from offers o where o.merchant_id = $1 order by o.created_at desc, o.id desc limit 500`,
    [merchantId],
  );
  return rows.map(({ id, held_out: heldOut, ...rest }) => ({ offerId: id, heldOut, ...rest }));
}
