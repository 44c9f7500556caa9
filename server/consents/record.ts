/** What a guest chose on a page, into the ledger: exact words, proof, age, and the second yes that mail needs. */
import type { Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { lawOf } from '../stores/law.ts';
import { readSettings } from '../stores/settings.ts';
import { storeById } from '../stores/queries.ts';
import { worded } from '../stores/words.ts';
import type { Language, Text } from '../stores/words.ts';
import type { Purpose } from '../stores/wordings.ts';
import { askByMail } from './confirm.ts';
import type { ConsentRow, ConsentSource, NewConsent } from './queries.ts';
import {
  ageBand,
  appendConsent,
  appendConsents,
  currentConsents,
  keepAgeBand,
  wordingHash,
} from './queries.ts';
import { voidRequests } from './request-queries.ts';

/** The part of a store that recording needs; `wordings` are those its pages show now. */
export interface ConsentStore {
  id: string;
  merchantId: string;
  wordings: readonly { purpose: Purpose; version: string; text: Text }[];
  /** Years; with it, nothing but the terms is kept of a guest who never said to be above it. */
  ageGate?: number;
}

export interface ConsentGiven {
  purpose: Purpose;
  granted: boolean;
  version: string;
  /** Language of the words that were shown. */
  language: Language;
}

/** What was on the screen: the shape of portal/ports.ts ConsentProof. */
export interface ConsentProof {
  pageSha256: string;
  screen: string;
  ip: string;
  userAgent: string;
}

export interface RecordRequest {
  store: ConsentStore;
  guestId: string;
  consents: readonly ConsentGiven[];
  shown?: ConsentProof | undefined;
  /** Above or below the site's age; absent when nobody asked. */
  age?: 'over' | 'under' | undefined;
  /** Of the mail that asks for the second yes. */
  language: Language;
  source: ConsentSource;
  /** Scheme and host that the mailed link leads to; without it, what needs a mail is not granted. */
  publicUrl?: string | undefined;
}

export interface Recorded {
  granted: Purpose[];
  refused: Purpose[];
  /** A mail asks for the second yes; nothing stands in the ledger until it comes. */
  awaiting: Purpose[];
  /** Optional choices that could not be kept: words that changed meanwhile, or storage. For the log. */
  failed: { purpose: Purpose; error: unknown }[];
}

type Wording = ConsentStore['wordings'][number];

/**
 * Keeps the choices of one page. The terms of access come first and must hold: agreed to now under the
 * words of today, or agreed to before under these very words (then nothing is added). Without that it
 * throws `conflict` and the caller's transaction must end. Everything else never keeps a guest out.
 */
export async function recordConsents(
  tx: Queryable,
  request: RecordRequest,
  now: number,
): Promise<Recorded> {
  const { store, guestId, consents } = request;
  const access = consents.find((given) => given.purpose === 'access');
  if (access === undefined) {
    requireTerms(store, await currentConsents(tx, store.merchantId, guestId));
    return recordChoices(tx, request, now);
  }
  const recorded = await keep(tx, request, accessEntry(request, access), now);
  return { ...recorded, granted: ['access', ...recorded.granted] };
}

/** Keeps what is optional, each by itself; the terms are left alone. */
export async function recordChoices(
  tx: Queryable,
  request: RecordRequest,
  now: number,
): Promise<Recorded> {
  return keep(tx, request, null, now);
}

/** The terms, where they are agreed to here, and what is optional. */
async function keep(
  tx: Queryable,
  request: RecordRequest,
  terms: NewConsent | null,
  now: number,
): Promise<Recorded> {
  const { store, guestId, age } = request;
  const result: Recorded = { granted: [], refused: [], awaiting: [], failed: [] };
  const optional = request.consents.filter((given) => given.purpose !== 'access');
  const first = terms === null ? [] : [terms];
  const aged = age === undefined ? null : keepAgeBand(tx, store.merchantId, guestId, age);
  if (optional.length === 0) {
    await Promise.all([aged, terms !== null && appendConsent(tx, terms, now)]);
    return result;
  }
  // Told now, the age is not asked for: what follows is sent together with it.
  const young = age === undefined ? await tooYoung(tx, request) : age === 'under';
  const choices = { ...request, consents: optional, young };
  const [, together] = await Promise.all([aged, keptTogether(tx, choices, first, result, now)]);
  if (together) return result;
  if (terms !== null) await appendConsent(tx, terms, now);
  const held = await currentConsents(tx, store.merchantId, guestId);
  for (const given of optional) {
    await besides(tx, result, given.purpose, () =>
      keepChoice(tx, { ...request, young }, given, held, result, now),
    );
  }
  return result;
}

/**
 * Most pages hold nothing that could fail, and nothing that needs a mail: these go to storage in one piece,
 * all of them or none. False when they have to be kept one by one after all.
 */
async function keptTogether(
  tx: Queryable,
  request: RecordRequest & { young: boolean },
  terms: readonly NewConsent[],
  result: Recorded,
  now: number,
): Promise<boolean> {
  const { store, consents, young } = request;
  const plain = consents.every(
    (given) =>
      given.purpose !== 'marketing-email' &&
      store.wordings.some((one) => one.purpose === given.purpose && one.version === given.version),
  );
  if (!plain) return false;
  const granted = (given: ConsentGiven): boolean => given.granted && !young;
  const entries = consents.map((given): NewConsent => {
    const entry = entryOf(request, given);
    return young ? { ...entry, granted: false, method: 'age-gate' } : entry;
  });
  try {
    await Promise.all([
      tx.query('savepoint choices'),
      appendConsents(tx, [...terms, ...entries], now),
      tx.query('release savepoint choices'),
    ]);
  } catch {
    await tx.query('rollback to savepoint choices');
    return false;
  }
  for (const given of consents)
    (granted(given) ? result.granted : result.refused).push(given.purpose);
  return true;
}

/** PURE. Whether the terms held are the store's words of today, whatever language they were read in. */
export function termsCurrent(store: ConsentStore, held: readonly ConsentRow[]): boolean {
  const row = held.find((one) => one.purpose === 'access');
  const wording = store.wordings.find((one) => one.purpose === 'access');
  if (row === undefined || wording === undefined || !row.granted) return false;
  return isOf(row, wording);
}

/** PURE. An entry stands for a wording when its hash is that of one of its languages. */
function isOf(row: ConsentRow, wording: Wording): boolean {
  const texts = Object.values(wording.text) as (string | undefined)[];
  return texts.some((text) => text !== undefined && wordingHash(text) === row.text_sha256);
}

function requireTerms(store: ConsentStore, held: readonly ConsentRow[]): void {
  if (termsCurrent(store, held)) return;
  throw problem('conflict', { detail: 'The terms of access were not agreed to.' });
}

/** The wording by purpose and version; words nobody sees any more cannot be agreed to. */
function wordingOf(store: ConsentStore, { purpose, version }: ConsentGiven): Wording {
  const wording = store.wordings.find((one) => one.purpose === purpose && one.version === version);
  if (!wording) throw problem('conflict', { detail: 'The text that was agreed to has changed.' });
  return wording;
}

function accessEntry(request: RecordRequest, given: ConsentGiven): NewConsent {
  if (!given.granted) {
    throw problem('conflict', { detail: 'The terms of access were not agreed to.' });
  }
  return entryOf(request, given);
}

/** Below the site's age, or never said to be above it: told now, else as told before. */
async function tooYoung(tx: Queryable, { store, guestId, age }: RecordRequest): Promise<boolean> {
  const band = age ?? (await ageBand(tx, store.merchantId, guestId));
  return band === 'under' || (store.ageGate !== undefined && band === null);
}

async function keepChoice(
  tx: Queryable,
  request: RecordRequest & { young: boolean },
  given: ConsentGiven,
  held: readonly ConsentRow[],
  result: Recorded,
  now: number,
): Promise<void> {
  const { store, young } = request;
  const wording = wordingOf(store, given);
  if (young) {
    // Whatever a page sent, the ledger says that the age refused it.
    await appendConsent(
      tx,
      { ...entryOf(request, given), granted: false, method: 'age-gate' },
      now,
    );
    result.refused.push(given.purpose);
    return;
  }
  const standing = held.find((row) => row.purpose === given.purpose);
  const confirmed = standing?.granted === true && isOf(standing, wording);
  if (given.granted && given.purpose === 'marketing-email' && !confirmed) {
    const row = await storeById(tx, store.merchantId, store.id);
    if (row && lawOf(readSettings(row.settings), row.country).doubleOptIn) {
      const asked = await askByMail(
        tx,
        { ...request, row, given, text: shownText(store, given) },
        now,
      );
      (asked ? result.awaiting : result.refused).push(given.purpose);
      return;
    }
  }
  await appendConsent(tx, entryOf(request, given), now);
  if (!given.granted && given.purpose === 'marketing-email') {
    await voidRequests(tx, store.merchantId, request.guestId);
  }
  (given.granted ? result.granted : result.refused).push(given.purpose);
}

function shownText(store: ConsentStore, given: ConsentGiven): string {
  return worded(wordingOf(store, given).text, given.language).text;
}

function entryOf(request: RecordRequest, given: ConsentGiven): NewConsent {
  const { store, guestId, source, shown } = request;
  const { text, language } = worded(wordingOf(store, given).text, given.language);
  return {
    merchantId: store.merchantId,
    storeId: store.id,
    guestId,
    purpose: given.purpose,
    granted: given.granted,
    version: given.version,
    language,
    text,
    source,
    method: 'form',
    ...(shown ? { proof: shown } : {}),
  };
}

/** Runs what the guest may do without: if it fails, it alone is undone. */
async function besides(
  tx: Queryable,
  result: Recorded,
  purpose: Purpose,
  work: () => Promise<void>,
): Promise<void> {
  await tx.query('savepoint choice');
  try {
    await work();
    await tx.query('release savepoint choice');
  } catch (error) {
    await tx.query('rollback to savepoint choice');
    result.failed.push({ purpose, error });
  }
}
