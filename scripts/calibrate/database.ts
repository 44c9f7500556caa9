/** Labels from production: where guests signed in, against what positions alone would have claimed. */
import type { ClaimedVisit } from '../../geo/labels.ts';
import type { Policy } from '../../geo/policy.ts';
import { claimsOf } from '../../geo/labels.ts';
import { probablyHere, scoreModel } from '../../geo/score-model.ts';
import type { Certainty } from '../../server/analytics/labels.ts';
import { certainties } from '../../server/analytics/labels.ts';
import { mayAnalyse } from '../../server/consents/analyse.ts';
import { createArchive } from '../../server/compose/archive.ts';
import { readConfig } from '../../server/config.ts';
import type { Database, Queryable } from '../../server/db/database.ts';
import { databaseFolder, openDatabase } from '../../server/db/open.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import type { Archive } from '../../server/visits/archive.ts';
import { merchantNames } from '../../server/visits/why-queries.ts';
import type { Labelled, Source } from './labelled.ts';

export interface DatabaseOptions {
  readonly days: number;
  readonly merchant?: string;
}

const DAY = 86_400_000;
const MOST_SIGN_INS = 20_000;
const MOST_PINGS = 20_000;
/** A sign-in speaks for two minutes around it, and so much of a day is run before and after. */
const AROUND = 120_000;
const RUN_UP = 6 * 3_600_000;

/** Opens what the server itself would open, reads, and closes it again; writes nothing. */
export async function fromDatabase(options: DatabaseOptions, policy: Policy): Promise<Source> {
  const { DATABASE_URL, DATA_DIR } = readConfig();
  const db = await openDatabase(
    DATABASE_URL ? { url: DATABASE_URL } : { folder: databaseFolder(DATA_DIR) },
  );
  try {
    return await labelsIn(db, options, policy, Date.now());
  } finally {
    await db.close();
  }
}

export async function labelsIn(
  db: Database,
  { days, merchant }: DatabaseOptions,
  policy: Policy,
  now: number,
): Promise<Source> {
  const merchants = (await merchantNames(db)).filter(({ id }) => !merchant || id === merchant);
  const archive = createArchive(createLiveFences());
  const rows: Labelled[] = [];
  let signIns = 0;
  for (const { id } of merchants) {
    const since = new Date(now - days * DAY);
    const sure = await db.tx((tx) => allowedCertainties(tx, id, since), {
      tenant: id,
      readOnly: true,
    });
    signIns += sure.length;
    for (const deviceId of new Set(sure.map((one) => one.device_id))) {
      const own = sure.filter((one) => one.device_id === deviceId);
      rows.push(...(await labelDevice(db, archive, id, deviceId, own, policy)));
    }
  }
  return {
    rows,
    faults: [],
    title: `${signIns} confirmed sessions of linked devices in ${days} days, judged by their positions alone`,
  };
}

/** Only of guests whose visits may be looked at. */
async function allowedCertainties(tx: Queryable, id: string, since: Date): Promise<Certainty[]> {
  const asked = new Map<string, boolean>();
  const allowed: Certainty[] = [];
  for (const one of await certainties(tx, id, since, MOST_SIGN_INS)) {
    const who = `${one.guest_id} ${one.store_id}`;
    const may = asked.get(who) ?? (await mayAnalyse(tx, id, one.guest_id, one.store_id));
    asked.set(who, may);
    if (may) allowed.push(one);
  }
  return allowed;
}

async function labelDevice(
  db: Database,
  archive: Archive,
  merchantId: string,
  deviceId: string,
  sure: readonly Certainty[],
  policy: Policy,
): Promise<Labelled[]> {
  const from = Math.min(...sure.map((one) => one.from.getTime())) - RUN_UP;
  const to = Math.max(...sure.map((one) => one.to.getTime())) + RUN_UP;
  const past = await db.tx(
    async (tx) => ({
      pings: await archive.pings(tx, merchantId, deviceId, { from, to, limit: MOST_PINGS }),
      ...(await archive.fences(tx, merchantId, from)),
    }),
    { tenant: merchantId, readOnly: true },
  );
  // What the house itself knew is the label: it must not be among the grounds of the claim.
  const pings = past.pings
    .filter(({ usable, source }) => usable && source !== 'portal' && source !== 'session')
    .map(({ ping }) => ping);
  const claims = claimsOf(deviceId, pings, past.timeline, policy);
  const index = past.timeline.at(-1)?.fences;
  const storeOf = (fence: string): string | null => past.names.get(fence)?.storeId ?? null;
  const isDoor = (fence: string): boolean => {
    const parent = index?.get(fence)?.definition.parent;
    return parent === undefined || storeOf(parent) !== storeOf(fence);
  };
  return claims.flatMap((claim) => {
    const { fence } = claim.visit;
    // A shelf cannot be told by a sign-in at the door, nor a mall that belongs to no store.
    const store = storeOf(fence);
    if (store === null || !isDoor(fence)) return [];
    return label(claim, store, sure) ?? [];
  });
}

/** What a sign-in during the visit says of it; null when none does. */
function label(
  { visit, signs }: ClaimedVisit,
  store: string,
  sure: readonly Certainty[],
): Labelled | null {
  const entry = visit.entry.latest ?? visit.entry.estimate;
  const exit = visit.exit?.earliest ?? entry + visit.dwell.lower * 1000;
  const during = sure.filter(
    (one) => one.from.getTime() <= exit + AROUND && one.to.getTime() >= entry - AROUND,
  );
  const [first] = during;
  if (!first) return null;
  const right = during.filter((one) => one.store_id === store);
  if (right.length === 0) return { score: visit.score, truth: 0, about: 'visit', here: 0, signs };
  const seconds = (one: Certainty): number => (one.to.getTime() - one.from.getTime()) / 1000;
  if (right.some((one) => seconds(one) >= signs.minimum)) {
    return { score: visit.score, truth: 1, about: 'visit', here: 1, signs };
  }
  // There, but nobody knows for how long: only that part of the claim can be judged.
  return { score: probablyHere(signs, scoreModel), truth: 1, about: 'here', here: 1, signs };
}
