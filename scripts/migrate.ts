/** Brings a database to this release's schema: `npm run migrate -- --url … | --folder …`. */
import { Command } from 'commander';
import { readConfig } from '../server/config.ts';
import { migrate } from '../server/db/migrate.ts';
import { databaseFolder, openDatabase } from '../server/db/open.ts';

interface Options {
  url?: string;
  folder?: string;
  json?: boolean;
}

const command = new Command('migrate')
  .description('Runs the migrations that the database does not have yet.')
  .option('--url <url>', 'PostgreSQL with PostGIS (default: DATABASE_URL)')
  .option('--folder <path>', 'folder of the embedded database (default: db in DATA_DIR)')
  .option('--json', 'one JSON object instead of text');

/** What was asked for on the command line, else what the server itself would open. */
function target({ url, folder }: Options): { url?: string; folder?: string } {
  if (url) return { url };
  if (folder) return { folder };
  const { DATABASE_URL, DATA_DIR } = readConfig();
  return DATABASE_URL ? { url: DATABASE_URL } : { folder: databaseFolder(DATA_DIR) };
}

async function main(): Promise<void> {
  const options = command.parse().opts<Options>();
  const { json } = options;
  const db = await openDatabase(target(options));
  try {
    const ran = await migrate(db, {
      onStep: (name, milliseconds) => {
        if (!json) console.log(`${name}  ${Math.round(milliseconds)} ms`);
      },
    });
    if (json) console.log(JSON.stringify({ engine: db.engine, ran }));
    else if (ran.length === 0) console.log('nothing to do: the database is up to date');
  } finally {
    await db.close();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`migrate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
