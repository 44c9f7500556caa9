/** After all tests: what was left out for want of a real part, once, at the end. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

export default function globalTeardown(): void {
  const notes = process.env['FOYER_LEFT_OUT'];
  if (!notes) return;
  if (existsSync(notes)) {
    const names = [...new Set(readFileSync(notes, 'utf8').trim().split('\n'))].toSorted();
    process.stderr.write(`\nLeft out for want of a real part:\n`);
    for (const name of names) process.stderr.write(`  - ${name}\n`);
  }
  rmSync(path.dirname(notes), { recursive: true, force: true });
}
