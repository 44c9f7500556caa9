/** Passwords: argon2id at the OWASP minimum, behind a small queue so that logins cannot eat the machine. */
import { hash, verify } from '@node-rs/argon2';
import { problem } from '../errors.ts';

/** OWASP's first argon2id setting: 19 MiB, two passes, one lane. */
const argon2id = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

export interface Passwords {
  hash(password: string): Promise<string>;
  /**
   * Whether the password fits. With `stored` null (no such account) the same work is done against
   * a hash nobody knows the password of, so that the time tells nothing.
   */
  fits(stored: string | null, password: string): Promise<boolean>;
}

export interface QueueLimits {
  /** Hashes computed at the same time; each holds 19 MiB. */
  running: number;
  /** Callers that may wait; the next one is told to come back. */
  waiting: number;
}

export function createPasswords(limits: QueueLimits = { running: 2, waiting: 40 }): Passwords {
  const inTurn = queue(limits);
  let decoy: Promise<string> | undefined;
  return {
    hash: (password) => inTurn(() => hash(password.normalize('NFKC'), argon2id)),
    fits: (stored, password) =>
      inTurn(async () => {
        decoy ??= hash(`nobody ${crypto.randomUUID()}`, argon2id);
        const ok = await verify(stored ?? (await decoy), password.normalize('NFKC'));
        return ok && stored !== null;
      }),
  };
}

function queue(limits: QueueLimits): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= limits.running) {
      if (waiting.length >= limits.waiting) {
        throw problem('unavailable', { detail: 'Too many sign-ins at once.', retryAfter: 5 });
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // The place is handed over, not freed: nobody can slip in between.
      if (next) next();
      else running -= 1;
    }
  };
}

export type Weakness = 'too-short' | 'too-long' | 'common' | 'contains-name';

export const passwordLength = { min: 12, max: 128 } as const;

/** Parts of the passwords that lead every leaked list; one of them padded out is no better. */
const wellKnown =
  /(passw[o0]rd|qwert|azerty|letmein|welcome|iloveyou|admin|123456|abcdef|000000|111111|foyer)/g;

/** PURE. Why a password is refused, or null. Length is what counts; no rules about kinds of characters. */
export function weakness(password: string, about: readonly string[]): Weakness | null {
  const plain = password.normalize('NFKC').toLowerCase();
  const signs = Array.from(plain).length;
  if (signs < passwordLength.min) return 'too-short';
  if (signs > passwordLength.max) return 'too-long';
  if (new Set(plain).size < 5) return 'common';
  const rest = plain.replaceAll(wellKnown, '');
  if (rest !== plain && rest.length < 8) return 'common';
  const names = about.map((text) => text.toLowerCase()).filter((text) => text.length >= 4);
  if (names.some((name) => plain.includes(name) && plain.length - name.length < 6)) {
    return 'contains-name';
  }
  return null;
}
