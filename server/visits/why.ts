/** Why a device has the visits it has: its stored pings through the engine once more, listened to. */
import type { Policy } from '../../geo/engine.ts';
import type { Explanation } from '../../geo/explain.ts';
import type { Fence } from '../../geo/fence.ts';
import type { Happening, Timeline } from '../../geo/history.ts';
import type { DeviceState } from '../../geo/state.ts';
import type { Visit } from '../../geo/visit.ts';
import type { Database, Queryable } from '../db/database.ts';
import type { Archive, ArchivedPing, FenceName } from './archive.ts';
import type { StoredVisit } from './why-queries.ts';
import { initialState } from '../../geo/engine.ts';
import { createExplainer } from '../../geo/explain.ts';
import { compareTurns } from '../../geo/history.ts';
import { problem } from '../errors.ts';
import { runInPieces } from './pieces.ts';
import { deviceName, storedVisits } from './why-queries.ts';

export interface WhyDeps {
  db: Database;
  clock: () => number;
  archive: Archive;
  policy: Policy;
}

export interface WhyAsked {
  merchantId: string;
  deviceId: string;
  /** Milliseconds since 1970; pings by the time they were judged by. */
  from: number;
  to: number;
  /** Tell of this fence alone, and answer for it in any case. */
  fenceId?: string | undefined;
}

export interface Why {
  device: { id: string; name: string };
  explanation: Explanation;
  /** In the order in which they came to light. */
  happenings: readonly Happening[];
  visits: readonly { visit: Visit; stored: StoredVisit['status'] | null }[];
  /** By time and key of the ping, joined by a blank: when it came and which way. */
  sources: ReadonlyMap<string, { receivedAt: number; source: string }>;
  names: ReadonlyMap<string, FenceName>;
  /** Fences told of, as they stood last within the span. */
  fences: ReadonlyMap<string, Fence>;
}

const MAX_SPAN = 24 * 3_600_000;
export const MAX_PINGS = 5000;
/** Where no state is remembered the engine starts this much earlier, so that it knows where it is. */
export const RUN_UP = 6 * 3_600_000;
/** With the pings from before the span that lead up to it. */
const MAX_READ = 30_000;

/** Problem `not-found` for a device or fence of nobody, `invalid-request` for too much at once. */
export async function whyOf(deps: WhyDeps, asked: WhyAsked): Promise<Why> {
  const span = boundsOf(asked, deps.clock());
  const read = await deps.db.tx((tx) => readPast(tx, deps.archive, asked, span), {
    tenant: asked.merchantId,
    readOnly: true,
  });
  const fence =
    asked.fenceId === undefined ? undefined : standing(read.timeline, asked.fenceId, span.to);
  if (fence === null) {
    throw problem('not-found', {
      detail: 'There is no fence with this id that stood at the time.',
    });
  }
  return replayed(read, asked, span, deps.policy, fence);
}

interface Span {
  from: number;
  to: number;
}

function boundsOf({ from, to }: WhyAsked, now: number): Span {
  const end = Math.min(to, now);
  if (!(from < to)) throw problem('invalid-request', { detail: 'to must be later than from.' });
  if (to - from > MAX_SPAN) {
    throw problem('invalid-request', { detail: 'Ask for at most 24 hours at once.' });
  }
  return { from, to: Math.max(from, end) };
}

interface Read {
  name: string;
  start: DeviceState;
  /** In order; those from before the span lead up to it. */
  pings: readonly ArchivedPing[];
  timeline: Timeline;
  names: ReadonlyMap<string, FenceName>;
  stored: readonly StoredVisit[];
}

async function readPast(
  tx: Queryable,
  archive: Archive,
  { merchantId, deviceId }: WhyAsked,
  { from, to }: Span,
): Promise<Read> {
  const name = await deviceName(tx, merchantId, deviceId);
  if (name === null) throw problem('not-found', { detail: 'There is no device with this id.' });
  const known = await archive.stateBefore(tx, merchantId, deviceId, { t: from, key: '' });
  const start = known ?? initialState(deviceId);
  const since = start.head?.t ?? from - RUN_UP;
  const limit = MAX_READ + 1;
  const all = await archive.pings(tx, merchantId, deviceId, { from: since, to, limit });
  const within = all.filter(({ ping }) => ping.t >= from).length;
  if (all.length > MAX_READ || within > MAX_PINGS) {
    throw problem('invalid-request', {
      detail: `More than ${MAX_PINGS} pings in this time: ask for a shorter one.`,
    });
  }
  const { timeline, names } = await archive.fences(tx, merchantId, since);
  const stored = await storedVisits(tx, merchantId, deviceId, from, to);
  const { head } = start;
  const pings = head ? all.filter(({ ping }) => compareTurns(ping, head) > 0) : all;
  return { name, start, pings, timeline, names, stored };
}

/** The fence as it stood last up to an instant; null when it stood at no time. */
function standing(timeline: Timeline, id: string, until: number): Fence | null {
  for (const { from, fences } of timeline.toReversed()) {
    const fence = from <= until ? fences.get(id) : undefined;
    if (fence) return fence;
  }
  return null;
}

async function replayed(
  read: Read,
  { deviceId, fenceId }: WhyAsked,
  { from, to }: Span,
  policy: Policy,
  fence: Fence | undefined,
): Promise<Why> {
  const { start, pings, timeline, names, stored } = read;
  const asked = fence ? [fence] : [];
  const explainer = createExplainer({ policy, from, asked, only: fence !== undefined });
  const told = pings.filter((each) => each.usable).map((each) => each.ping);
  const { onStep } = explainer;
  const after = await runInPieces(start, told, timeline, policy, { until: to, onStep });
  for (const { ping, reason, usable } of pings) {
    if (!usable) explainer.refused(ping, reason ?? 'other');
  }
  const visits = [...after.visits.values()].filter(
    (visit) =>
      visit.entry.estimate <= to &&
      (visit.exit === null || visit.exit.estimate >= from) &&
      (fenceId === undefined || visit.fence === fenceId),
  );
  const explanation = explainer.explain(visits);
  const status = new Map(stored.map((each) => [each.id, each.status]));
  const mentioned = new Set(explanation.fences.map((each) => each.fence));
  return {
    device: { id: deviceId, name: read.name },
    explanation,
    happenings: after.happenings.filter(
      ({ transition }) =>
        transition.detectedAt >= from && (fenceId === undefined || transition.fence === fenceId),
    ),
    visits: visits.map((visit) => ({ visit, stored: status.get(visit.id) ?? null })),
    sources: new Map(
      pings.map(({ ping, receivedAt, source }) => [
        `${ping.t} ${ping.key}`,
        { receivedAt, source },
      ]),
    ),
    names,
    fences: new Map(
      [...mentioned].flatMap((id) => {
        const found = standing(timeline, id, to);
        return found ? [[id, found] as const] : [];
      }),
    ),
  };
}
