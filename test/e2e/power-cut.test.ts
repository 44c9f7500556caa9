/**
 * An acknowledged write survives a power cut on the embedded engine.
 * The cut is a forced shutdown of a file system on a loop device, without flushing its journal:
 * what was not flushed is gone, as xfstests do it. It does not reorder a drive's own cache.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { crash } from '../support/crash.ts';
import { testFolder } from '../support/folder.ts';
import { partPresent, requirePart } from '../support/parts.ts';

// EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH.
const CUT = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))
`;
const SIZE = '512M';
// Acknowledgements until the cut: in the middle of the first ones, and behind checkpoints.
const rounds = [3, 200, 700];

function run(command: string, ...args: string[]): string {
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr}`);
  return done.stdout.trim();
}

requirePart('power cut (needs root and a loop device)', partPresent.loopDevice)('power cut', () => {
  let device = '';
  let isMounted = false;

  // Before the folder's own clean-up, which cannot remove what is mounted.
  afterAll(() => {
    try {
      unmount();
    } finally {
      if (device) run('losetup', '--detach', device);
    }
  });

  const folder = testFolder();
  const mounted = path.join(folder, 'disk');

  const mount = (): void => {
    run('mount', device, mounted);
    isMounted = true;
  };
  const unmount = (): void => {
    if (isMounted) run('umount', mounted);
    isMounted = false;
  };
  /** A mount namespace made meanwhile has its own copy; mounted again now, the dead one would come back. */
  const released = async (): Promise<void> => {
    const inUse = () =>
      spawnSync('sh', ['-c', `grep -ls '${device} ' /proc/[0-9]*/mountinfo`]).status === 0;
    for (let tries = 0; inUse() && tries < 100; tries += 1) await pause(100);
  };

  beforeAll(() => {
    const image = path.join(folder, 'image');
    mkdirSync(mounted, { recursive: true });
    run('truncate', '-s', SIZE, image);
    device = run('losetup', '--find', '--show', image);
    run('mkfs.ext4', '-q', device);
    mount();
  });

  const { test } = requirePart('power cut (needs root and a loop device)', true);

  test('loses no acknowledged row and opens again', async () => {
    const task = { folder: path.join(mounted, 'data') };
    let acknowledged = 0;
    for (const after of [...rounds, 0]) {
      // A new name each time: ext4 flushes a file that is overwritten.
      const unflushed = path.join(mounted, `unflushed-${after}`);
      const round = await crash(after === 0 ? { ...task, check: true } : task, after, () => {
        writeFileSync(unflushed, 'never flushed');
        run('python3', '-c', CUT, mounted);
      });
      const { last } = round.found;
      expect(last).toBeGreaterThanOrEqual(acknowledged);
      expect(round.found).toEqual({ last, heap: last, index: last, torn: 0 });
      ({ acknowledged } = round);
      if (after === 0) break;
      unmount();
      await released();
      mount();
      // The cut was real: what nobody flushed is not there.
      expect(existsSync(unflushed) ? readFileSync(unflushed, 'utf8') : '').toBe('');
    }
    expect(acknowledged).toBeGreaterThan(rounds.reduce((sum, n) => sum + n));
  }, 240_000);
});
