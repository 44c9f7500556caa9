/** Runs the writer process and stops it the hard way at a chosen acknowledgement. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { WriterFound, WriterTask } from './writer.ts';

const root = path.resolve(import.meta.dirname, '../..');

export interface Crash {
  found: WriterFound;
  /** The highest number whose commit was acknowledged before the blow. */
  acknowledged: number;
}

/**
 * Starts the writer, strikes with `blow` at its `after`-th acknowledgement, and sees to its end.
 * With `check` in the task there is no blow: it looks and ends by itself.
 */
export async function crash(
  task: WriterTask,
  after: number,
  blow: () => void | Promise<void> = () => {},
): Promise<Crash> {
  const script = path.join(root, 'test/support/writer.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(task)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  const exited = once(child, 'exit');
  let found: WriterFound | undefined;
  let acknowledged = 0;
  let count = 0;
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (!found) {
        found = JSON.parse(line) as WriterFound;
        acknowledged = found.last;
        continue;
      }
      acknowledged = Number(line);
      if (++count < after) continue;
      // Lines that arrive from here on are acknowledged too, but need not be counted.
      await blow();
      break;
    }
  } finally {
    child.kill('SIGKILL');
  }
  await exited;
  if (!found) throw new Error(`the writer did not start: ${complaint}`);
  return { found, acknowledged };
}
