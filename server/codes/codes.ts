/** One-time codes by phone or mail: sent within limits, and taken once. */
import type { Queryable } from '../db/database.ts';
import { sameBytes } from '../ids.ts';
import { normaliseEmail, normalisePhone } from './addresses.ts';
import { hashesOf } from './hashes.ts';
import type { Hashes, SendRequest, StoreRef, VerifyRequest } from './hashes.ts';
import { CODE_TRIES } from './limits.ts';
import { dropPauses } from './pause-queries.ts';
import type { Channel, CodeRef } from './queries.ts';
import { dropCodes, markUsed, newestCode, takeTry } from './queries.ts';
import { makeAndQueue } from './send.ts';
import type { CodeDeps, SendOutcome } from './send.ts';

export type VerifyOutcome =
  | { ok: true }
  | { ok: false; reason: 'wrong'; triesLeft: number }
  | { ok: false; reason: 'expired' | 'locked' | 'used' };

/** Digits as typed, wide forms and gaps forgiven. */
function digitsOf(typed: string): string {
  return typed.slice(0, 40).normalize('NFKC').replace(/[\s-]/g, '');
}

function refOf(request: VerifyRequest, hashes: Hashes): CodeRef {
  const { store, channel, binding } = request;
  return {
    merchantId: store.merchantId,
    storeId: store.id,
    channel,
    addressHash: hashes.address(request),
    bindingHash: hashes.binding(binding),
  };
}

/** Why the newest code gave no try. One that never was and one that expired look alike. */
async function whyNoTry(tx: Queryable, ref: CodeRef): Promise<VerifyOutcome> {
  const code = await newestCode(tx, ref);
  if (code?.used_at) return { ok: false, reason: 'used' };
  if (code && code.attempts >= CODE_TRIES) return { ok: false, reason: 'locked' };
  return { ok: false, reason: 'expired' };
}

async function verify(
  deps: CodeDeps,
  hashes: Hashes,
  request: VerifyRequest,
): Promise<VerifyOutcome> {
  const { merchantId } = request.store;
  const ref = refOf(request, hashes);
  const typed = hashes.code(request, digitsOf(request.code));
  return deps.db.tx(
    async (tx): Promise<VerifyOutcome> => {
      const now = deps.clock();
      const code = await takeTry(tx, ref, CODE_TRIES, now);
      if (!code) return whyNoTry(tx, ref);
      if (sameBytes(code.code_hash, typed)) {
        await markUsed(tx, merchantId, code.id, now);
        return { ok: true };
      }
      const triesLeft = CODE_TRIES - code.attempts;
      return triesLeft > 0
        ? { ok: false, reason: 'wrong', triesLeft }
        : { ok: false, reason: 'locked' };
    },
    { tenant: merchantId },
  );
}

/** Whether an address is known to the merchant is never looked up here: every answer is the same. */
export function createCodes(deps: CodeDeps) {
  const hashes = hashesOf(deps.secret);
  return {
    normalise(store: StoreRef, channel: Channel, typed: string): string | null {
      return channel === 'sms' ? normalisePhone(typed, store.country) : normaliseEmail(typed);
    },

    async send(request: SendRequest): Promise<SendOutcome> {
      const outcome = await deps.db.tx((tx) => makeAndQueue(tx, deps, hashes, request), {
        tenant: request.store.merchantId,
      });
      if (outcome.ok) deps.wake?.();
      return outcome;
    },

    verify: (request: VerifyRequest): Promise<VerifyOutcome> => verify(deps, hashes, request),
  };
}

/** The longest limit looks back a day; nothing needs a code for longer than two. */
const KEEP_MS = 2 * 24 * 3_600_000;

/** Drops codes nobody needs any more. For the timed jobs. */
export async function forgetCodes(db: Queryable, now: number): Promise<number> {
  await dropPauses(db, now - KEEP_MS);
  return dropCodes(db, now - KEEP_MS, now);
}
