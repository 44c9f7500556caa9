/** History under another policy: the same stored pings judged twice, and the visits that differ. Writes nothing. */
import type { Policy } from '../../geo/engine.ts';
import type { Ping } from '../../geo/quality.ts';
import type { Timeline } from '../../geo/history.ts';
import type { VisitDiff } from '../../geo/visit-diff.ts';
import type { Visit } from '../../geo/visit.ts';
import type { Database, Queryable } from '../db/database.ts';
import type { Archive, FenceName } from './archive.ts';
import { initialState } from '../../geo/engine.ts';
import { diffVisits } from '../../geo/visit-diff.ts';
import { problem } from '../errors.ts';
import { runInPieces } from './pieces.ts';
import { heardDevices, ownDevices, storedVisits } from './why-queries.ts';

export interface RerunDeps {
  db: Database;
  clock: () => number;
  archive: Archive;
  /** The policy that visits are judged by today. */
  policy: Policy;
}

export interface RerunAsked {
  merchantId: string;
  /** Visits that begin in here are compared. Milliseconds since 1970. */
  from: number;
  to: number;
  /** Null: all devices heard in the span, with a store those heard near it. */
  deviceIds: readonly string[] | null;
  /** Only visits to fences of this store. */
  storeId: string | null;
  policy: Policy;
  /** What the new policy is held against: today's policy over the same pings, or what is stored. */
  against: 'current' | 'stored';
}

export interface Tally {
  visits: number;
  /** Sum of their scores: how many are expected to have been real. */
  likely: number;
}

export interface Rerun {
  devices: number;
  /** Pings judged, those leading up to the span and following it included. */
  pings: number;
  before: Tally;
  after: Tally;
  /** By device, then by entry. */
  diff: VisitDiff;
  names: ReadonlyMap<string, FenceName>;
}

export const MAX_DAYS = 7;
export const MAX_DEVICES = 200;
export const MAX_PINGS = 100_000;
/** Before and after the span, so that what begins or ends near its edges is judged whole. */
const MARGIN = 6 * 3_600_000;
/** About half a kilometre: who was heard this near to a store may have been in it. */
const NEAR_DEGREES = 0.005;

/** Equal history and equal policies give equal answers, to the byte. Problems for too much at once. */
export async function rerun(deps: RerunDeps, asked: RerunAsked): Promise<Rerun> {
  const end = Math.min(asked.to + MARGIN, deps.clock());
  checkSpan(asked);
  const tenant = { tenant: asked.merchantId, readOnly: true };
  const devices = await deps.db.tx((tx) => chosenDevices(tx, asked), tenant);
  const old: Visit[] = [];
  const fresh: Visit[] = [];
  let names: ReadonlyMap<string, FenceName> = new Map();
  let pings = 0;
  for (const device of devices) {
    const left = MAX_PINGS - pings;
    const read = await deps.db.tx((tx) => readDevice(tx, deps, asked, device, end, left), tenant);
    ({ names } = read);
    pings += read.pings.length;
    const judged = (policy: Policy) => visitsUnder(policy, device, read.pings, read.timeline, end);
    old.push(...(asked.against === 'stored' ? read.stored : await judged(deps.policy)));
    fresh.push(...(await judged(asked.policy)));
  }
  const counts = countedIn(asked, names);
  return {
    devices: devices.length,
    pings,
    before: tally(old.filter(counts)),
    after: tally(fresh.filter(counts)),
    diff: diffVisits(old, fresh, counts),
    names,
  };
}

function checkSpan({ from, to, deviceIds }: RerunAsked): void {
  const tooMuch = (detail: string) => problem('invalid-request', { detail });
  if (!(from < to)) throw tooMuch('to must be later than from.');
  if (to - from > MAX_DAYS * 86_400_000) throw tooMuch(`Ask for at most ${MAX_DAYS} days at once.`);
  if ((deviceIds?.length ?? 0) > MAX_DEVICES) {
    throw tooMuch(`Ask for at most ${MAX_DEVICES} devices at once.`);
  }
}

async function chosenDevices(tx: Queryable, asked: RerunAsked): Promise<string[]> {
  const { merchantId, from, to, storeId, deviceIds } = asked;
  if (deviceIds !== null) {
    const wanted = new Set(deviceIds);
    const own = await ownDevices(tx, merchantId, [...wanted]);
    if (own.length === wanted.size) return own;
    throw problem('not-found', { detail: 'Not all of these devices are there.' });
  }
  const limit = MAX_DEVICES + 1;
  const span = { from, to, storeId, degrees: NEAR_DEGREES, limit };
  const heard = await heardDevices(tx, merchantId, span);
  if (heard.length <= MAX_DEVICES) return heard;
  throw problem('invalid-request', {
    detail: `More than ${MAX_DEVICES} devices were heard: ask for a shorter time, or name the devices.`,
  });
}

async function readDevice(
  tx: Queryable,
  { archive }: RerunDeps,
  { merchantId, from }: RerunAsked,
  device: string,
  end: number,
  left: number,
): Promise<{
  pings: Ping[];
  timeline: Timeline;
  names: ReadonlyMap<string, FenceName>;
  stored: Visit[];
}> {
  const span = { from: from - MARGIN, to: end, limit: left + 1 };
  const archived = await archive.pings(tx, merchantId, device, span);
  if (archived.length > left) {
    throw problem('invalid-request', {
      detail: `More than ${MAX_PINGS} pings: ask for a shorter time, or for fewer devices.`,
    });
  }
  const pings = archived.filter((each) => each.usable).map((each) => each.ping);
  const { timeline, names } = await archive.fences(tx, merchantId, span.from);
  const known = await storedVisits(tx, merchantId, device, span.from, end);
  const stored = known.filter((each) => each.status !== 'retracted').map((each) => each.visit);
  return { pings, timeline, names, stored };
}

/** One device's visits under one policy, from a blank state, so that only the policy can differ. */
async function visitsUnder(
  policy: Policy,
  device: string,
  pings: readonly Ping[],
  timeline: Timeline,
  end: number,
): Promise<Visit[]> {
  const start = initialState(device);
  const { visits } = await runInPieces(start, pings, timeline, policy, { until: end });
  return [...visits.values()];
}

function countedIn(
  { from, to, storeId }: RerunAsked,
  names: ReadonlyMap<string, FenceName>,
): (visit: Visit) => boolean {
  return ({ fence, entry }) =>
    entry.estimate >= from &&
    entry.estimate < to &&
    (storeId === null || names.get(fence)?.storeId === storeId);
}

function tally(visits: readonly Visit[]): Tally {
  const real = visits.filter((visit) => visit.band !== 'none');
  const likely = real.reduce((sum, visit) => sum + visit.score, 0);
  return { visits: real.length, likely: Math.round(likely * 100) / 100 };
}
