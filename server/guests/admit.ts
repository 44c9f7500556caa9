/** The one transaction in which a guest is recognised or enrolled, agrees, and is let in. */
import { hasMarketingConsent } from '../consents/queries.ts';
import { recordConsents } from '../consents/record.ts';
import type { Recorded } from '../consents/record.ts';
import type { Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { appendEvents } from '../events/outbox.ts';
import type { Log } from '../log.ts';
import { clientKeyOf } from '../sessions/client-key.ts';
import { limitedMinutes } from '../sessions/hours.ts';
import { remember } from '../sessions/known-devices.ts';
import type { SessionLimits, SessionRow } from '../sessions/queries.ts';
import {
  insertSession,
  lockClient,
  releaseAdmissionKey,
  rememberedGuest,
  repeatedAdmission,
} from '../sessions/queries.ts';
import type { Admission, AdmitRequest, DeskStore } from './admission.ts';
import { Refusal } from './admission.ts';
import { adoptGrace, unseenTaps } from './identity-queries.ts';
import type { Attempt, Worth } from './proofs.ts';
import { REMEMBER_MS, SAYS_NOT_WHO, accessVersion, recognise, spend } from './proofs.ts';
import type { GuestRow } from './queries.ts';
import { findGuest, keepAnswer } from './queries.ts';
import { admissionKeyOf, ONCE_ONLY, seenBefore, stillOpen } from './still-open.ts';

export interface AdmitDeps<S extends DeskStore> {
  clock: () => number;
  log: Pick<Log, 'warn'>;
  /** Key of client keys and admission keys. */
  key: Buffer;
  /** The name under which a client asks staff. */
  approvalClient: (storeId: string, mac: string) => Buffer;
  limits: (tx: Queryable, store: S) => Promise<SessionLimits>;
  /** Scheme and host that mailed links lead to. */
  publicUrl?: string;
  /** Told who is being let in, before it is committed. */
  expectOffer?: (guestId: string) => void;
}

/** The same press of the button, again: answered as before for this long. */
const REPEAT_MS = 60_000;
const LONGEST_ANSWER = 500;
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

/** Nobody agrees to terms that nobody sees any more: the page has to be shown again. */
function requireToday({ store, consents }: AdmitRequest<DeskStore>): void {
  const access = consents.find(({ purpose }) => purpose === 'access');
  if (access?.granted && access.version !== accessVersion(store)) {
    throw new Refusal('terms-changed');
  }
}

/** Consents and the answer. Grace is agreed to as far as the terms were shown, and to nothing else. */
async function agree(
  tx: Queryable,
  deps: Pick<AdmitDeps<DeskStore>, 'log' | 'publicUrl'>,
  request: AdmitRequest<DeskStore>,
  guestId: string,
  now: number,
): Promise<Recorded | null> {
  const { store, proof, language, shown, age, answer } = request;
  const grace = proof.method === 'grace';
  const consents = request.consents.filter(({ purpose }) => !grace || purpose === 'access');
  if (grace && consents.length === 0) return null;
  const { publicUrl, log } = deps;
  const choice = { store, guestId, consents, shown, age: grace ? undefined : age, language };
  const recorded = await recordConsents(tx, { ...choice, source: 'portal', publicUrl }, now);
  for (const { purpose, error } of recorded.failed) {
    log.warn({ err: error, part: purpose }, 'a guest was let in, but a part was not kept');
  }
  if (answer && !grace && age !== 'under') {
    const value = 'value' in answer ? answer.value.slice(0, LONGEST_ANSWER) : null;
    await besides(tx, log, 'answer', () =>
      keepAnswer(tx, store.merchantId, guestId, answer.key, value, now),
    );
  }
  return recorded;
}

interface Known {
  session: SessionRow;
  guest: GuestRow;
  byMac?: 'guest' | 'session' | undefined;
}

function admitted({ session, guest, byMac }: Known, deviceToken: string | null): Admission {
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
    ...(byMac === undefined ? {} : { byMac }),
    ...(deviceToken === null ? {} : { deviceToken }),
  };
}

async function announce(
  tx: Queryable,
  request: AdmitRequest<DeskStore>,
  { session, guest, recorded }: { session: SessionRow; guest: GuestRow; recorded: Recorded | null },
  now: number,
): Promise<void> {
  const { merchantId, id: storeId } = request.store;
  const marketingConsent =
    recorded?.granted.includes('marketing') === true ||
    (recorded?.refused.includes('marketing') !== true &&
      (await hasMarketingConsent(tx, merchantId, guest.id)));
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

/**
 * Guests who only tapped, at one store in an hour, before any gateway spoke of them: where anybody can
 * write the redirect, a script would else have a first visit's offer for each address it makes up. Beyond
 * that they still come in, and only the house is told no more.
 */
export const UNSEEN_TAPS_PER_HOUR = 1_000;
const HOUR_MS = 3_600_000;

async function worthTelling(
  tx: Queryable,
  { proof, store }: AdmitRequest<DeskStore>,
  now: number,
): Promise<boolean> {
  if (proof.method !== 'click-through') return true;
  const most = UNSEEN_TAPS_PER_HOUR;
  // The session that is being opened is one of them.
  return (await unseenTaps(tx, store.merchantId, store.id, now - HOUR_MS, most + 1)) <= most;
}

/** What the portal's cookie proves next time; null where the store asks each time. */
async function rememberDevice(
  tx: Queryable,
  { request, clientKey, now }: Attempt,
  guestId: string,
): Promise<string | null> {
  const { store, proof } = request;
  const days = store.policy?.rememberDays ?? 0;
  const termsVersion = accessVersion(store);
  if (days <= 0 || termsVersion === undefined || ONCE_ONLY.has(proof.method)) return null;
  const at = { merchantId: store.merchantId, storeId: store.id, clientKey };
  const shown = proof.method === 'returning' ? proof.token : undefined;
  return remember(tx, at, { guestId, termsVersion, days, shown }, now);
}

async function openSession(
  tx: Queryable,
  { request, clientKey, admissionKey, now }: Attempt,
  guestId: string,
  limits: SessionLimits,
  { accessVoucherId }: Worth,
): Promise<SessionRow> {
  const { store, context, proof } = request;
  const opened = {
    merchantId: store.merchantId,
    storeId: store.id,
    gatewayId: context.gatewayId,
    guestId,
    method: proof.method,
    mac: context.mac.toLowerCase(),
    clientKey,
    ip: context.ip || null,
    admissionKey,
    limits,
    accessVoucherId,
  };
  const session = await insertSession(tx, opened, now);
  if (!session) throw problem('not-found', { detail: 'The store has no such gateway.' });
  return session;
}

/** The same press again: the session it opened, or null when there is none or it is too old. */
async function repeated(tx: Queryable, attempt: Attempt, before: SessionRow | null) {
  if (!before || before.granted_at.getTime() < attempt.now - REPEAT_MS) return null;
  const guest = await findGuest(tx, before.merchant_id, before.guest_id);
  if (!guest) return null;
  if (guest.blocked_at) throw new Refusal('blocked');
  const byMac = seenBefore(attempt);
  return admitted({ session: before, guest, byMac }, await rememberDevice(tx, attempt, guest.id));
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
  const admissionKey = admissionKeyOf(deps.key, request, proof);
  // Sent together, answered in order: what is read was committed before the lock was free.
  const [, before, remembered] = await Promise.all([
    lockClient(tx, clientKey),
    repeatedAdmission(tx, merchantId, admissionKey, 0),
    SAYS_NOT_WHO.has(proof.method)
      ? rememberedGuest(tx, merchantId, store.id, clientKey, deps.clock() - REMEMBER_MS)
      : null,
  ]);
  const now = deps.clock();
  const approvalClient = deps.approvalClient(store.id, context.mac);
  const again = before !== null;
  const attempt = { request, clientKey, admissionKey, approvalClient, again, remembered, now };
  const same = await repeated(tx, attempt, before);
  if (same) return same;

  requireToday(request);
  const usual = await deps.limits(tx, store);
  const worth = await spend(tx, attempt);
  const minutes = limitedMinutes(store, now, worth.minutes ?? usual.minutes);
  if (minutes === null) throw new Refusal('closed');
  const { guest, byMac, fresh } = await recognise(tx, attempt);
  if (guest.blocked_at) throw new Refusal('blocked');
  const recorded = await agree(tx, deps, request, guest.id, now);
  const open = fresh ? null : await stillOpen(tx, deps.key, attempt, guest);
  if (open) {
    const known = { session: open, guest, byMac: seenBefore(attempt) };
    return admitted(known, await rememberDevice(tx, attempt, guest.id));
  }
  if (before) await releaseAdmissionKey(tx, merchantId, admissionKey);
  const limits = { ...usual, minutes };
  const [session, told] = await Promise.all([
    openSession(tx, attempt, guest.id, limits, worth),
    worthTelling(tx, request, now),
  ]);
  const known = { session, guest, byMac };
  if (proof.method === 'grace') return admitted(known, null);
  if (told) deps.expectOffer?.(guest.id);
  const gracious = (store.policy?.graceMinutes ?? 0) > 0;
  // Sent together: none of them waits for another's answer.
  const [, , deviceToken] = await Promise.all([
    gracious && adoptGrace(tx, merchantId, store.id, clientKey, guest.id),
    told && announce(tx, request, { session, guest, recorded }, now),
    rememberDevice(tx, attempt, guest.id),
  ]);
  return admitted(known, deviceToken);
}
