/** Notes for the connection check: bounded in size and in how often they are written. */
import type { Database, Queryable } from '../db/database.ts';
import { dropNotices, keepNotice } from './notice-queries.ts';

export interface Notice {
  code: string;
  detail?: Record<string, string>;
}

const MOST_ENTRIES = 8;
const LONGEST_NAME = 40;
const LONGEST_VALUE = 200;
/** Writes of one kind at one gateway in one window; what comes beyond is counted with the next. */
const WINDOW_MS = 10_000;
const MOST_WRITES = 20;
/** That it works is said by every guest: once in a window is enough to see that it still does. */
const GOOD_NEWS = new Set(['redirect-ok', 'door-opened']);
const MOST_KINDS = 5000;
const KEEP_MS = 30 * 86_400_000;

function tidy(detail: Record<string, string> = {}): Record<string, string> {
  const clean = (text: string, most: number): string =>
    text.replaceAll(/\p{Cc}|\p{Cs}/gu, '').slice(0, most);
  const entries = Object.entries(detail)
    .slice(0, MOST_ENTRIES)
    .map(([name, value]) => [clean(name, LONGEST_NAME), clean(value, LONGEST_VALUE)]);
  return Object.fromEntries(entries) as Record<string, string>;
}

interface Window {
  from: number;
  writes: number;
  /** Counted, not yet written. */
  owed: number;
}

export function createNotices({ db, clock }: { db: Database; clock: () => number }) {
  const windows = new Map<string, Window>();

  /** How many the next write stands for; 0 when it must wait. */
  function due(key: string, most: number, now: number): number {
    const held = windows.get(key);
    const owed = (held?.owed ?? 0) + 1;
    if (held && now - held.from < WINDOW_MS) {
      if (held.writes >= most) {
        held.owed = owed;
        return 0;
      }
      held.writes += 1;
      held.owed = 0;
      return owed;
    }
    if (windows.size >= MOST_KINDS) windows.clear();
    windows.set(key, { from: now, writes: 1, owed: 0 });
    return owed;
  }

  return {
    /** Something the merchant should know when a connection does not work. */
    async noticed(
      store: { id: string; merchantId: string },
      gatewayId: string | null,
      { code, detail }: Notice,
    ): Promise<void> {
      const now = clock();
      const most = GOOD_NEWS.has(code) ? 1 : MOST_WRITES;
      const times = due(`${store.id} ${gatewayId} ${code}`, most, now);
      if (times === 0) return;
      const { id: storeId, merchantId } = store;
      const notice = { merchantId, storeId, gatewayId, code, detail: tidy(detail), times };
      await db.tx((tx) => keepNotice(tx, notice, now), { tenant: merchantId, alone: true });
    },
  };
}

/** Drops what is long past. For the timed jobs. */
export async function forgetNotices(db: Queryable, now: number): Promise<number> {
  return dropNotices(db, now - KEEP_MS);
}
