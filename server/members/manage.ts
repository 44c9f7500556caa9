/** Making and changing member cards: what is asked for, checked row by row, kept in one transaction. */
import type { Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { parseCsv } from '../http/csv.ts';
import type { cardHashes } from './members.ts';
import { cardNumber, factorDigits, lastFour, newCardNumber, newPin } from './number.ts';
import type { CardRow, NewCard } from './queries.ts';
import { cardById, countCards, insertCards, updateCard } from './queries.ts';
import { clearTries } from './try-queries.ts';

type Hashes = ReturnType<typeof cardHashes>;

/** Rows of one request, and cards of one merchant: a runaway script stops here. */
export const MOST_ROWS = 1_000;
const MOST_CARDS = 200_000;
const LONGEST_NAME = 120;

/** One card as it is asked for; all texts as somebody typed them. */
export interface AskedCard {
  /** Which row of the request, as its sender counts. */
  row: number;
  /** Made here when left out. */
  number?: string | undefined;
  name?: string | undefined;
  /** Made here when neither it nor a phone is given. */
  pin?: string | undefined;
  /** Only its last four digits are used, and only their hash is kept. */
  phone?: string | undefined;
  /** Date or instant, ISO 8601; a date lasts to its end in UTC. */
  expires?: string | undefined;
}

/** Why no card was made of a row: a sentence for the API, a name for pages that have their own words. */
const REFUSED = {
  number: 'The number must be 3 to 32 letters and digits.',
  factor: 'The PIN must be 4 to 8 digits, or the phone a phone number.',
  name: `The name must be plain text of at most ${LONGEST_NAME} characters.`,
  expires: 'The end must be a date such as 2027-12-31.',
  twice: 'Another row has this number.',
  taken: 'A card with this number exists already.',
} as const;
type RowRefusal = keyof typeof REFUSED;

export interface RowError {
  row: number;
  why: RowRefusal;
  message: string;
}

const refused = (row: number, why: RowRefusal): RowError => ({ row, why, message: REFUSED[why] });

export interface MadeCard {
  row: number;
  card: CardRow;
  /** Only when it was made here: nobody sees it again. */
  pin: string | null;
}

interface Ready {
  row: number;
  card: NewCard;
  pin: string | null;
}

const given = (text: string | undefined): string => text?.trim() ?? '';

function expiryOf(typed: string): number | null | undefined {
  if (typed === '') return null;
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(typed);
  const isInstant = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(typed);
  if (!isDate && !isInstant) return undefined;
  const at = Date.parse(isDate ? `${typed}T23:59:59.999Z` : typed);
  return Number.isNaN(at) ? undefined : at;
}

function numberOf(typed: string): string | null {
  return typed === '' ? newCardNumber() : cardNumber(typed);
}

/** What the member will know, and the PIN when it was made here; null when what was given is neither. */
function factorOf(
  asked: AskedCard,
): { kind: 'pin' | 'phone'; digits: string; made: boolean } | null {
  const [pin, phone] = [given(asked.pin), given(asked.phone)];
  if (pin !== '') {
    const digits = factorDigits(pin);
    return digits === null ? null : { kind: 'pin', digits, made: false };
  }
  if (phone !== '') {
    const digits = lastFour(phone);
    return digits === null ? null : { kind: 'phone', digits, made: false };
  }
  return { kind: 'pin', digits: newPin(), made: true };
}

/** PURE but for what is made. One card ready to be kept, or why not. */
function readied(hashes: Hashes, merchantId: string, asked: AskedCard): Ready | RowRefusal {
  const number = numberOf(given(asked.number));
  if (number === null) return 'number';
  const factor = factorOf(asked);
  if (factor === null) return 'factor';
  const name = given(asked.name);
  if (name.length > LONGEST_NAME || /[\p{Cc}\p{Cs}]/u.test(name)) return 'name';
  const expiresAt = expiryOf(given(asked.expires));
  if (expiresAt === undefined) return 'expires';
  const factorHash = hashes.factor(merchantId, number, factor.digits);
  const card = { number, name: name || null, factor: factor.kind, factorHash, expiresAt };
  return { row: asked.row, card, pin: factor.made ? factor.digits : null };
}

/** Adds what can be added and says of the rest why not. */
export async function makeCards(
  tx: Queryable,
  hashes: Hashes,
  merchantId: string,
  asked: readonly AskedCard[],
  now: number,
): Promise<{ made: MadeCard[]; errors: RowError[] }> {
  if ((await countCards(tx, merchantId)) + asked.length > MOST_CARDS) {
    throw problem('conflict', { detail: `A merchant has at most ${MOST_CARDS} member cards.` });
  }
  const errors: RowError[] = [];
  const ready = new Map<string, Ready>();
  for (const one of asked) {
    const result = readied(hashes, merchantId, one);
    if (typeof result === 'string') errors.push(refused(one.row, result));
    else if (ready.has(result.card.number)) errors.push(refused(one.row, 'twice'));
    else ready.set(result.card.number, result);
  }
  const rows = await insertCards(
    tx,
    merchantId,
    [...ready.values()].map(({ card }) => card),
    now,
  );
  const kept = new Map(rows.map((row) => [row.number, row]));
  const made: MadeCard[] = [];
  for (const { row, card, pin } of ready.values()) {
    const found = kept.get(card.number);
    if (found) made.push({ row, card: found, pin });
    else errors.push(refused(row, 'taken'));
  }
  return { made, errors: errors.toSorted((a, b) => a.row - b.row) };
}

const COLUMNS = ['number', 'name', 'pin', 'phone', 'expires'] as const;

/** PURE. Rows of a CSV text with a head line; rows are counted as lines of the file. */
export function cardsOfCsv(text: string): AskedCard[] {
  const rows = parseCsv(text, MOST_ROWS + 1);
  if (rows === null) throw invalid('A quote is opened and never closed.');
  const [head, ...body] = rows;
  const names = (head?.cells ?? []).map((cell) => cell.trim().toLowerCase());
  const unknown = names.find((name) => !(COLUMNS as readonly string[]).includes(name));
  if (head === undefined || unknown !== undefined || new Set(names).size !== names.length) {
    throw invalid(`The first line must name columns, each once: ${COLUMNS.join(', ')}.`);
  }
  if (body.length > MOST_ROWS) throw invalid(`Send at most ${MOST_ROWS} rows at a time.`);
  return body.map(({ line, cells }) => {
    const cell = (name: string): string | undefined => cells[names.indexOf(name)];
    const [number, name, pin, phone, expires] = COLUMNS.map(cell);
    return { row: line, number, name, pin, phone, expires };
  });
}

const invalid = (detail: string) => problem('invalid-request', { detail });

/** Anything undefined stays as it is. */
export interface CardChange {
  name?: string | null | undefined;
  pin?: string | undefined;
  phone?: string | undefined;
  blocked?: boolean | undefined;
  expires?: string | null | undefined;
}

export async function changeCard(
  tx: Queryable,
  hashes: Hashes,
  merchantId: string,
  id: string,
  change: CardChange,
  now: number,
): Promise<CardRow> {
  const row = await cardById(tx, merchantId, id);
  if (!row) throw problem('not-found');
  const next = { ...row, updated_at: new Date(now) };
  if (change.name !== undefined) next.name = change.name;
  if (change.expires !== undefined) {
    const at = expiryOf(change.expires ?? '');
    if (at === undefined) throw invalid(REFUSED.expires);
    next.expires_at = at === null ? null : new Date(at);
  }
  if (change.blocked !== undefined) {
    next.blocked_at = change.blocked ? (row.blocked_at ?? new Date(now)) : null;
  }
  if (change.pin !== undefined || change.phone !== undefined) {
    const factor = factorOf({ row: 0, pin: change.pin, phone: change.phone });
    if (factor === null || factor.made) throw invalid('A PIN is 4 to 8 digits.');
    next.factor = factor.kind;
    next.factor_hash = hashes.factor(merchantId, row.number, factor.digits);
    await clearTries(tx, merchantId, hashes.number(merchantId, row.number));
  }
  await updateCard(tx, merchantId, next, now);
  return next;
}
