/** Double opt-in: agreeing to offers by mail counts once the link in a mail was followed and confirmed. */
import type { Queryable } from '../db/database.ts';
import { hashToken, newToken } from '../ids.ts';
import { queueMessage } from '../messages/queries.ts';
import { confirmWords } from '../messages/texts.ts';
import type { Language } from '../stores/words.ts';
import { appendConsent } from './queries.ts';
import {
  addressOf,
  dropRequests,
  insertRequest,
  linkWaits,
  openRequest,
  requestsSince,
  takeRequest,
} from './request-queries.ts';

/** How long the link works. */
export const CONFIRM_MS = 7 * 86_400_000;
/** Mails a guest may cause in a day by agreeing again and again. */
const MOST_MAILS = 3;
const DAY_MS = 86_400_000;

export interface MailRequest {
  row: { id: string; merchant_id: string; slug: string; name: string };
  guestId: string;
  given: { version: string; language: Language };
  /** The words that were shown. */
  text: string;
  language: Language;
  shown?: { pageSha256: string; screen: string } | undefined;
  publicUrl?: string | undefined;
}

/** Queues the mail; false when there is no address, no way to make a link, or enough mails today and none that still works. */
export async function askByMail(
  tx: Queryable,
  request: MailRequest,
  now: number,
): Promise<boolean> {
  const { row, guestId, given, language, publicUrl } = request;
  const merchantId = row.merchant_id;
  const email = await addressOf(tx, merchantId, guestId);
  if (email === null || publicUrl === undefined) return false;
  if ((await requestsSince(tx, merchantId, guestId, now - DAY_MS)) >= MOST_MAILS) {
    return linkWaits(tx, merchantId, guestId, now);
  }
  const token = newToken('fc');
  const expiresAt = now + CONFIRM_MS;
  await insertRequest(
    tx,
    {
      tokenHash: hashToken(token),
      merchantId,
      guestId,
      storeId: row.id,
      email,
      version: given.version,
      text: request.text,
      language: given.language,
      pageSha256: request.shown?.pageSha256 ?? null,
      screen: request.shown?.screen ?? null,
      expiresAt,
    },
    now,
  );
  const link = `${publicUrl}/p/${encodeURIComponent(row.slug)}/confirm/${token}`;
  const words = confirmWords(language, row.name, link);
  await queueMessage(
    tx,
    {
      merchantId,
      storeId: row.id,
      channel: 'email',
      address: email,
      subject: words.subject,
      body: words.body,
      expiresAt,
    },
    now,
  );
  return true;
}

const TOKEN = /^fc_[\w-]{32}$/;

/** What a mailed link asks, without deciding anything: a mail scanner may open it. Null when it is void. */
export async function requestBehind(
  tx: Queryable,
  store: { id: string; merchantId: string },
  token: string,
  now: number,
): Promise<{ text: string; language: string } | null> {
  if (!TOKEN.test(token)) return null;
  return openRequest(tx, store.merchantId, store.id, hashToken(token), now);
}

/** The second yes: one entry in the ledger, once. False when the link is void. */
export async function confirmByMail(
  tx: Queryable,
  store: { id: string; merchantId: string },
  token: string,
  from: { ip: string; userAgent: string },
  now: number,
): Promise<boolean> {
  if (!TOKEN.test(token)) return false;
  const { merchantId, id: storeId } = store;
  const request = await takeRequest(tx, merchantId, storeId, hashToken(token), now);
  if (request === null) return false;
  await appendConsent(
    tx,
    {
      merchantId,
      storeId,
      guestId: request.guest_id,
      purpose: 'marketing-email',
      granted: true,
      version: request.text_version,
      text: request.text,
      language: request.language,
      source: 'email-link',
      method: 'link',
      proof: {
        pageSha256: request.page_sha256 ?? '',
        screen: request.screen ?? 'mail',
        ip: from.ip,
        userAgent: from.userAgent,
      },
    },
    now,
  );
  return true;
}

/** Drops links that ran out. For the timed jobs. */
export async function forgetRequests(db: Queryable, now: number): Promise<number> {
  return dropRequests(db, now);
}
