/** Answers kept a few seconds for those who ask again, and questions still in hand (RFC 5080 section 2.2.2). */

/** Longer than any NAS waits between its first tries. */
const KEEP_MS = 6_000;
const MOST = 65_536;

interface Entry {
  /** The request to the octet: whoever changes one asks something new. */
  raw: Buffer;
  response: Buffer | null;
  since: number;
}

export type Begun = 'new' | 'replaced' | 'working' | Buffer;

export interface Duplicates {
  /** The answer to this very request, `working` while it is sought, or null for a new one. */
  find(key: string, raw: Buffer, now: number): Buffer | 'working' | null;
  /** Takes a verified request in hand; another under the same key is forgotten. */
  begin(key: string, raw: Buffer, now: number): Begun;
  /** Keeps its answer; false when it was replaced meanwhile and nobody waits for it. */
  finish(key: string, raw: Buffer, response: Buffer): boolean;
  /** No answer came about: the next try starts afresh. */
  drop(key: string, raw: Buffer): void;
  size(): number;
}

/** Two generations: what began in the last six seconds is in one of them, and forgetting costs nothing. */
export function createDuplicates(most = MOST): Duplicates {
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();
  let turned = 0;
  const entryOf = (key: string): Entry | undefined => young.get(key) ?? old.get(key);
  const own = (key: string, raw: Buffer): Entry | undefined => {
    const entry = entryOf(key);
    return entry?.raw.equals(raw) ? entry : undefined;
  };
  const turn = (now: number): void => {
    if (now - turned < KEEP_MS && young.size < most / 2) return;
    old = young;
    young = new Map();
    turned = now;
  };
  const find: Duplicates['find'] = (key, raw, now) => {
    const entry = own(key, raw);
    if (entry === undefined) return null;
    if (entry.response === null) return 'working';
    return now - entry.since < KEEP_MS ? entry.response : null;
  };
  return {
    find,
    begin(key, raw, now) {
      const known = find(key, raw, now);
      if (known !== null) return known;
      turn(now);
      const before = entryOf(key);
      const replaced = before !== undefined && before.response === null;
      // A copy: what the socket gave would be kept whole, with all the room it had to read into.
      young.set(key, { raw: Buffer.from(raw), response: null, since: now });
      return replaced ? 'replaced' : 'new';
    },
    finish(key, raw, response) {
      const entry = entryOf(key);
      if (entry !== undefined && !entry.raw.equals(raw)) return false;
      // Forgotten while it was worked on: somebody waits for it all the same.
      if (entry !== undefined) entry.response = response;
      return true;
    },
    drop(key, raw) {
      if (own(key, raw) === undefined) return;
      young.delete(key);
      old.delete(key);
    },
    size: () => young.size + old.size,
  };
}
