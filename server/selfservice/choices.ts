/** What a guest changes on their own page: switches, name, answers, addresses. */
import { appendConsent } from '../consents/queries.ts';
import type { ConsentProof } from '../consents/record.ts';
import { recordChoices } from '../consents/record.ts';
import { voidRequests } from '../consents/request-queries.ts';
import type { Queryable } from '../db/database.ts';
import { keepAnswer } from '../guests/queries.ts';
import { WITHDRAWAL } from '../consents/queries.ts';
import type { Language } from '../stores/words.ts';
import type { Purpose } from '../stores/wordings.ts';
import type { SelfStore } from './record.ts';
import { dropAnswer, heldWords, personBehind, saveName } from './queries.ts';

export interface Choice {
  purpose: Purpose;
  granted: boolean;
  version: string;
  language: Language;
  overAge?: boolean;
}

type Outcome = 'done' | 'mailed' | 'refused' | 'changed';

/** Taking back needs nothing but the wish: it stands under the words that were agreed to. */
async function takeBack(
  tx: Queryable,
  store: SelfStore,
  guestId: string,
  purpose: Purpose,
  proof: ConsentProof,
  now: number,
): Promise<Outcome> {
  const { merchantId, id: storeId } = store;
  if (purpose === 'marketing-email') await voidRequests(tx, merchantId, guestId);
  const held = (await heldWords(tx, merchantId, guestId)).find((one) => one.purpose === purpose);
  const entry = {
    merchantId,
    storeId,
    guestId,
    purpose,
    granted: false,
    version: held?.text_version ?? WITHDRAWAL,
    text: held?.text ?? '',
    language: held?.language ?? 'en',
    source: 'self-service',
    method: 'form',
    proof,
  } as const;
  await appendConsent(tx, entry, now);
  return 'done';
}

/** The terms themselves cannot be switched: who no longer agrees asks to be forgotten. */
export async function choose(
  tx: Queryable,
  store: SelfStore,
  guestId: string,
  choice: Choice,
  proof: ConsentProof,
  publicUrl: string,
  now: number,
): Promise<Outcome> {
  const { purpose, granted, version, language } = choice;
  if (purpose === 'access') return 'refused';
  if (!granted) return takeBack(tx, store, guestId, purpose, proof, now);
  const wording = store.wordings.find((one) => one.purpose === purpose);
  if (wording === undefined) return 'refused';
  if (wording.version !== version) return 'changed';
  const person = await personBehind(tx, store.merchantId, guestId);
  if (person === null || person.age_band === 'under') return 'refused';
  const recorded = await recordChoices(
    tx,
    {
      store,
      guestId,
      consents: [{ purpose, granted, version, language }],
      shown: proof,
      ...(choice.overAge && person.age_band === null ? { age: 'over' as const } : {}),
      language,
      source: 'self-service',
      publicUrl,
    },
    now,
  );
  const [failure] = recorded.failed;
  if (failure) throw failure.error;
  if (recorded.awaiting.length > 0) return 'mailed';
  return recorded.granted.length > 0 ? 'done' : 'refused';
}

const LONGEST_NAME = 120;
const LONGEST_ANSWER = 500;

/** PURE. One line that storage can hold. */
function line(typed: string, most: number): string {
  return typed
    .replaceAll(/[\p{Cc}\p{Cs}\s]+/gu, ' ')
    .trim()
    .slice(0, most);
}

/** Only questions the store asks, or that the guest answered, can be corrected; empty takes an answer away. */
export async function correct(
  tx: Queryable,
  store: SelfStore,
  guestId: string,
  change: { name: string; answers: Record<string, string> },
  now: number,
): Promise<void> {
  const { merchantId } = store;
  await saveName(tx, merchantId, guestId, line(change.name, LONGEST_NAME) || null);
  for (const [key, typed] of Object.entries(change.answers)) {
    const question = store.questions.find((one) => one.key === key);
    const value = line(typed, LONGEST_ANSWER);
    const known = question?.options.map((option) => option.value) ?? [];
    const allowed = question !== undefined && (known.length === 0 || known.includes(value));
    if (value === '') await dropAnswer(tx, merchantId, guestId, key);
    else if (allowed) await keepAnswer(tx, merchantId, guestId, key, value, now);
  }
}
