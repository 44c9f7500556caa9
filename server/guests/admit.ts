/** The one transaction in which a guest is recognised or enrolled, agrees, and is let in. */
import { takeUse, findAccessVoucher } from '../access-vouchers/queries.ts';
import { parsePrintableCode } from '../codes/printable.ts';
import type { Purpose } from '../consents/queries.ts';
import { appendConsent, hasMarketingConsent } from '../consents/queries.ts';
import type { Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { appendEvents } from '../events/outbox.ts';
import { keyedHash } from '../ids.ts';
import type { Log } from '../log.ts';
import { worded } from '../stores/words.ts';
import type { Language, Text } from '../stores/words.ts';
import { clientKeyOf } from '../sessions/client-key.ts';
import type { SessionLimits, SessionRow } from '../sessions/queries.ts';
import {
  guestOfAdmission,
  insertSession,
  lockClient,
  releaseAdmissionKey,
  rememberedGuest,
  repeatedAdmission,
} from '../sessions/queries.ts';
import type { GuestRow } from './queries.ts';
import {
  findGuest,
  guestByAddress,
  insertAnonymousGuest,
  keepAnswer,
  seenAgain,
} from './queries.ts';

/** The part of a store that admitting needs. */
export interface DeskStore {
  id: string;
  merchantId: string;
  wordings: readonly { purpose: Purpose; version: string; text: Text }[];
}

export type Proof =
  | { method: 'click-through' }
  | { method: 'sms-code' | 'email-code'; address: string }
  | { method: 'voucher'; code: string }
  | { method: 'member-card'; number: string }
  | { method: 'oidc'; provider: string; subject: string; email?: string; name?: string }
  | { method: 'staff'; requestId: string }
  | { method: 'returning'; token: string }
  | { method: 'grace'; towards: 'email-code' | 'sms-code' | 'oidc' };

interface ConsentGiven {
  purpose: Purpose;
  granted: boolean;
  version: string;
  language: Language;
}

export interface AdmitRequest<S extends DeskStore> {
  store: S;
  context: { gatewayId: string; mac: string; ip: string; hid?: string };
  proof: Proof;
  consents: readonly ConsentGiven[];
  answer?: { key: string; value: string } | { key: string; dismissed: true };
  language: Language;
}

/** What the gateway is told; limits of 0 are none. */
export interface Grant extends SessionLimits {
  sessionId: string;
  guestId: string;
  expiresAt: number;
}

export type RefusalReason = 'voucher-invalid' | 'voucher-used' | 'blocked';
export type Admission =
  { ok: true; grant: Grant; returning: boolean } | { ok: false; reason: RefusalReason };

export interface AdmitDeps<S extends DeskStore> {
  clock: () => number;
  log: Pick<Log, 'warn'>;
  /** Key of client keys and admission keys. */
  key: Buffer;
  limits: (tx: Queryable, store: S) => Promise<SessionLimits>;
}

/** Thrown inside the transaction, so that a refusal leaves nothing behind. */
export class Refusal extends Error {
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason) {
    super(reason);
    this.name = 'Refusal';
    this.reason = reason;
  }
}

/** The same press of the button, again: answered as before for this long. */
const REPEAT_MS = 60_000;
/** How long a client without an address is known again at the same store. */
export const REMEMBER_MS = 30 * 86_400_000;
const LONGEST_ANSWER = 500;

function proofText(proof: Proof): string {
  const { method: _named, ...shown } = proof;
  return Object.values(shown).join('\n');
}

function admissionKeyOf(key: Buffer, { store, context, proof }: AdmitRequest<DeskStore>): Buffer {
  const { gatewayId, mac, hid } = context;
  const parts = [store.id, gatewayId, mac.toLowerCase(), hid ?? '', proof.method, proofText(proof)];
  return keyedHash(key, 'admission', ...parts);
}

/** Takes one use of the voucher and gives its minutes, or refuses with the reason. */
async function spendVoucher(tx: Queryable, store: DeskStore, typed: string, now: number) {
  const code = parsePrintableCode(typed);
  if (code === null) throw new Refusal('voucher-invalid');
  const taken = await takeUse(tx, store.merchantId, store.id, code, now);
  if (taken) return taken.minutes;
  const voucher = await findAccessVoucher(tx, store.merchantId, store.id, code);
  const used = voucher !== null && voucher.expires_at.getTime() > now;
  throw new Refusal(used ? 'voucher-used' : 'voucher-invalid');
}

async function recognise(
  tx: Queryable,
  request: AdmitRequest<DeskStore>,
  keys: { client: string; admission: Buffer },
  now: number,
): Promise<GuestRow> {
  const { store, proof, language } = request;
  const { merchantId } = store;
  if (proof.method === 'sms-code' || proof.method === 'email-code') {
    const kind = proof.method === 'sms-code' ? 'phone' : 'email';
    return guestByAddress(tx, merchantId, kind, proof.address, language, now);
  }
  const since = now - REMEMBER_MS;
  const { hid } = request.context;
  const known =
    (await rememberedGuest(tx, merchantId, store.id, keys.client, since)) ??
    // The gateway's own mark of a client says more than a hardware address, which anybody can wear.
    (hid ? await guestOfAdmission(tx, merchantId, keys.admission, now) : null);
  const guest = known && (await seenAgain(tx, merchantId, known, language, now));
  return guest || insertAnonymousGuest(tx, merchantId, language, now);
}

/** Adds one consent under the exact words that were shown; unknown words cannot be agreed to. */
async function keepConsent(
  tx: Queryable,
  request: AdmitRequest<DeskStore>,
  guestId: string,
  given: ConsentGiven,
  now: number,
): Promise<void> {
  const { store } = request;
  const wording = store.wordings.find(
    (one) => one.purpose === given.purpose && one.version === given.version,
  );
  if (!wording) throw problem('conflict', { detail: 'The text that was agreed to has changed.' });
  const { purpose, granted, version, language } = given;
  const entry = {
    merchantId: store.merchantId,
    storeId: store.id,
    guestId,
    purpose,
    granted,
    version,
    language,
    text: worded(wording.text, language).text,
    source: 'portal' as const,
  };
  await appendConsent(tx, entry, now);
}

/** Runs what the guest may do without: if it fails, it alone is undone and the guest still gets in. */
async function besides(
  tx: Queryable,
  log: AdmitDeps<DeskStore>['log'],
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  await tx.query('savepoint besides');
  try {
    await work();
    await tx.query('release savepoint besides');
  } catch (error) {
    await tx.query('rollback to savepoint besides');
    log.warn({ err: error, part: what }, 'a guest was let in, but a part was not kept');
  }
}

async function agree(
  tx: Queryable,
  request: AdmitRequest<DeskStore>,
  guestId: string,
  log: AdmitDeps<DeskStore>['log'],
  now: number,
): Promise<void> {
  const access = request.consents.find((given) => given.purpose === 'access');
  if (!access?.granted) {
    throw problem('conflict', { detail: 'The terms of access were not agreed to.' });
  }
  await keepConsent(tx, request, guestId, access, now);
  for (const given of request.consents) {
    if (given.purpose !== 'marketing') continue;
    await besides(tx, log, 'marketing', () => keepConsent(tx, request, guestId, given, now));
  }
  const { answer } = request;
  if (answer) {
    const value = 'value' in answer ? answer.value.slice(0, LONGEST_ANSWER) : null;
    await besides(tx, log, 'answer', () =>
      keepAnswer(tx, request.store.merchantId, guestId, answer.key, value, now),
    );
  }
}

function admitted(session: SessionRow, guest: GuestRow): Admission {
  return {
    ok: true,
    grant: {
      sessionId: session.id,
      guestId: session.guest_id,
      minutes: session.minutes,
      upKbps: session.up_kbps,
      downKbps: session.down_kbps,
      upQuotaKB: session.up_quota_kb,
      downQuotaKB: session.down_quota_kb,
      expiresAt: session.expires_at.getTime(),
    },
    returning: guest.created_at < session.granted_at,
  };
}

async function announce(
  tx: Queryable,
  request: AdmitRequest<DeskStore>,
  session: SessionRow,
  guest: GuestRow,
  now: number,
): Promise<void> {
  const { merchantId, id: storeId } = request.store;
  const marketingConsent = await hasMarketingConsent(tx, merchantId, guest.id);
  const payload = {
    guestId: guest.id,
    storeId,
    sessionId: session.id,
    method: session.method,
    returning: guest.created_at < session.granted_at,
    marketingConsent,
    at: new Date(now).toISOString(),
  };
  const event = {
    merchantId,
    storeId,
    guestId: guest.id,
    type: 'guest.admitted' as const,
    key: guest.id,
    payload,
    occurredAt: new Date(now),
  };
  await appendEvents(tx, [event], now);
}

/** The body of the transaction; throws `Refusal` or a problem, and then nothing of it happened. */
export async function admitOnce<S extends DeskStore>(
  tx: Queryable,
  deps: AdmitDeps<S>,
  request: AdmitRequest<S>,
): Promise<Admission> {
  const { store, context, proof } = request;
  const { merchantId } = store;
  const clientKey = clientKeyOf(deps.key, store.id, context.mac);
  const admissionKey = admissionKeyOf(deps.key, request);
  await lockClient(tx, clientKey);
  const now = deps.clock();

  const before = await repeatedAdmission(tx, merchantId, admissionKey, now - REPEAT_MS);
  const same = before && (await findGuest(tx, merchantId, before.guest_id));
  if (before && same) {
    if (same.blocked_at) throw new Refusal('blocked');
    return admitted(before, same);
  }

  const limits = await deps.limits(tx, store);
  const minutes =
    proof.method === 'voucher' ? await spendVoucher(tx, store, proof.code, now) : limits.minutes;
  const keys = { client: clientKey, admission: admissionKey };
  const guest = await recognise(tx, request, keys, now);
  if (guest.blocked_at) throw new Refusal('blocked');
  await agree(tx, request, guest.id, deps.log, now);
  await releaseAdmissionKey(tx, merchantId, admissionKey);
  const opened = {
    merchantId,
    storeId: store.id,
    gatewayId: context.gatewayId,
    guestId: guest.id,
    method: proof.method,
    mac: context.mac.toLowerCase(),
    clientKey,
    ip: context.ip || null,
    admissionKey,
    limits: { ...limits, minutes },
  };
  const session = await insertSession(tx, opened, now);
  if (!session) throw problem('not-found', { detail: 'The store has no such gateway.' });
  await announce(tx, request, session, guest, now);
  return admitted(session, guest);
}
