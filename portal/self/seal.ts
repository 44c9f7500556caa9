/** The short-lived sealed part of every address of "My data": no cookie, nothing readable, bound to the shop. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { StoreView } from '../ports-store.ts';

const IV = 12;
const TAG = 16;
const MAX_SEALED = 2048;
/** The host ends a look by itself as well; a code is waited for no longer than it works. */
const SELF_MS = 30 * 60_000;

const language = z.enum(['en', 'zh-CN', 'es', 'ar']);

/** What the next page says about the last press. */
export const notes = [
  'saved',
  'mailed',
  'refused',
  'changed',
  'devices',
  'address-done',
  'address-taken',
] as const;
export type Note = (typeof notes)[number];

const state = z.discriminatedUnion('at', [
  /** A code was asked for: to open a look, or within one (`key`) to prove a new address. */
  z.object({
    at: z.literal('code'),
    channel: z.enum(['sms', 'email']),
    address: z.string(),
    binding: z.string(),
    key: z.string().optional(),
    language,
    wrong: z.boolean().optional(),
  }),
  z.object({
    at: z.literal('look'),
    key: z.string(),
    language,
    note: z.enum(notes).optional(),
  }),
]);
export type SelfState = z.infer<typeof state>;
export type CodeState = Extract<SelfState, { at: 'code' }>;
export type LookState = Extract<SelfState, { at: 'look' }>;

export interface SelfSeal {
  close(state: SelfState, store: StoreView): string;
  /** Null when it is forged, of another shop, or too old. */
  open(sealed: string, store: StoreView): SelfState | null;
}

function bindingOf(store: StoreView): Buffer {
  return Buffer.from(`foyer my data 1\n${store.merchantId}\n${store.id}`);
}

/** AES-256-GCM under a key of its own: a journey's link never opens anybody's data. */
export function createSelfSeal(secret: Buffer, clock: () => number): SelfSeal {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'foyer portal my data', 32));
  const decrypt = (sealed: string, store: StoreView): unknown => {
    if (sealed.length > MAX_SEALED || !/^[\w-]+$/.test(sealed)) return null;
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length <= IV + TAG) return null;
    const opened = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV), {
      authTagLength: TAG,
    });
    opened.setAAD(bindingOf(store));
    opened.setAuthTag(bytes.subarray(IV, IV + TAG));
    try {
      const text = Buffer.concat([opened.update(bytes.subarray(IV + TAG)), opened.final()]);
      return JSON.parse(text.toString('utf8'));
    } catch {
      return null;
    }
  };
  return {
    close(kept, store) {
      const iv = randomBytes(IV);
      const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG });
      cipher.setAAD(bindingOf(store));
      const text = JSON.stringify({ until: clock() + SELF_MS, kept });
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
    },
    open(sealed, store) {
      const read = decrypt(sealed, store) as { until: number; kept: unknown } | null;
      if (read === null || read.until < clock()) return null;
      const parsed = state.safeParse(read.kept);
      return parsed.success ? parsed.data : null;
    },
  };
}
