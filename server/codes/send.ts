/** Sends a code: made, written down and queued in one transaction, within every limit. */
import { randomInt } from 'node:crypto';
import type { Database, Queryable } from '../db/database.ts';
import { appendEvents } from '../events/outbox.ts';
import type { Log } from '../log.ts';
import { queueMessage } from '../messages/queries.ts';
import { codeWords } from '../messages/texts.ts';
import { textTarget } from './addresses.ts';
import type { Hashes, SendRequest, StoreRef } from './hashes.ts';
import type { Pause, SendPolicy } from './limits.ts';
import { CODE_MS, RESEND_MS, judgeSend } from './limits.ts';
import { insertCode, lockSending } from './queries.ts';

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

export type SendOutcome =
  | { ok: true; resendAt: number; expiresAt: number }
  | {
      ok: false;
      reason: 'too-many-sends' | 'destination-refused' | 'unavailable';
      retryAt?: number;
    };

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
export async function makeAndQueue(
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
