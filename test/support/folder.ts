/** A folder that is gone after the tests of the file. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from '@jest/globals';

/** Not made yet: whoever writes there makes it, so that a skipped test leaves nothing. */
export function testFolder(): string {
  const folder = path.join(tmpdir(), `foyer-test-${randomBytes(6).toString('hex')}`);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
