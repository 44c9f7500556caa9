/** Writes docs/openapi.json from the routes; with --check fails when the committed one is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { openApi } from '../server/http/openapi.ts';
import { version } from '../server/version.ts';
import { allRoutes } from './lib/routes.ts';

const program = new Command('openapi')
  .description('Write docs/openapi.json from the routes.')
  .option('--check', 'only compare; exit code 1 when the committed document is stale')
  .parse();

const file = path.resolve(import.meta.dirname, '../docs/openapi.json');
const text = `${JSON.stringify(openApi(allRoutes(), version), null, 2)}\n`;

if (program.opts<{ check?: boolean }>().check) {
  let committed = '';
  try {
    committed = readFileSync(file, 'utf8');
  } catch {
    // Missing is as stale as it gets.
  }
  if (committed !== text) {
    process.stderr.write('openapi: docs/openapi.json is stale; run "npm run openapi"\n');
    process.exit(1);
  }
} else {
  writeFileSync(file, text);
  process.stdout.write(`wrote ${path.relative(process.cwd(), file)}\n`);
}
