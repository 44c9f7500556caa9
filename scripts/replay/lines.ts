/** What a replay tells, as JSON lines: transitions, visits and a summary, or the difference of two. */
import { writeSync } from 'node:fs';
import type { VisitDiff } from '../../geo/visit-diff.ts';
import type { Bounds, Visit } from '../../geo/visit.ts';
import type { Recording } from './files.ts';
import type { Outcome, Told } from './judge.ts';

const text = (value: string, other: string): number => (value < other ? -1 : value > other ? 1 : 0);
export const iso = (t: number | null): string | null =>
  t === null ? null : new Date(t).toISOString();
const rounded = (value: number): number => Math.round(value * 1e4) / 1e4;

const boundsOut = (b: Bounds | null): object | null =>
  b && { earliest: iso(b.earliest), estimate: iso(b.estimate), latest: iso(b.latest) };

function transitionOut({ device, transition: t }: Told): object {
  const { type, fence, visit, at, detectedAt, p, tierSeconds, reason, direction } = t;
  return {
    type,
    device,
    fence,
    at: iso(Math.round(at)),
    detectedAt: iso(Math.round(detectedAt)),
    p: rounded(p),
    ...(visit === undefined ? {} : { visit }),
    ...(tierSeconds === undefined ? {} : { tierSeconds }),
    ...(reason === undefined ? {} : { reason }),
    ...(direction === undefined ? {} : { direction }),
  };
}

function visitOut(v: Visit): object {
  return {
    type: 'visit',
    id: v.id,
    device: v.device,
    fence: v.fence,
    status: v.status,
    score: v.score,
    band: v.band,
    entry: boundsOut(v.entry),
    exit: boundsOut(v.exit),
    dwell: v.dwell,
    pings: v.pings,
    alternates: v.alternates,
    factors: v.factors,
    leftCensored: v.leftCensored,
    rightCensored: v.rightCensored,
    pNone: v.pNone,
  };
}

/** Everything a recording gave, the transitions by when they were noticed, the visits by entry. */
export function* outcomeLines(out: Outcome, recording: Recording): Generator<object> {
  const told = out.transitions
    .map((t, order) => ({ t, order }))
    .toSorted(
      (a, b) =>
        a.t.transition.detectedAt - b.t.transition.detectedAt ||
        text(a.t.device, b.t.device) ||
        a.order - b.order,
    );
  for (const { t } of told) yield transitionOut(t);
  const visits = out.visits.toSorted(
    (a, b) => a.entry.estimate - b.entry.estimate || text(a.device, b.device) || text(a.id, b.id),
  );
  for (const visit of visits) yield visitOut(visit);
  const refused = new Map(recording.refused);
  for (const { reason } of out.refused) refused.set(reason, (refused.get(reason) ?? 0) + 1);
  yield {
    type: 'summary',
    pings: recording.lines,
    accepted: out.accepted,
    refused: Object.fromEntries([...refused].toSorted((a, b) => text(a[0], b[0]))),
    transitions: out.transitions.length,
    visits: visits.length,
  };
}

/** What another policy makes of the same pings. */
export function* diffLines({ added, lost, changed, same }: VisitDiff): Generator<object> {
  for (const visit of added) yield { ...visitOut(visit), type: 'added' };
  for (const visit of lost) yield { ...visitOut(visit), type: 'lost' };
  for (const { before, after, changes } of changed) {
    const { id, device, fence } = after;
    yield {
      type: 'changed',
      device,
      fence,
      id,
      changes,
      before: visitOut(before),
      after: visitOut(after),
    };
  }
  yield {
    type: 'difference',
    added: added.length,
    lost: lost.length,
    changed: changed.length,
    same,
  };
}

/** Writes in big pieces, waiting out a reader that is slower than the engine. */
export function print(lines: Iterable<object>): void {
  let buffer = '';
  const flush = (): void => {
    const bytes = Buffer.from(buffer);
    for (let at = 0; at < bytes.length;) at += writeSome(bytes, at);
    buffer = '';
  };
  for (const line of lines) {
    buffer += `${JSON.stringify(line)}\n`;
    if (buffer.length > 65_536) flush();
  }
  flush();
}

function writeSome(bytes: Buffer, at: number): number {
  try {
    return writeSync(1, bytes, at);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EPIPE') process.exit(0);
    if (code !== 'EAGAIN') throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    return 0;
  }
}
