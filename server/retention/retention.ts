/** Nothing is kept longer than its store says: each class of record goes when its time is up. */
import type { Database } from '../db/database.ts';
import { ProblemError } from '../errors.ts';
import { removeGuest } from '../guests/erase.ts';
import { dropSessionLog } from '../guests/session-log-queries.ts';
import { logEndedSessions } from '../guests/session-log.ts';
import { forgetSessionClients } from '../sessions/accounting.ts';
import { lawOf } from '../stores/law.ts';
import type { KeepClass } from '../stores/packs.ts';
import { noteRemoval } from '../stores/removal-queries.ts';
import { readSettings } from '../stores/settings.ts';
import type { StoreClass, StoreKeeping } from './queries.ts';
import { dropOld, guestsGone, storesAfter } from './queries.ts';

const DAY_MS = 86_400_000;
const PAGE = 500;
/** Records one statement deletes, and statements of one class and store in one run. */
const BATCH = 5_000;
const MOST_BATCHES = 20;
/** Guests erased in one run of a merchant, each in a transaction of their own; the rest go at the next. */
const MOST_GUESTS = 10_000;

const STORE_CLASSES: readonly StoreClass[] = [
  'sessionsDays',
  'visitsDays',
  'messagesDays',
  'codesDays',
];

async function eachStore(
  db: Database,
  work: (stores: readonly StoreKeeping[]) => Promise<void>,
): Promise<void> {
  let after: string | null = null;
  for (;;) {
    const stores: StoreKeeping[] = await storesAfter(db, after, PAGE);
    if (stores.length > 0) await work(stores);
    if (stores.length < PAGE) return;
    after = stores.at(-1)!.id;
  }
}

/** Repeats what removes up to a batch while there is more, up to a bound; gives how many went. */
async function inBatches(remove: () => Promise<number>): Promise<number> {
  let removed = 0;
  for (let turn = 0; turn < MOST_BATCHES; turn += 1) {
    const gone = await remove();
    removed += gone;
    if (gone < BATCH) break;
  }
  return removed;
}

async function forgetClass(
  db: Database,
  of: { merchantId: string; storeId: string | null; kind: StoreClass },
  days: number,
  now: number,
): Promise<number> {
  const before = now - days * DAY_MS;
  return inBatches(() => dropOld(db, of, before, now, BATCH));
}

/** Gives 0 when another process, or the guest, was quicker. */
async function forgetGuest(
  db: Database,
  merchantId: string,
  id: string,
  now: number,
): Promise<number> {
  try {
    await db.tx((tx) => removeGuest(tx, merchantId, id, now), { tenant: merchantId });
    return 1;
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'not-found') return 0;
    throw error;
  }
}

/** Guests belong to the merchant, not to a store: the longest of its stores counts. */
async function forgetGuests(
  db: Database,
  merchantId: string,
  days: number,
  now: number,
): Promise<number> {
  const before = now - days * DAY_MS;
  const ids = await guestsGone(db, merchantId, before, MOST_GUESTS);
  let removed = 0;
  try {
    for (const id of ids) removed += await forgetGuest(db, merchantId, id, now);
  } finally {
    const gone = { kind: 'guestsDays', before, removed } as const;
    if (removed > 0) await noteRemoval(db, merchantId, gone, now);
  }
  return removed;
}

/** Deletes what is older than its store allows; gives how many records went. For the timed jobs. */
export async function keepNoLonger(db: Database, now: number): Promise<number> {
  let removed = 0;
  const failures: unknown[] = [];
  /** What fails for one store or merchant must not keep the others' records; the job fails afterwards. */
  const attempt = async (work: () => Promise<number>): Promise<void> => {
    try {
      removed += await work();
    } catch (error) {
      failures.push(error);
    }
  };
  const longest = new Map<string, Pick<Record<KeepClass, number>, 'guestsDays' | 'visitsDays'>>();
  await eachStore(db, async (stores) => {
    for (const { id: storeId, merchant_id: merchantId, ...store } of stores) {
      const { retention } = lawOf(readSettings(store.settings), store.country);
      const { guestsDays, visitsDays } = longest.get(merchantId) ?? NONE;
      longest.set(merchantId, {
        guestsDays: Math.max(guestsDays, retention.guestsDays),
        visitsDays: Math.max(visitsDays, retention.visitsDays),
      });
      for (const kind of STORE_CLASSES) {
        await attempt(() => forgetClass(db, { merchantId, storeId, kind }, retention[kind], now));
      }
    }
  });
  for (const [merchantId, { guestsDays, visitsDays }] of longest) {
    // In fences that belong to no store.
    const of = { merchantId, storeId: null, kind: 'visitsDays' } as const;
    await attempt(() => forgetClass(db, of, visitsDays, now));
    await attempt(() => forgetGuests(db, merchantId, guestsDays, now));
  }
  if (failures.length > 0) throw failures[0];
  return removed;
}

const NONE = { guestsDays: 0, visitsDays: 0 };

/** Writes the log of sessions where a law demands it. For the timed jobs. */
export async function keepSessionLog(db: Database, now: number): Promise<number> {
  let written = 0;
  await eachStore(db, async (stores) => {
    written += await logEndedSessions(db, stores, now);
  });
  return written;
}

/** Forgets what was logged, once the law has had its time. For the timed jobs. */
export async function forgetSessionLog(db: Database, now: number): Promise<number> {
  return inBatches(() => dropSessionLog(db, now, BATCH));
}

/** Forgets who used which address once the log, where there must be one, holds it. For the timed jobs. */
export async function forgetLogged(db: Database, now: number): Promise<number> {
  await keepSessionLog(db, now);
  return forgetSessionClients(db, now);
}
