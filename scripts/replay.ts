/** A recorded track through the geo engine, with no server: fences and pings in, JSON lines out. */
import { writeFileSync, writeSync } from 'node:fs';
import { Command } from 'commander';
import type { Explainer } from '../geo/explain.ts';
import type { FenceIndex } from '../geo/fence-index.ts';
import type { Policy } from '../geo/engine.ts';
import type { TrackPoint } from './replay/picture.ts';
import type { JudgeOptions, Outcome } from './replay/judge.ts';
import type { Recording } from './replay/files.ts';
import { createExplainer, fusedOf } from '../geo/explain.ts';
import { diffVisits } from '../geo/visit-diff.ts';
import { giveUp, loadFences, loadPolicy, readPings } from './replay/files.ts';
import { judgeAll } from './replay/judge.ts';
import { diffLines, outcomeLines, print } from './replay/lines.ts';
import { pictureOf } from './replay/picture.ts';
import { explanationLines } from './replay/words.ts';

interface Options {
  readonly fences: string;
  readonly pings: string;
  readonly policy?: string;
  readonly against?: string;
  readonly out?: string;
  readonly explain?: string;
}

function progress(total: number): (done: number) => void {
  if (!process.stderr.isTTY) return () => {};
  let shown = 0;
  return (done) => {
    if (done - shown >= 5000 || done === total)
      writeSync(2, `\r${(shown = done)} of ${total} pings`);
    if (done === total) writeSync(2, '\n');
  };
}

/** Listens along for those who want the tracks, or the reasons of one device. */
function listeners(
  { explain, out }: Options,
  policy: Policy,
  tracks: Map<string, TrackPoint[]>,
  explainer: Explainer,
): NonNullable<JudgeOptions['listen']> {
  return (device) => {
    const wanted = device === explain;
    if (out === undefined && !wanted) return undefined;
    const track: TrackPoint[] = [];
    tracks.set(device, track);
    return (ping, result, sights) => {
      if (wanted) explainer.onStep(ping, result, sights);
      if (!result.verdict.accepted || result.state.track === null) return;
      const { lon, lat } = fusedOf(result.state.track);
      track.push({ t: ping.t, lon, lat });
    };
  };
}

function drawn(
  path: string,
  fences: FenceIndex,
  out: Outcome,
  tracks: Map<string, TrackPoint[]>,
): void {
  try {
    writeFileSync(path, `${JSON.stringify(pictureOf(fences, out, tracks))}\n`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unwritable';
    giveUp(`cannot write ${path}: ${code}`);
  }
}

function reasons(device: string, explainer: Explainer, out: Outcome, fences: FenceIndex): void {
  const told = explainer.explain(out.visits.filter((visit) => visit.device === device));
  for (const line of explanationLines(device, told, fences)) writeSync(2, `${line}\n`);
}

function compare(recording: Recording, fences: FenceIndex, policy: Policy, other: Policy): void {
  const before = judgeAll(recording.pings, fences, policy);
  const after = judgeAll(recording.pings, fences, other);
  print(diffLines(diffVisits(before.visits, after.visits)));
}

function main(options: Options): void {
  const fences = loadFences(options.fences);
  const policy = loadPolicy(options.policy);
  const other = options.against === undefined ? null : loadPolicy(options.against);
  const recording = readPings(options.pings);
  const { explain } = options;
  if (explain !== undefined && !recording.pings.some(({ device }) => device === explain)) {
    giveUp(`no ping of ${options.pings} is of device ${explain}`);
  }
  if (other) {
    compare(recording, fences, policy, other);
    return;
  }
  const tracks = new Map<string, TrackPoint[]>();
  const explainer = createExplainer({ policy });
  const out = judgeAll(recording.pings, fences, policy, {
    onDevice: progress(recording.pings.length),
    listen: listeners(options, policy, tracks, explainer),
  });
  for (const { from, reason } of out.refused) writeSync(2, `line ${from.line}: ${reason}\n`);
  print(outcomeLines(out, recording));
  if (options.out !== undefined) drawn(options.out, fences, out, tracks);
  if (options.explain !== undefined) reasons(options.explain, explainer, out, fences);
}

new Command('replay')
  .description(
    'Runs recorded pings through the geo engine and prints JSON lines: transitions, visits, a summary.',
  )
  .requiredOption('--fences <file>', 'GeoJSON FeatureCollection of fences')
  .requiredOption('--pings <file>', 'one JSON ping a line, in any order')
  .option('--policy <file>', 'JSON object that overrides engine defaults')
  .option('--out <file>', 'also writes fences, tracks and visits as coloured GeoJSON')
  .option('--explain <device>', 'also says why, ping by ping, in words on standard error')
  .option(
    '--against <file>',
    'instead prints how visits differ under this policy: added, lost, changed, a count',
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .action(main)
  .parse();
