/** Hands an SMS to any provider's adapter as a signed HTTP POST (Standard Webhooks). */
import { createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import type { SendResult, Sender } from './sender.ts';

const TIMEOUT_MS = 5000;

/** `whsec_` secrets are base64, as the standard writes them; anything else is taken as it stands. */
export function signingKey(secret: string): Buffer {
  return secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret, 'utf8');
}

/** The `webhook-signature` of a message: HMAC-SHA256 over id, time in seconds and body. */
export function signature(key: Buffer, id: string, seconds: number, body: string): string {
  const mac = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return `v1,${mac}`;
}

function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return host === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

/** Codes travel in clear inside the body, so the way must be encrypted unless it stays on this machine. */
function checkedUrl(text: string): URL {
  const url = new URL(text);
  const safe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
  if (!safe) throw new Error('the SMS webhook must be https, or http on this machine');
  return url;
}

/** 408, 425 and 429 ask for patience; any other 3xx or 4xx will not change by itself. */
function judge(status: number): SendResult {
  if (status >= 200 && status < 300) return { ok: true };
  const again = status >= 500 || status === 408 || status === 425 || status === 429;
  return { ok: false, again, error: `http ${status}` };
}

export function createWebhookSender(
  address: string,
  secret: string,
  clock: () => number,
  timeoutMs = TIMEOUT_MS,
): Sender {
  const url = checkedUrl(address);
  const key = signingKey(secret);
  return {
    kind: 'webhook',
    async send(message) {
      const body = JSON.stringify({
        type: 'sms.send',
        timestamp: new Date(message.createdAt).toISOString(),
        data: { id: message.id, to: message.address, text: message.body },
      });
      const seconds = Math.floor(clock() / 1000);
      try {
        const reply = await fetch(url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'webhook-id': message.id,
            'webhook-timestamp': String(seconds),
            'webhook-signature': signature(key, message.id, seconds, body),
          },
          body,
          redirect: 'manual',
          signal: AbortSignal.timeout(timeoutMs),
        });
        await reply.body?.cancel();
        return judge(reply.status);
      } catch (error) {
        const late = (error as { name?: unknown } | null)?.name === 'TimeoutError';
        return { ok: false, again: true, error: late ? 'timeout' : 'unreachable' };
      }
    },
  };
}
