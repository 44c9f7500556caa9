/** Do claimed visits come true? Prints how well scores are calibrated, draws it, and fits the weights. */
import { writeFileSync, writeSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import type { NoiseKind } from '../geo/crowd.ts';
import { defaultPolicy } from '../geo/policy.ts';
import { fitScoreModel } from '../geo/score-fit.ts';
import { scoreModel } from '../geo/score-model.ts';
import { fromCrowd } from './calibrate/crowd.ts';
import { fromDatabase } from './calibrate/database.ts';
import { fromFile } from './calibrate/lines.ts';
import type { Labelled, Source } from './calibrate/labelled.ts';
import { plot } from './calibrate/plot.ts';
import { fitText, report } from './calibrate/report.ts';
import { whole } from './lib/whole.ts';

interface Options {
  file?: string;
  synthetic?: true;
  database?: true;
  seed: number;
  people: number;
  noise: NoiseKind;
  merchant?: string;
  days: number;
  fit?: true;
  svg?: string;
  out?: string;
  json?: true;
}

/** What the weights in the source were fitted on: `--fit` alone does it again. */
const fitCrowd = { synthetic: true, noise: 'drift', seed: 1, people: 30_000 } as const;

/** Exit codes: 0 done, 1 nothing to judge or a file that cannot be used, 2 wrong usage. */
const USAGE = 2;

function fail(message: string, code = 1): never {
  writeSync(2, `calibrate: ${message}\n`);
  process.exit(code);
}

function noiseKind(text: string): NoiseKind {
  if (text === 'drift' || text === 'access-points') return text;
  throw new InvalidArgumentError('drift or access-points');
}

async function load(options: Options): Promise<Source> {
  if (options.synthetic) return fromCrowd(options, defaultPolicy);
  if (options.database) return fromDatabase(options, defaultPolicy);
  return fromFile(options.file ?? '-');
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unwritable';
    fail(`cannot write ${path}: ${code}`);
  }
}

function fitted(rows: readonly Labelled[]): string {
  const cases = rows.flatMap(({ signs, here, truth, about }) =>
    signs && here !== undefined ? [{ signs, here, truth: about === 'visit' ? truth : null }] : [],
  );
  const fit = fitScoreModel(cases, scoreModel);
  if (!fit) {
    fail(
      `too few labels for a fit: each part needs 200 with "signs" and "here", there are ${cases.length} in all`,
    );
  }
  return fitText(fit);
}

const program = new Command('calibrate')
  .description(
    'Compares claimed probabilities of visits with what was true: Brier score, log loss, reliability.',
  )
  .option('--file <jsonl>', 'labelled visits, one JSON object a line ("-" reads standard input)')
  .option('--synthetic', 'labels from a made-up crowd')
  .option('--database', 'labels from portal sign-ins in the database (DATABASE_URL, DATA_DIR)')
  .option('--seed <n>', 'seed of the crowd', whole(0), 2)
  .option('--people <n>', 'size of the crowd', whole(1), 12_000)
  .option(
    '--noise <kind>',
    'errors of the crowd: drift or access-points',
    noiseKind,
    'access-points',
  )
  .option('--merchant <id>', 'only this merchant’s devices')
  .option('--days <n>', 'how far back to look in the database', whole(1), 28)
  .option('--fit', 'fit the weights of the score to these labels and print them')
  .option('--svg <file>', 'draw the reliability plot')
  .option('--out <jsonl>', 'write the labelled visits')
  .option('--json', 'print the report as JSON');

async function main(): Promise<void> {
  program.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : USAGE));
  const options = program.parse().opts<Options>();
  const sources = [options.file, options.synthetic, options.database].filter(Boolean).length;
  if (sources === 0 && options.fit) Object.assign(options, fitCrowd);
  else if (sources !== 1) fail('say one of --file, --synthetic, --database, or --fit alone', USAGE);
  const source = await load(options);
  const { rows, faults, title } = source;
  for (const fault of faults) writeSync(2, `${fault}\n`);
  if (rows.length === 0) fail('no labelled visits');
  writeSync(1, report(source, options.json === true));
  if (options.svg) write(options.svg, plot(rows, title));
  if (options.out) write(options.out, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  if (options.fit) writeSync(1, fitted(rows));
  if (faults.length > 0) process.exitCode = 1;
}

main().catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)));
