/** Before all tests: a place for the notes of what is left out, and the database template. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { prepareTemplate } from './database.ts';

interface Run {
  testPathPatterns?: { patterns?: string[] };
}

export default async function globalSetup(run: Run): Promise<void> {
  process.env['FOYER_LEFT_OUT'] = path.join(
    mkdtempSync(path.join(tmpdir(), 'foyer-run-')),
    'left-out',
  );
  // A run of some files only (`npm test -- geo`) may need no database: the first that does builds it.
  if ((run.testPathPatterns?.patterns ?? []).length > 0) return;
  await prepareTemplate();
}
