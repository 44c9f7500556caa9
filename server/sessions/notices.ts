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
/**
 * That it works is said by every guest: once in a window is enough to see that it still does, and in a
 * longer one while nothing else was noted of the store.
 */
const GOOD_NEWS = new Set(['redirect-ok', 'door-opened']);
const QUIET_MS = 30_000;
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
  /** When something was last not as it should be, by store (ms since 1970). */
  const troubled = new Map<string, number>();

  /** How many the next write stands for; 0 when it must wait. */
  function due(storeId: string, kind: string, good: boolean, now: number): number {
    const key = `${storeId} ${kind}`;
    const held = windows.get(key);
    const owed = (held?.owed ?? 0) + 1;
    const most = good ? 1 : MOST_WRITES;
    const quiet = good && held !== undefined && !((troubled.get(storeId) ?? 0) >= held.from);
    if (held && now - held.from < (quiet ? QUIET_MS : WINDOW_MS)) {
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

  function trouble(storeId: string, now: number): void {
    if (troubled.size >= MOST_KINDS) troubled.clear();
    troubled.set(storeId, now);
  }

  return {
    /** Something the merchant should know when a connection does not work. */
    async noticed(
      store: { id: string; merchantId: string },
      gatewayId: string | null,
      { code, detail }: Notice,
    ): Promise<void> {
      const now = clock();
      const good = GOOD_NEWS.has(code);
      if (!good) trouble(store.id, now);
      const times = due(store.id, `${gatewayId} ${code}`, good, now);
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
