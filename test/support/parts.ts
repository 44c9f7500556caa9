/** Real parts a test needs (a server, a device, a browser): used when there, said when left out. */
import { appendFileSync, existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, test } from '@jest/globals';

const env = process.env;

/** PostgreSQL + PostGIS, superuser: FOYER_POSTGRES_URL, else TEST_DATABASE_URL. */
export const postgresUrl = env['FOYER_POSTGRES_URL'] ?? env['TEST_DATABASE_URL'];

const root = process.getuid?.() === 0;

function command(name: string): boolean {
  const folders = `${env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`.split(':');
  return folders.some((folder) => folder !== '' && existsSync(path.join(folder, name)));
}

function loopDevice(): boolean {
  const tools = ['losetup', 'mkfs.ext4', 'mount', 'python3'].every(command);
  return root && tools && spawnSync('losetup', ['-f'], { stdio: 'ignore' }).status === 0;
}

function namespaces(): boolean {
  return root && spawnSync('unshare', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
}

const chromium = [env['FOYER_CHROMIUM'], '/usr/bin/chromium'].find(
  (file) => file && existsSync(file),
);
const sharedData = [
  env['FOYER_DATA'],
  path.resolve(import.meta.dirname, '../../../shared/data'),
].find((folder) => folder && existsSync(folder));

/** What this machine has; paths where there is one. Each is looked up when read. */
export const partPresent = {
  postgres: postgresUrl !== undefined && postgresUrl !== '',
  root,
  get loopDevice(): boolean {
    return loopDevice();
  },
  get namespaces(): boolean {
    return namespaces();
  },
  chromium,
  get opennds(): boolean {
    return namespaces() && command('opennds') && command('nft');
  },
  /** The broker's program; the clients come with it. */
  mosquitto: ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'].find(
    (file) => existsSync(file),
  ),
  /** FreeRADIUS as a server, and its clients. */
  freeradius: command('freeradius') || command('radiusd'),
  radclient: command('radclient') && command('radtest'),
  radsecproxy: command('radsecproxy') && command('openssl'),
  openssl: command('openssl'),
  /** A wired authenticator and its supplicant, at both ends of a cable of namespaces. */
  get hostapd(): boolean {
    return namespaces() && command('hostapd') && command('wpa_supplicant') && command('ip');
  },
  /** Recorded walks and other reference data that are not in the repository. */
  sharedData,
};

/** Says it now and once more at the end of the run (global-teardown). */
export function leftOut(name: string): void {
  process.stderr.write(`left out: ${name}\n`);
  const notes = env['FOYER_LEFT_OUT'];
  if (notes) appendFileSync(notes, `${name}\n`);
}

type Group = (title: string, body: () => void) => void;
type Single = (title: string, body: () => Promise<void> | void, timeout?: number) => void;

/**
 * `describe` (and `.test`) when the part is there; otherwise a skip that says why, and a failure
 * when FOYER_REQUIRE_PARTS=1.
 * requirePart('power cut (needs root and a loop device)', partPresent.loopDevice)('title', () => …)
 */
export function requirePart(name: string, present: unknown): Group & { test: Single } {
  if (present) return Object.assign<Group, { test: Single }>(describe, { test });
  if (env['FOYER_REQUIRE_PARTS'] === '1') {
    const fail = (title: string): void =>
      test(`${title}: ${name}`, () => {
        throw new Error(`required, but not there: ${name}`);
      });
    return Object.assign<Group, { test: Single }>((title) => fail(title), { test: fail });
  }
  leftOut(name);
  return Object.assign<Group, { test: Single }>(describe.skip, { test: test.skip });
}
