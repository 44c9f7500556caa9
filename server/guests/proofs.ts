/** From what was proved to the guest who proved it, inside the admission's transaction. */
import { findAccessVoucher, takeUse } from '../access-vouchers/queries.ts';
import { nameApproved, spendApproval } from '../approvals/approvals.ts';
import { normaliseEmail } from '../codes/addresses.ts';
import { parsePrintableCode } from '../codes/printable.ts';
import type { Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { cardIsGood } from '../members/members.ts';
import { cardByNumber, holdCard, linkCard } from '../members/queries.ts';
import { knows } from '../sessions/known-devices.ts';
import { guestOfAdmission, rememberedGuest } from '../sessions/queries.ts';
import type { AdmitRequest, DeskStore, Proof } from './admission.ts';
import { Refusal } from './admission.ts';
import {
  graceSince,
  guestIdByAddress,
  guestOfIdentity,
  insertNamedGuest,
  keepIdentity,
  lockIdentity,
  nameIfNone,
  onlyBadCards,
  unprovedGraces,
} from './identity-queries.ts';
import type { GuestRow } from './queries.ts';
import { guestByAddress, insertAnonymousGuest, seenAgain } from './queries.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 86_400_000;
/** Short times at one store that nobody followed up by a proof; who proves something makes room again. */
export const UNPROVED_GRACES_PER_HOUR = 200;
/** How long a client without an address is known again at the same store. */
export const REMEMBER_MS = 30 * DAY;
const LONGEST_NAME = 120;
const LONGEST_SUBJECT = 255;

/** One try to come in: the request with what the reception worked out of it. */
export interface Attempt {
  request: AdmitRequest<DeskStore>;
  clientKey: string;
  /** Keyed hash under which the client asked staff. */
  approvalClient: Buffer;
  admissionKey: Buffer;
  /** A live session of this very admission exists: its guest may be asked for. */
  again: boolean;
  /** The nameless guest this client was before, where the proof is one of `SAYS_NOT_WHO`. */
  remembered: string | null;
  now: number;
}

/** Ways in that do not say who comes: only the client is known again. */
export const SAYS_NOT_WHO = new Set<Proof['method']>([
  'click-through',
  'voucher',
  'staff',
  'grace',
]);

/** What a proof is worth beside the store's usual limits. */
export interface Worth {
  /** Minutes instead of the store's; undefined leaves those. */
  minutes?: number;
  accessVoucherId?: string;
}

/** Takes one use of a printed code; the session ends with the code at the latest. */
async function spendVoucher(
  tx: Queryable,
  { request, now }: Attempt,
  typed: string,
): Promise<Worth> {
  const { store } = request;
  const code = parsePrintableCode(typed);
  if (code === null) throw new Refusal('voucher-invalid');
  const taken = await takeUse(tx, store.merchantId, store.id, code, now);
  if (taken) {
    const left = Math.max(1, Math.floor((taken.expires_at.getTime() - now) / MINUTE));
    return { minutes: Math.min(taken.minutes, left), accessVoucherId: taken.id };
  }
  const voucher = await findAccessVoucher(tx, store.merchantId, store.id, code);
  const used = voucher !== null && voucher.expires_at.getTime() > now;
  throw new Refusal(used ? 'voucher-used' : 'voucher-invalid');
}

async function spendGrace(tx: Queryable, attempt: Attempt): Promise<Worth> {
  const { store } = attempt.request;
  const { policy } = store;
  if (!policy || policy.graceMinutes <= 0) throw new Refusal('grace-used');
  const since = attempt.now - DAY;
  const used = await graceSince(tx, store.merchantId, store.id, attempt.clientKey, since);
  if (used >= policy.gracePerDay) throw new Refusal('grace-used');
  const hour = attempt.now - HOUR;
  const most = UNPROVED_GRACES_PER_HOUR;
  if ((await unprovedGraces(tx, store.merchantId, store.id, hour, most)) >= most) {
    throw new Refusal('grace-used');
  }
  return { minutes: policy.graceMinutes };
}

/** Uses up what can be used once, and says what it is worth; refuses when there is nothing to use. */
export async function spend(tx: Queryable, attempt: Attempt): Promise<Worth> {
  const { proof, store } = attempt.request;
  if (proof.method === 'voucher') return spendVoucher(tx, attempt, proof.code);
  if (proof.method === 'grace') return spendGrace(tx, attempt);
  if (proof.method === 'staff') {
    const { approvalClient, now } = attempt;
    const spent = await spendApproval(tx, store, proof.requestId, approvalClient, now);
    if (spent !== 'used') throw new Refusal(spent === 'waiting' ? 'staff-waiting' : 'staff-denied');
  }
  return {};
}

/** The guest of a client by its hardware address: never one by whom somebody is known. */
async function nameless(tx: Queryable, attempt: Attempt): Promise<Recognised> {
  const { request, admissionKey, again, remembered, now } = attempt;
  const { store, language, context, proof } = request;
  const { merchantId } = store;
  const grace = proof.method === 'grace';
  // The gateway's own mark of a client says more than a hardware address, which anybody can wear.
  const marked =
    again && context.hid ? await guestOfAdmission(tx, merchantId, admissionKey, now) : null;
  const known = marked ?? remembered;
  const guest = known && (await seenAgain(tx, merchantId, known, language, grace, now));
  if (!guest) {
    return { guest: await insertAnonymousGuest(tx, merchantId, language, grace, now), fresh: true };
  }
  return marked === null ? { guest, byMac: 'guest' } : { guest };
}

async function byCard(tx: Queryable, attempt: Attempt, number: string): Promise<GuestRow> {
  const { store, language } = attempt.request;
  const { merchantId } = store;
  const card = await holdCard(tx, merchantId, number);
  if (!card) throw new Refusal('member-unknown');
  if (!cardIsGood(card, attempt.now)) throw new Refusal('blocked');
  const linked =
    card.guest_id && (await seenAgain(tx, merchantId, card.guest_id, language, false, attempt.now));
  if (linked) return linked;
  const guest = await insertNamedGuest(tx, merchantId, card.name, language, attempt.now);
  await linkCard(tx, merchantId, card.id, guest.id);
  return guest;
}

type OidcProof = Extract<Proof, { method: 'oidc' }>;

/** The issuer names the identity: providers of two stores may go by one id. */
function issuerOf(store: DeskStore, proof: OidcProof): string {
  const provider = store.oidc?.find(({ id }) => id === proof.provider);
  if (!provider || proof.subject === '' || proof.subject.length > LONGEST_SUBJECT) {
    throw problem('conflict', { detail: 'The store does not know this provider any more.' });
  }
  return provider.issuer;
}

function tidyName(typed: string | undefined): string | null {
  const line = (typed ?? '')
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cs}]/gu, ' ')
    .trim();
  return line.slice(0, LONGEST_NAME).trim() || null;
}

/** A verified mail address leads to the guest who has it; without one the identity stands alone. */
async function byIdentity(tx: Queryable, attempt: Attempt, proof: OidcProof): Promise<GuestRow> {
  const { store, language } = attempt.request;
  const { now } = attempt;
  const { merchantId } = store;
  const issuer = issuerOf(store, proof);
  const { subject } = proof;
  await lockIdentity(tx, merchantId, issuer, subject);
  const known = await guestOfIdentity(tx, merchantId, issuer, subject);
  const email = proof.email === undefined ? null : normaliseEmail(proof.email);
  const name = tidyName(proof.name);
  const guest =
    (known && (await seenAgain(tx, merchantId, known, language, false, now))) ||
    (email
      ? await guestByAddress(tx, merchantId, 'email', email, language, now)
      : await insertNamedGuest(tx, merchantId, name, language, now));
  await keepIdentity(tx, merchantId, { issuer, subject, guestId: guest.id }, now);
  if (name !== null && guest.name === null) await nameIfNone(tx, merchantId, guest.id, name);
  return guest;
}

async function byDevice(tx: Queryable, attempt: Attempt, token: string): Promise<GuestRow> {
  const { request, clientKey, now } = attempt;
  const { store, language } = request;
  const { merchantId, id: storeId } = store;
  if (!store.policy || store.policy.rememberDays <= 0) throw new Refusal('device-unknown');
  const known = await knows(tx, { merchantId, storeId, clientKey }, token, now);
  if (!known) throw new Refusal('device-unknown');
  if (known.termsVersion !== accessVersion(store)) throw new Refusal('terms-changed');
  if (await onlyBadCards(tx, merchantId, known.guestId, now)) throw new Refusal('blocked');
  const guest = await seenAgain(tx, merchantId, known.guestId, language, false, now);
  if (!guest) throw new Refusal('device-unknown');
  return guest;
}

/** Version of the terms of access that the store shows today. */
export function accessVersion(store: DeskStore): string | undefined {
  return store.wordings.find(({ purpose }) => purpose === 'access')?.version;
}

export interface Recognised {
  guest: GuestRow;
  /** Nothing but the hardware address led to this guest. */
  byMac?: 'guest';
  /** Made just now: there is nothing of theirs yet. */
  fresh?: true;
}

async function named(tx: Queryable, attempt: Attempt): Promise<GuestRow | null> {
  const { proof, store, language } = attempt.request;
  const { merchantId } = store;
  if (proof.method === 'sms-code' || proof.method === 'email-code') {
    const kind = proof.method === 'sms-code' ? 'phone' : 'email';
    return guestByAddress(tx, merchantId, kind, proof.address, language, attempt.now);
  }
  if (proof.method === 'member-card') return byCard(tx, attempt, proof.number);
  if (proof.method === 'oidc') return byIdentity(tx, attempt, proof);
  return proof.method === 'returning' ? byDevice(tx, attempt, proof.token) : null;
}

/** The guest who proved themselves, made if need be. */
export async function recognise(tx: Queryable, attempt: Attempt): Promise<Recognised> {
  const { proof, store } = attempt.request;
  const guest = await named(tx, attempt);
  if (guest !== null) return { guest };
  const found = await nameless(tx, attempt);
  if (proof.method === 'staff')
    await nameApproved(tx, store.merchantId, proof.requestId, found.guest.id);
  return found;
}

/** Whose proof it is, if it is anybody's yet: for questions before the admission. Makes and changes nothing. */
export async function whose(
  tx: Queryable,
  store: DeskStore,
  proof: Proof,
  clientKey: string,
  now: number,
): Promise<string | null> {
  const { merchantId, id: storeId } = store;
  switch (proof.method) {
    case 'sms-code':
    case 'email-code': {
      const kind = proof.method === 'sms-code' ? 'phone' : 'email';
      return guestIdByAddress(tx, merchantId, kind, proof.address);
    }
    case 'member-card':
      return (await cardByNumber(tx, merchantId, proof.number))?.guest_id ?? null;
    case 'oidc': {
      const known = await guestOfIdentity(tx, merchantId, issuerOf(store, proof), proof.subject);
      const email = proof.email === undefined ? null : normaliseEmail(proof.email);
      return known ?? (email && guestIdByAddress(tx, merchantId, 'email', email));
    }
    case 'returning':
      return (
        (await knows(tx, { merchantId, storeId, clientKey }, proof.token, now))?.guestId ?? null
      );
    default:
      return rememberedGuest(tx, merchantId, storeId, clientKey, now - REMEMBER_MS);
  }
}
