/** Waiting for what others bring about: packets, timers, another process. */
import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE_MS = 20_000;

/** Returns once it holds; patient, since machines that run tests are busy. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const last = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > last) throw new Error('it did not come to that');
    await pause(10);
  }
}
