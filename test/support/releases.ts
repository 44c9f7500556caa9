/** The migrations of an earlier release, in a folder of their own. */
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { readMigrations } from '../../server/db/migrate.ts';

const real = path.resolve(import.meta.dirname, '../../server/db/migrations');

/** Fills `folder` with the migrations up to this number. */
export function releaseOf(folder: string, upTo: number): string {
  mkdirSync(folder, { recursive: true });
  for (const { name } of readMigrations().slice(0, upTo)) {
    copyFileSync(path.join(real, name), path.join(folder, name));
  }
  return folder;
}
