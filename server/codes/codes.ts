/** One-time codes by phone or mail: made, sent within limits, and taken once. */
import { randomInt } from 'node:crypto';
import type { Database, Queryable } from '../db/database.ts';
import { appendEvents } from '../events/outbox.ts';
import { networkOf } from '../http/network.ts';
import { deriveKey, keyedHash, sameBytes } from '../ids.ts';
import type { Language } from '../stores/words.ts';
import type { Log } from '../log.ts';
import { queueMessage } from '../messages/queries.ts';
import { codeWords } from '../messages/texts.ts';
import { normaliseEmail, normalisePhone, textTarget } from './addresses.ts';
import type { Pause, SendPolicy } from './limits.ts';
import { CODE_MS, CODE_TRIES, RESEND_MS, judgeSend } from './limits.ts';
import type { Channel, CodeRef } from './queries.ts';
import {
  dropCodes,
  dropPauses,
  insertCode,
  lockSending,
  markUsed,
  newestCode,
  takeTry,
} from './queries.ts';

/** The part of a store this file needs. */
interface StoreRef {
  id: string;
  merchantId: string;
  name: string;
  /** ISO 3166-1 alpha-2. */
  country: string;
}

export interface CodeDeps {
  db: Database;
  clock: () => number;
  log: Pick<Log, 'warn'>;
  /** The installation's secret. */
  secret: Buffer;
  /** What the store allows; `defaultSendPolicy` where it says nothing. */
  sendPolicy: (tx: Queryable, store: StoreRef) => Promise<SendPolicy>;
  /** Told after the commit that a message waits. */
  wake?: () => void;
  /** Draws 0..below-1, unguessable. */
  draw?: (below: number) => number;
}

export interface SendRequest {
  store: StoreRef;
  channel: Channel;
  /** As `normalise` gave it. */
  address: string;
  /** Ties the code to the journey that asked. */
  binding: string;
  mac: string;
  ip: string;
  language: Language;
  realm?: Realm;
}

/**
 * Codes of another realm are counted apart from those that open the WiFi: how many were sent there tells
 * nobody here whether an address is known.
 */
export type Realm = 'self';

export type SendOutcome =
  | { ok: true; resendAt: number; expiresAt: number }
  | {
      ok: false;
      reason: 'too-many-sends' | 'destination-refused' | 'unavailable';
      retryAt?: number;
    };

export interface VerifyRequest {
  store: StoreRef;
  channel: Channel;
  address: string;
  binding: string;
  code: string;
  realm?: Realm;
}

export type VerifyOutcome =
  | { ok: true }
  | { ok: false; reason: 'wrong'; triesLeft: number }
  | { ok: false; reason: 'expired' | 'locked' | 'used' };

/** Where a kept hash comes from; the parts are joined unambiguously by `keyedHash`. */
function hashesOf(secret: Buffer) {
  const key = deriveKey(secret, 'one-time codes');
  return {
    address: ({ store, channel, address, realm }: VerifyRequest | SendRequest) =>
      keyedHash(
        key,
        ...(realm ? ['address', realm] : ['address']),
        store.merchantId,
        channel,
        address,
      ),
    binding: (binding: string) => keyedHash(key, 'binding', binding),
    device: (merchantId: string, mac: string) => keyedHash(key, 'device', merchantId, mac),
    network: (merchantId: string, ip: string) =>
      keyedHash(key, 'network', merchantId, networkOf(ip)),
    /** Bound to store, address and journey: moved to another row it would fit nothing. */
    code: ({ store, channel, address, binding }: VerifyRequest | SendRequest, digits: string) =>
      keyedHash(key, 'code', store.id, channel, address, binding, digits),
  };
}

/** Digits as typed, wide forms and gaps forgiven. */
function digitsOf(typed: string): string {
  return typed.slice(0, 40).normalize('NFKC').replace(/[\s-]/g, '');
}

type Hashes = ReturnType<typeof hashesOf>;

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

/** An SMS goes only where the store wants it to; mail goes anywhere. */
function targetOf({ channel, address }: SendRequest, policy: SendPolicy) {
  if (channel !== 'sms') return { refused: false, target: null } as const;
  const target = textTarget(address);
  const refused = target === null || !policy.countries.includes(target.country);
  return { refused, target } as const;
}

/** The alarm: told once, when a range of numbers is paused. */
async function tellPause(
  tx: Queryable,
  store: StoreRef,
  { until, ...pause }: Pause,
  now: number,
): Promise<void> {
  const at = new Date(now);
  const times = { until: new Date(until).toISOString(), at: at.toISOString() };
  const event = {
    merchantId: store.merchantId,
    storeId: store.id,
    type: 'sms.paused' as const,
    key: `sms ${pause.prefix}`,
    payload: { storeId: store.id, ...pause, ...times },
    occurredAt: at,
  };
  await appendEvents(tx, [event], now);
}

async function queueWords(
  tx: Queryable,
  { store, channel, address, language }: SendRequest,
  digits: string,
  expiresAt: number,
  now: number,
): Promise<void> {
  const words = codeWords(language, store.name, digits, CODE_MS / 60_000);
  const message = {
    merchantId: store.merchantId,
    storeId: store.id,
    channel,
    address,
    subject: channel === 'email' ? words.subject : null,
    body: words.body,
    expiresAt,
  };
  await queueMessage(tx, message, now);
}

/** Writes the code and its message in one transaction, within the limits. */
async function makeAndQueue(
  tx: Queryable,
  deps: CodeDeps,
  hashes: Hashes,
  request: SendRequest,
): Promise<SendOutcome> {
  const { store, channel } = request;
  const { merchantId } = store;
  const policy = await deps.sendPolicy(tx, store);
  const { refused, target } = targetOf(request, policy);
  if (refused) return { ok: false, reason: 'destination-refused' };
  const attempt = {
    merchantId,
    storeId: store.id,
    channel,
    addressHash: hashes.address(request),
    deviceHash: hashes.device(merchantId, request.mac),
    networkHash: hashes.network(merchantId, request.ip),
    target,
  };
  await lockSending(tx, merchantId);
  const now = deps.clock();
  const verdict = await judgeSend(tx, attempt, policy, now);
  if (!verdict.ok) {
    deps.log.warn({ storeId: store.id, channel, limit: verdict.by }, 'a code was not sent');
    if ('paused' in verdict && verdict.paused) await tellPause(tx, store, verdict.paused, now);
    return { ok: false, reason: verdict.reason, retryAt: verdict.retryAt };
  }
  const digits = String((deps.draw ?? randomInt)(1_000_000)).padStart(6, '0');
  const expiresAt = now + CODE_MS;
  const codeHash = hashes.code(request, digits);
  const bindingHash = hashes.binding(request.binding);
  await insertCode(tx, { ...attempt, bindingHash, codeHash, expiresAt }, now);
  await queueWords(tx, request, digits, expiresAt, now);
  return { ok: true, resendAt: now + RESEND_MS, expiresAt };
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
  return dropCodes(db, now - KEEP_MS);
}
