/** A recorded track through the geo engine, with no server: fences and pings in, JSON lines out. */
import { readFileSync, writeSync } from 'node:fs';
import { Command } from 'commander';
import type { FenceIndex } from '../geo/fence-index.ts';
import type { DeviceState, Ping, Policy, StepResult } from '../geo/engine.ts';
import type { Bounds, Transition, Visit } from '../geo/visit.ts';
import { defaultPolicy, initialState, parsePolicy, step, tick } from '../geo/engine.ts';
import { createFenceIndex } from '../geo/fence-index.ts';
import { parseFences } from '../geo/geojson.ts';
import { parsePingLine } from './replay-line.ts';

interface Options {
  readonly fences: string;
  readonly pings: string;
  readonly policy?: string;
}

interface Sourced {
  readonly device: string;
  readonly ping: Ping;
  readonly line: number;
}

interface Told {
  readonly device: string;
  readonly transition: Transition;
}

interface Outcome {
  readonly transitions: Told[];
  readonly visits: Visit[];
  readonly refused: Map<string, number>;
  accepted: number;
}

/** One line and out: for what cannot be read at all. */
function giveUp(message: string): never {
  writeSync(2, `replay: ${message}\n`);
  process.exit(2);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return giveUp(`cannot read ${path}: ${code}`);
  }
}

function readJson(path: string): unknown {
  const text = readText(path);
  try {
    return JSON.parse(text);
  } catch {
    return giveUp(`${path} is not JSON`);
  }
}

function loadFences(path: string): FenceIndex {
  const { fences, refused } = parseFences(readJson(path));
  for (const fault of refused) {
    if (fault.index < 0) giveUp(`${path}: ${fault.code}: ${fault.message}`);
    const name = fault.id === null ? '' : ` (${fault.id})`;
    writeSync(2, `fence ${fault.index + 1}${name}: ${fault.code}: ${fault.message}\n`);
  }
  return createFenceIndex(fences);
}

function loadPolicy(path: string | undefined): Policy {
  if (path === undefined) return defaultPolicy;
  const result = parsePolicy(readJson(path));
  return result.ok ? result.policy : giveUp(`${path}: ${result.code}: ${result.message}`);
}

const text = (value: string, other: string): number => (value < other ? -1 : value > other ? 1 : 0);

/** Total order that does not depend on the order of the file, so that neither does the output. */
function inOrder(a: Sourced, b: Sourced): number {
  return (
    text(a.device, b.device) ||
    a.ping.t - b.ping.t ||
    text(JSON.stringify(a.ping), JSON.stringify(b.ping))
  );
}

function readPings(
  path: string,
  refused: Map<string, number>,
): { pings: Sourced[]; lines: number } {
  const pings: Sourced[] = [];
  let lines = 0;
  for (const [i, raw] of readText(path).split('\n').entries()) {
    const line = raw.trim();
    if (line === '') continue;
    lines++;
    const parsed = parsePingLine(line);
    if (parsed.ok) pings.push({ device: parsed.device, ping: parsed.ping, line: i + 1 });
    else {
      writeSync(2, `line ${i + 1}: ${parsed.reason}: ${parsed.message}\n`);
      refused.set(parsed.reason, (refused.get(parsed.reason) ?? 0) + 1);
    }
  }
  return { pings: pings.toSorted(inOrder), lines };
}

function progress(total: number): (done: number) => void {
  if (!process.stderr.isTTY) return () => {};
  return (done) => {
    if (done % 5000 === 0 || done === total) writeSync(2, `\r${done} of ${total} pings`);
    if (done === total) writeSync(2, '\n');
  };
}

function replay(pings: readonly Sourced[], fences: FenceIndex, policy: Policy, out: Outcome): void {
  const finals = new Map<string, Visit>();
  const show = progress(pings.length);
  let state: DeviceState | null = null;
  const take = (device: string, result: StepResult): void => {
    for (const transition of result.transitions) out.transitions.push({ device, transition });
    for (const visit of result.visits) if (visit.status === 'final') finals.set(visit.id, visit);
    state = result.state;
  };
  // After the last ping nobody is heard any more: silence closes what is open.
  const end = (last: DeviceState): void => {
    const silence = (policy.timeoutSeconds + policy.reopenSeconds) * 1000 + 1;
    if (last.last) take(last.device, tick(last, last.last.t + silence, fences, policy));
  };
  for (const [i, { device, ping, line }] of pings.entries()) {
    if (state !== null && (state as DeviceState).device !== device) {
      end(state);
      state = null;
    }
    const result: StepResult = step(state ?? initialState(device), ping, fences, policy);
    take(device, result);
    const { accepted, reason } = result.verdict;
    if (accepted) out.accepted++;
    else if (reason) {
      writeSync(2, `line ${line}: ${reason}\n`);
      out.refused.set(reason, (out.refused.get(reason) ?? 0) + 1);
    }
    show(i + 1);
  }
  if (state !== null) end(state);
  for (const visit of finals.values()) if (visit.band !== 'none') out.visits.push(visit);
}

const iso = (t: number | null): string | null => (t === null ? null : new Date(t).toISOString());
const rounded = (value: number): number => Math.round(value * 1e4) / 1e4;

const boundsOut = (b: Bounds | null): object | null =>
  b && { earliest: iso(b.earliest), estimate: iso(b.estimate), latest: iso(b.latest) };

function transitionOut({ device, transition: t }: Told): object {
  const { type, fence, visit, at, detectedAt, p, tierSeconds, reason } = t;
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

function* outputLines(out: Outcome, lines: number): Generator<object> {
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
  yield {
    type: 'summary',
    pings: lines,
    accepted: out.accepted,
    refused: Object.fromEntries([...out.refused].toSorted((a, b) => text(a[0], b[0]))),
    transitions: out.transitions.length,
    visits: visits.length,
  };
}

/** Writes in big pieces, waiting out a reader that is slower than the engine. */
function print(lines: Iterable<object>): void {
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

function main(options: Options): void {
  const fences = loadFences(options.fences);
  const policy = loadPolicy(options.policy);
  const out: Outcome = { transitions: [], visits: [], refused: new Map(), accepted: 0 };
  const { pings, lines } = readPings(options.pings, out.refused);
  replay(pings, fences, policy, out);
  print(outputLines(out, lines));
}

new Command('replay')
  .description('Runs recorded pings through the geo engine and prints JSON lines.')
  .requiredOption('--fences <file>', 'GeoJSON FeatureCollection of fences')
  .requiredOption('--pings <file>', 'one JSON ping a line, in any order')
  .option('--policy <file>', 'JSON object that overrides engine defaults')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .action(main)
  .parse();
