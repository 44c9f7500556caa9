/** Secrets inside settings: sealed on their way into storage, opened on their way out. */
import { newToken, seal, unseal } from '../ids.ts';

/** Names that hold a secret, wherever in the settings of a store or gateway they stand. */
const SECRET = new Set(['secret', 'password', 'apiKey', 'clientSecret', 'fixed']);
const MARK = 'sealed:';
const PURPOSE = 'secrets in settings';
const DEEPEST = 6;
const MOST_KEPT = 5_000;

type Change = (text: string) => string;

/** A copy with every secret changed; what is no secret is left as it is. */
function changed(value: unknown, change: Change, depth = 0): unknown {
  if (value === null || typeof value !== 'object' || depth > DEEPEST) return value;
  if (Array.isArray(value)) return value.map((one) => changed(one, change, depth + 1));
  const entries = Object.entries(value).map(([key, held]): [string, unknown] =>
    SECRET.has(key) && typeof held === 'string'
      ? [key, change(held)]
      : [key, changed(held, change, depth + 1)],
  );
  return Object.fromEntries(entries);
}

export interface Vault {
  /** Settings as they are kept. */
  close(settings: unknown): unknown;
  /** Settings as they are used; secrets that stand in clear stay as they are. */
  open(settings: unknown): unknown;
}

/** `secret` is the installation's: with another one, what was sealed opens no more. */
export function createVault(secret: Buffer): Vault {
  /** Every page of the portal opens the same few. */
  const opened = new Map<string, string>();

  function openOne(text: string): string {
    if (!text.startsWith(MARK)) return text;
    const known = opened.get(text);
    if (known !== undefined) return known;
    const sealed = Buffer.from(text.slice(MARK.length), 'base64url');
    // What cannot be opened becomes something nobody knows: empty, it could be guessed.
    const clear = unseal(secret, PURPOSE, '', sealed) ?? newToken('lost');
    if (opened.size >= MOST_KEPT) opened.clear();
    opened.set(text, clear);
    return clear;
  }

  const closeOne = (text: string): string =>
    MARK + seal(secret, PURPOSE, '', text).toString('base64url');

  return {
    close: (settings) => changed(settings, closeOne),
    open: (settings) => changed(settings, openOne),
  };
}
