/** An acknowledged write survives kill -9 of the process that wrote it, on both engines. */
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { emptyDatabase, dropDatabase, urlOf } from '../support/postgres.ts';
import { crash } from '../support/crash.ts';
import { testFolder } from '../support/folder.ts';
import { partPresent, postgresUrl, requirePart } from '../support/parts.ts';
import type { WriterTask } from '../support/writer.ts';

const folder = testFolder();
// Acknowledgements until the blow: at once, early, and behind one and several checkpoints.
const rounds = [1, 7, 90, 250];

async function survives(task: WriterTask): Promise<void> {
  let acknowledged = 0;
  for (const after of [...rounds, 0]) {
    const round = await crash(after === 0 ? { ...task, check: true } : task, after);
    expect(round.found.last).toBeGreaterThanOrEqual(acknowledged);
    // Numbered without gaps: as many rows as the last number says, whichever way they are counted.
    const { last } = round.found;
    expect(round.found).toEqual({ last, heap: last, index: last, torn: 0 });
    ({ acknowledged } = round);
  }
  expect(acknowledged).toBeGreaterThan(rounds.reduce((sum, n) => sum + n));
}

test('embedded engine', () => survives({ folder: path.join(folder, 'data') }), 180_000);

requirePart('kill -9 on PostgreSQL (set TEST_DATABASE_URL)', partPresent.postgres).test(
  'PostgreSQL',
  async () => {
    const admin = postgresUrl as string;
    const name = `foyer_clone_kill_${process.pid}`;
    await emptyDatabase(admin, name);
    try {
      await survives({ url: urlOf(admin, name) });
    } finally {
      await dropDatabase(admin, name);
    }
  },
  120_000,
);
