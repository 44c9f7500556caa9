/** The consent ledger: rows are only ever added; the newest of a purpose is what holds. */
import { createHash } from 'node:crypto';
import type { Queryable, Row } from '../db/database.ts';
import type { Purpose } from '../stores/wordings.ts';
import { uuidv7 } from '../ids.ts';

export type { Purpose };
export type ConsentSource = 'portal' | 'console' | 'api' | 'email-link' | 'self-service';
/** How a choice was made: on a form, by a mailed link, told to staff, or refused by the site's age. */
export type ConsentMethod = 'form' | 'link' | 'staff' | 'age-gate';

/** How a withdrawal without a wording stands in the ledger, as its version. */
export const WITHDRAWAL = 'withdrawal';

/** One entry to add. `text` is the wording as it was shown, kept once under its SHA-256. */
export interface NewConsent {
  merchantId: string;
  guestId: string;
  storeId: string | null;
  purpose: Purpose;
  granted: boolean;
  version: string;
  text: string;
  language: string;
  source: ConsentSource;
  method?: ConsentMethod;
  /** What was on the screen; kept as told, cut to what the ledger holds. */
  proof?: { pageSha256: string; screen: string; ip: string; userAgent: string };
}

export interface ConsentRow extends Row {
  id: string;
  guest_id: string;
  store_id: string | null;
  purpose: Purpose;
  granted: boolean;
  text_version: string;
  text_sha256: string;
  language: string;
  source: ConsentSource;
  method: ConsentMethod | null;
  page_sha256: string | null;
  screen: string | null;
  ip: string | null;
  user_agent: string | null;
  given_at: Date;
  seq: number;
}

const COLUMNS = `id, guest_id, store_id, purpose, granted, text_version, text_sha256, language, source, method,
   page_sha256, screen, ip, user_agent, given_at, seq`;

/** How a wording is named in the ledger: SHA-256 of its UTF-8 text, lower-case hex. */
export function wordingHash(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

const SHA256 = /^[0-9a-f]{64}$/;

function cut(text: string | undefined, most: number): string | null {
  return text?.replaceAll('\u0000', '').slice(0, most) || null;
}

/** Adds one entry. */
export async function appendConsent(
  tx: Queryable,
  consent: NewConsent,
  now: number,
): Promise<void> {
  await appendConsents(tx, [consent], now);
}

/** Adds entries in this order, all of them or none. */
export async function appendConsents(
  tx: Queryable,
  consents: readonly NewConsent[],
  now: number,
): Promise<void> {
  const rows = consents.map(({ proof, ...consent }, order) => ({
    order,
    id: uuidv7(now),
    merchant_id: consent.merchantId,
    guest_id: consent.guestId,
    store_id: consent.storeId,
    purpose: consent.purpose,
    granted: consent.granted,
    text_version: consent.version,
    text_sha256: wordingHash(consent.text),
    wording: consent.text,
    language: consent.language,
    source: consent.source,
    method: consent.method ?? null,
    page_sha256: proof && SHA256.test(proof.pageSha256) ? proof.pageSha256 : null,
    screen: cut(proof?.screen, 60),
    ip: cut(proof?.ip, 64),
    user_agent: cut(proof?.userAgent, 200),
  }));
  await tx.query(
    `with entry as (
       select * from jsonb_to_recordset($1::jsonb) as e ("order" int, id uuid, merchant_id uuid, guest_id uuid,
         store_id uuid, purpose text, granted boolean, text_version text, text_sha256 text, wording text,
         language text, source text, method text, page_sha256 text, screen text, ip text, user_agent text)),
     wording as (
       insert into consent_texts (merchant_id, sha256, text, first_shown_at)
       select distinct merchant_id, text_sha256, wording, $2::timestamptz from entry on conflict do nothing)
     insert into consents (id, merchant_id, guest_id, store_id, purpose, granted, text_version,
       text_sha256, language, source, given_at, method, page_sha256, screen, ip, user_agent)
     select id, merchant_id, guest_id, store_id, purpose, granted, text_version,
       text_sha256, language, source, $2, method, page_sha256, screen, ip, user_agent
     from entry order by "order"`,
    [JSON.stringify(rows), new Date(now)],
  );
}

/** What holds for a guest now: the newest entry of each purpose. */
export async function currentConsents(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<ConsentRow[]> {
  const { rows } = await tx.query<ConsentRow>(
    `select distinct on (purpose) ${COLUMNS} from consents
     where merchant_id = $1 and guest_id = $2
     order by purpose, seq desc`,
    [merchantId, guestId],
  );
  return rows;
}

/** The newest word on a purpose: granted, refused or taken back, or null when it was never spoken of. */
export async function newestWord(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  purpose: Purpose,
): Promise<boolean | null> {
  const { rows } = await tx.query<{ granted: boolean }>(
    `select granted from consents
     where merchant_id = $1 and guest_id = $2 and purpose = $3
     order by seq desc limit 1`,
    [merchantId, guestId, purpose],
  );
  return rows[0]?.granted ?? null;
}

/** Whether a purpose is allowed right now. */
export async function hasConsent(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  purpose: Purpose,
): Promise<boolean> {
  return (await newestWord(tx, merchantId, guestId, purpose)) ?? false;
}

/** Whether messages about offers are allowed right now. */
export async function hasMarketingConsent(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<boolean> {
  return hasConsent(tx, merchantId, guestId, 'marketing');
}

/** On which side of the site's age the guest said to be, or null when nobody asked. */
export async function ageBand(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<'over' | 'under' | null> {
  const { rows } = await tx.query<{ age_band: 'over' | 'under' | null }>(
    'select age_band from guests where merchant_id = $1 and id = $2',
    [merchantId, guestId],
  );
  return rows[0]?.age_band ?? null;
}

/** Notes on which side of the site's age the guest is. */
export async function keepAgeBand(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  band: 'over' | 'under',
): Promise<void> {
  await tx.query('update guests set age_band = $3 where merchant_id = $1 and id = $2', [
    merchantId,
    guestId,
    band,
  ]);
}

/** Everything a guest was shown and chose, newest first. */
export async function consentHistory(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  limit: number,
): Promise<ConsentRow[]> {
  const { rows } = await tx.query<ConsentRow>(
    `select ${COLUMNS} from consents where merchant_id = $1 and guest_id = $2
     order by seq desc limit $3`,
    [merchantId, guestId, limit],
  );
  return rows;
}

export interface LedgerFilter {
  purpose?: Purpose;
  /** Number of the last entry already seen. */
  before?: number;
}

/** The merchant's whole ledger, newest first. */
export async function consentLedger(
  tx: Queryable,
  merchantId: string,
  filter: LedgerFilter,
  limit: number,
): Promise<ConsentRow[]> {
  const { rows } = await tx.query<ConsentRow>(
    `select ${COLUMNS} from consents
     where merchant_id = $1 and ($2::text is null or purpose = $2) and ($3::bigint is null or seq < $3)
     order by seq desc limit $4`,
    [merchantId, filter.purpose ?? null, filter.before ?? null, limit],
  );
  return rows;
}

/** Whether the guest is this merchant's; the row stays until the transaction ends. */
export async function holdGuest(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<boolean> {
  const { rows } = await tx.query(
    'select 1 from guests where merchant_id = $1 and id = $2 for key share',
    [merchantId, guestId],
  );
  return rows.length === 1;
}

/** The wording behind a hash of the ledger. */
export async function wordingOf(
  tx: Queryable,
  merchantId: string,
  sha256: string,
): Promise<{ text: string; first_shown_at: Date } | null> {
  const { rows } = await tx.query<{ text: string; first_shown_at: Date }>(
    'select text, first_shown_at from consent_texts where merchant_id = $1 and sha256 = $2',
    [merchantId, sha256],
  );
  return rows[0] ?? null;
}
