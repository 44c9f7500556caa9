/** What is kept about a guest, as they read it on their own page. */
import type { Queryable } from '../db/database.ts';
import { linkWaits } from '../consents/request-queries.ts';
import { answersOf } from '../guests/queries.ts';
import { storesOfGuest } from '../guests/session-log-queries.ts';
import { logDaysOf } from '../guests/session-log.ts';
import { storeById } from '../stores/queries.ts';
import type { Language, Text } from '../stores/words.ts';
import { languages, worded } from '../stores/words.ts';
import type { Purpose } from '../stores/wordings.ts';
import { purposes } from '../stores/wordings.ts';
import type { LookRow } from './look-queries.ts';
import type { HeldWord, Person } from './queries.ts';
import {
  devicesBehind,
  heldWords,
  newestSessions,
  newestVouchers,
  personBehind,
} from './queries.ts';

/** The part of a store that its guests' own pages need. */
export interface SelfStore {
  id: string;
  merchantId: string;
  name: string;
  country: string;
  wordings: readonly { purpose: Purpose; version: string; text: Text }[];
  questions: readonly { key: string; label: Text; options: { value: string; label: Text }[] }[];
  ageGate?: number;
}

export interface ShownConsent {
  purpose: Purpose;
  granted: boolean;
  text: string;
  language: Language;
  at?: number;
  awaiting?: boolean;
  offered: boolean;
  version?: string;
}

const MOST_LINES = 20;

/** PURE. One purpose: the words agreed to while it is granted, else those of today. */
function shownConsent(
  store: SelfStore,
  purpose: Purpose,
  held: HeldWord | undefined,
  person: Person,
  awaiting: boolean,
  language: Language,
): ShownConsent | null {
  const wording = store.wordings.find((one) => one.purpose === purpose);
  if (wording === undefined && held?.granted !== true) return null;
  const today = wording && worded(wording.text, language);
  const agreed = held?.granted === true ? held : undefined;
  return {
    purpose,
    granted: agreed !== undefined,
    text: agreed?.text ?? today?.text ?? '',
    language: agreed ? languageOf(agreed.language) : (today?.language ?? 'en'),
    offered: wording !== undefined && purpose !== 'access' && reaches(purpose, person),
    ...(held ? { at: held.given_at.getTime() } : {}),
    ...(purpose === 'marketing-email' && awaiting && !agreed ? { awaiting: true } : {}),
    ...(wording ? { version: wording.version } : {}),
  };
}

/** Whether a purpose makes sense for this guest: of age, and with an address on that channel. */
function reaches(purpose: Purpose, person: Person): boolean {
  if (person.age_band === 'under') return false;
  if (purpose === 'marketing-email') return person.email !== null;
  return purpose !== 'marketing-sms' || person.phone !== null;
}

function languageOf(text: string): Language {
  return languages.find((language) => language === text) ?? 'en';
}

/** For how long the law keeps the log of sessions, here or wherever else the guest was, whatever they decide. */
async function logDays(tx: Queryable, store: SelfStore, guestId: string): Promise<number> {
  const here = await storeById(tx, store.merchantId, store.id);
  const elsewhere = await storesOfGuest(tx, store.merchantId, guestId);
  return Math.max(0, ...(here ? [here, ...elsewhere] : elsewhere).map(logDaysOf));
}

async function answersShown(tx: Queryable, store: SelfStore, guestId: string) {
  const rows = await answersOf(tx, store.merchantId, guestId);
  return rows.map(({ question_key: key, answer }) => {
    const question = store.questions.find((one) => one.key === key);
    return {
      key,
      value: answer,
      options: question?.options ?? [],
      ...(question ? { label: question.label } : {}),
    };
  });
}

async function personal(tx: Queryable, store: SelfStore, guestId: string, now: number) {
  const { merchantId } = store;
  const sessions = await newestSessions(tx, merchantId, guestId, MOST_LINES);
  const vouchers = await newestVouchers(tx, merchantId, guestId, MOST_LINES);
  const devices = await devicesBehind(tx, merchantId, guestId, now);
  return {
    sessions: sessions.map((row) => ({
      store: row.store,
      method: row.method,
      from: row.granted_at.getTime(),
      ...(row.ended_at ? { until: row.ended_at.getTime() } : {}),
      bytesIn: row.bytes_in,
      bytesOut: row.bytes_out,
    })),
    vouchers: vouchers.map((row) => ({
      headline: row.headline,
      code: row.code,
      state: row.redeemed
        ? ('used' as const)
        : row.expires_at.getTime() > now
          ? ('open' as const)
          : ('over' as const),
      validUntil: row.expires_at.getTime(),
    })),
    answers: await answersShown(tx, store, guestId),
    devices: devices.map(({ kind, name, since }) => ({ kind, name, since: since.getTime() })),
  };
}

const NOTHING = { sessions: [], vouchers: [], answers: [], devices: [] };

/** Null when the guest is gone. */
export async function recordOf(
  tx: Queryable,
  store: SelfStore,
  look: LookRow,
  language: Language,
  now: number,
) {
  const { merchantId } = store;
  const { guest_id: guestId, limited } = look;
  const person = await personBehind(tx, merchantId, guestId);
  if (person === null) return null;
  const held = await heldWords(tx, merchantId, guestId);
  const waits = await linkWaits(tx, merchantId, guestId, now);
  const consents = purposes.flatMap((purpose) => {
    const word = held.find((one) => one.purpose === purpose);
    return shownConsent(store, purpose, word, person, waits, language) ?? [];
  });
  const asksAge = store.ageGate !== undefined && person.age_band === null;
  return {
    limited,
    name: limited ? null : person.name,
    phone: limited ? null : person.phone,
    email: limited ? null : person.email,
    since: person.created_at.getTime(),
    lastSeen: person.last_seen_at.getTime(),
    consents,
    ...(limited ? NOTHING : await personal(tx, store, guestId, now)),
    sessionCount: limited ? 0 : person.sessions,
    visitCount: limited ? 0 : person.visits,
    ...(asksAge && store.ageGate !== undefined ? { ageAsked: store.ageGate } : {}),
    logDays: await logDays(tx, store, guestId),
  };
}
