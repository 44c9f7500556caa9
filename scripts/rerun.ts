/** Stored history under another policy: `npm run -s rerun -- --policy FILE --from … --to …`. Writes nothing. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Policy } from '../geo/policy.ts';
import type { Database } from '../server/db/database.ts';
import { defaultPolicy, parsePolicy } from '../geo/policy.ts';
import { createArchive } from '../server/compose/archive.ts';
import { readConfig } from '../server/config.ts';
import { databaseFolder, openDatabase } from '../server/db/open.ts';
import { createLiveFences } from '../server/fences/live.ts';
import { presentRerun } from '../server/visits/rerun-routes.ts';
import { rerun } from '../server/visits/rerun.ts';
import { merchantNames } from '../server/visits/why-queries.ts';

interface Options {
  policy: string;
  from: string;
  to: string;
  device?: string[];
  store?: string;
  merchant?: string;
  against: 'current' | 'stored';
  url?: string;
  folder?: string;
  json?: boolean;
}

type Answer = ReturnType<typeof presentRerun>;

const command = new Command('rerun')
  .description('Judges stored pings by another policy and prints how the visits would differ.')
  .requiredOption('--policy <file>', 'JSON object that overrides engine defaults')
  .requiredOption('--from <time>', 'visits that begin at or after this time (ISO 8601)')
  .requiredOption('--to <time>', 'visits that begin before this time')
  .option('--device <id...>', 'only these devices (default: all that were heard)')
  .option('--store <id>', 'only visits to fences of this store')
  .option('--merchant <id>', 'whose history (needed when there are several)')
  .option('--against <what>', 'current: today’s policy; stored: visits as they stand', 'current')
  .option('--url <url>', 'PostgreSQL with PostGIS (default: DATABASE_URL)')
  .option('--folder <path>', 'folder of the embedded database (default: db in DATA_DIR)')
  .option('--json', 'one JSON object instead of text');

function target({ url, folder }: Options): { url?: string; folder?: string } {
  if (url) return { url };
  if (folder) return { folder };
  const { DATABASE_URL, DATA_DIR } = readConfig();
  return DATABASE_URL ? { url: DATABASE_URL } : { folder: databaseFolder(DATA_DIR) };
}

function policyIn(path: string): Policy {
  const parsed = parsePolicy(JSON.parse(readFileSync(path, 'utf8')) as unknown);
  if (!parsed.ok) throw new Error(`${path}: ${parsed.message}`);
  return parsed.policy;
}

function instant(name: string, text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new Error(`${name}: not a time: ${text}`);
  return at;
}

async function merchantOf(db: Database, wanted: string | undefined): Promise<string> {
  const all = await merchantNames(db);
  const found = wanted === undefined ? all : all.filter(({ id }) => id === wanted);
  const [only] = found;
  if (only && found.length === 1) return only.id;
  const list = all.map(({ id, name }) => `  ${id}  ${name}`).join('\n');
  throw new Error(all.length === 0 ? 'there is no merchant' : `name one of these:\n${list}`);
}

function* asText(answer: Answer): Generator<string> {
  const { counts, before, after } = answer;
  const line = (sign: string, v: Answer['added'][number], more = ''): string =>
    `${sign} ${v.entry}  ${v.deviceId}  ${v.fenceName}  ${Math.round(v.dwellSeconds)} s  ${v.band} ${v.score}${more}`;
  for (const visit of answer.added) yield line('+', visit);
  for (const visit of answer.lost) yield line('-', visit);
  for (const each of answer.changed) yield line('~', each.after, `  (${each.changes.join(', ')})`);
  yield `${answer.devices} devices, ${answer.pings} pings`;
  yield `visits: ${before.visits} before, ${after.visits} after; likely ${before.likely} and ${after.likely}`;
  yield `${counts.added} added, ${counts.lost} lost, ${counts.changed} changed, ${counts.same} the same`;
}

async function main(): Promise<void> {
  const options = command.parse().opts<Options>();
  const policy = policyIn(options.policy);
  const span = { from: instant('--from', options.from), to: instant('--to', options.to) };
  const against = options.against;
  if (against !== 'current' && against !== 'stored')
    throw new Error('--against: current or stored');
  const db = await openDatabase(target(options));
  try {
    const archive = createArchive(createLiveFences());
    const result = await rerun(
      { db, clock: Date.now, archive, policy: defaultPolicy },
      {
        ...span,
        merchantId: await merchantOf(db, options.merchant),
        deviceIds: options.device ?? null,
        storeId: options.store ?? null,
        policy,
        against,
      },
    );
    const answer = presentRerun(result);
    if (options.json) console.log(JSON.stringify(answer));
    else for (const line of asText(answer)) console.log(line);
  } finally {
    await db.close();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`rerun: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
