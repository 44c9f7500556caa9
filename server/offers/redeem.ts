/** A till spends a voucher: once, whoever else tries, and with the same answer when it asks again. */
import { createHash } from 'node:crypto';
import type { Database, Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import type { ProblemCode } from '../errors.ts';
import { appendEvents } from '../events/outbox.ts';
import { uuidv7 } from '../ids.ts';
import { hasStore } from '../stores/queries.ts';
import { parseCode } from './code.ts';
import {
  answerOf,
  countRedeemed,
  keepAnswer,
  limitWaiting,
  spendVoucher,
  takeKey,
  voucherByCode,
} from './vouchers/queries.ts';
import type { VoucherAtTill } from './vouchers/queries.ts';
import type { WrongCodes } from './wrong-codes.ts';

/** What a till asks for. */
export interface RedeemRequest {
  merchantId: string;
  /** Who is limited when codes are wrong: API key or staff id. */
  callerId: string;
  /** As typed or scanned. */
  code: string;
  till: string;
  storeId: string | null;
  /** The till's own id of this attempt: the same one on every retry. */
  idempotencyKey: string;
}

export interface Redeemed {
  redemptionId: string;
  voucherId: string;
  offerId: string;
  headline: string;
  body: string;
  terms: string;
  storeId: string | null;
  till: string;
  /** ISO 8601. */
  redeemedAt: string;
}

/** What is stored under a key: refusals as well, so that a retry is never judged anew. */
type Answer =
  | { ok: true; redeemed: Redeemed }
  | { ok: false; code: ProblemCode; detail: string; redeemedAt?: string };

export interface RedeemDeps {
  db: Database;
  clock: () => number;
  wrongCodes: WrongCodes;
}

/** How long a repeated request waits for the first one before it is told to come back. */
const PATIENCE_MS = 1_000;
const LOCK_NOT_AVAILABLE = '55P03';
const UNIQUE_VIOLATION = '23505';

/** Redeems, or throws the problem that says why not. */
export async function redeem(deps: RedeemDeps, request: RedeemRequest): Promise<Redeemed> {
  await deps.wrongCodes.check(request.callerId);
  const code = parseCode(request.code);
  if (code === null) {
    await deps.wrongCodes.note(request.callerId);
    throw problem('voucher-unknown', { detail: 'Check the code: it was mistyped.' });
  }
  const answer = await answered(deps, request, code);
  if (answer.ok) return answer.redeemed;
  if (answer.code === 'voucher-unknown') await deps.wrongCodes.note(request.callerId);
  const { detail, redeemedAt } = answer;
  throw problem(answer.code, { detail, ...(redeemedAt === undefined ? {} : { redeemedAt }) });
}

async function answered(deps: RedeemDeps, request: RedeemRequest, code: string): Promise<Answer> {
  const { merchantId } = request;
  try {
    return await deps.db.tx((tx) => underKey(tx, request, code, deps.clock()), {
      tenant: merchantId,
    });
  } catch (error) {
    const failed = (error as { code?: unknown }).code;
    if (failed === LOCK_NOT_AVAILABLE) throw problem('request-in-progress', { retryAfter: 1 });
    // The answer under this key is no longer kept, but what it redeemed is: never two for one key.
    if (failed === UNIQUE_VIOLATION) throw mismatch();
    throw error;
  }
}

function mismatch(): Error {
  return problem('idempotency-mismatch', {
    detail: 'Use a new Idempotency-Key for every new redemption.',
  });
}

/** The first request under a key does the work, any other gets what was answered then. */
async function underKey(
  tx: Queryable,
  request: RedeemRequest,
  code: string,
  now: number,
): Promise<Answer> {
  const { merchantId, idempotencyKey: key, storeId, till } = request;
  const hash = createHash('sha256')
    .update(JSON.stringify([code, till, storeId]))
    .digest();
  await limitWaiting(tx, PATIENCE_MS);
  if (!(await takeKey(tx, merchantId, key, hash, now))) {
    const kept = await answerOf(tx, merchantId, key);
    if (kept === null) throw problem('request-in-progress', { retryAfter: 1 });
    if (!kept.requestHash.equals(hash)) throw mismatch();
    return kept.answer as Answer;
  }
  if (storeId !== null && !(await hasStore(tx, merchantId, storeId))) {
    // Thrown, so the key stays free: the request itself was wrong.
    throw problem('not-found', { detail: 'There is no such store.' });
  }
  const answer = await spend(tx, request, code, now);
  await keepAnswer(tx, merchantId, key, answer);
  return answer;
}

async function spend(
  tx: Queryable,
  request: RedeemRequest,
  code: string,
  now: number,
): Promise<Answer> {
  const { merchantId, storeId, till, idempotencyKey } = request;
  const id = uuidv7(now);
  const spent = await spendVoucher(
    tx,
    merchantId,
    { id, code, storeId, till, idempotencyKey },
    now,
  );
  const voucher = await voucherByCode(tx, merchantId, code);
  if (voucher === null) return refusal('voucher-unknown', 'No voucher has this code.');
  if (spent === null) return whyNot(voucher, storeId, now);
  await announce(tx, request, voucher, now);
  // Last: every till that redeems this offer waits for this row.
  await countRedeemed(tx, merchantId, voucher.offerId);
  const { headline, body, terms, offerId } = voucher;
  const redeemedAt = new Date(now).toISOString();
  const what = { voucherId: voucher.id, offerId, headline, body, terms };
  return { ok: true, redeemed: { redemptionId: id, ...what, storeId, till, redeemedAt } };
}

function refusal(code: ProblemCode, detail: string): Answer {
  return { ok: false, code, detail };
}

/** Redeemed before expired: a guest who asks at the till wants to hear what became of the voucher. */
function whyNot(voucher: VoucherAtTill, storeId: string | null, now: number): Answer {
  if (voucher.redeemedAt !== null) {
    const redeemedAt = voucher.redeemedAt.toISOString();
    return {
      ok: false,
      code: 'voucher-redeemed',
      detail: `Redeemed at ${redeemedAt}.`,
      redeemedAt,
    };
  }
  if (voucher.expiresAt.getTime() <= now) {
    return refusal('voucher-expired', `Expired at ${voucher.expiresAt.toISOString()}.`);
  }
  return refusal(
    'voucher-wrong-store',
    storeId === null
      ? 'This voucher is for one store only: say which store the till is in.'
      : 'This voucher is for another store.',
  );
}

async function announce(
  tx: Queryable,
  { merchantId, storeId, till }: RedeemRequest,
  { id, offerId, guestId, deviceId, headline }: VoucherAtTill,
  now: number,
): Promise<void> {
  const at = new Date(now);
  const payload = { voucherId: id, offerId, storeId, guestId, deviceId, headline, till };
  await appendEvents(
    tx,
    [
      {
        merchantId,
        storeId,
        guestId,
        deviceId,
        type: 'voucher.redeemed',
        key: guestId ?? deviceId ?? id,
        payload: { ...payload, at: at.toISOString() },
        occurredAt: at,
      },
    ],
    now,
  );
}
