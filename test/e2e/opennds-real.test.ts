/** Debian's real openNDS before the whole house on a real database: from the captured request to the offer. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { embeddedTemplate, postgresTestDatabase, suiteUrl } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { partPresent, requirePart } from '../support/parts.ts';
import { createGuest, headingOf } from './opennds/guest.ts';
import type { Sheet } from './opennds/guest.ts';
import { startRig } from './opennds/rig.ts';
import type { Rig } from './opennds/rig.ts';
import { MAC, eventually, gatewaySays, walkInByMail } from './opennds/walk.ts';

const SERVER = path.join(import.meta.dirname, 'opennds/real-server.ts');
const RELAY = path.join(import.meta.dirname, 'opennds/relay.ts');
const MAIL = 'ada@lovelace.example';
const withGateway = requirePart(
  'the whole house behind openNDS in network namespaces (root)',
  partPresent.opennds,
);

interface View {
  sessions: Record<string, unknown>[];
  consents: { purpose: string; granted: boolean }[];
  vouchers: { code: string; shown: boolean }[];
  events: { type: string }[];
  messages: { address: string; body: string }[];
  heard: { heard: boolean }[];
}

interface Storage {
  /** Empty: the embedded engine, inside the rig. */
  url: string;
  release(): Promise<void>;
}

/**
 * The rig has a network of its own, from where the host's PostgreSQL cannot be seen; a socket file can.
 */
async function openStorage(): Promise<Storage> {
  if (!suiteUrl) {
    await embeddedTemplate();
    return { url: '', release: () => Promise.resolve() };
  }
  const held: TestDatabase = await postgresTestDatabase(suiteUrl);
  const { hostname, port, username, password, pathname } = new URL(held.url!);
  const folder = mkdtempSync(path.join(tmpdir(), 'foyer-relay-'));
  // A process of its own: the rig's commands block this one while the house is waiting for its answer.
  const words = [path.join(folder, '.s.PGSQL.5432'), hostname, port || '5432'];
  const relay = spawn(process.execPath, ['--import', 'tsx', RELAY, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(relay.stdout, 'data');
  return {
    url: `postgres://${username}:${password}@localhost${pathname}?host=${encodeURIComponent(folder)}`,
    async release() {
      relay.kill('SIGKILL');
      await held.release();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const viewOf = (rig: Rig): View =>
  JSON.parse(rig.run('srv', ['curl', '-s', 'http://10.99.0.2:2099/'])) as View;

/** Walks in, agreeing to offers as well, and fails with everybody's logs when stuck. */
async function walkIn(rig: Rig): Promise<Sheet> {
  const readCode = (): string => /\b\d{6}\b/.exec(viewOf(rig).messages[0]?.body ?? '')?.[0] ?? '';
  const welcome = await walkInByMail(rig, MAIL, readCode, { marketing: 'yes' });
  const heading = headingOf(welcome.html);
  expect({ heading, logs: heading === 'You are online' ? '' : rig.logs() }).toEqual({
    heading: 'You are online',
    logs: '',
  });
  return welcome;
}

/** The offer stands on the welcome page, and is the one on record. */
async function expectOffer(rig: Rig, welcome: Sheet): Promise<void> {
  const guest = createGuest(rig);
  const page = await eventually(
    () => guest.follow(welcome, welcome.url),
    ({ html }) => html.includes('A coffee on us'),
  );
  const { vouchers, consents, events } = viewOf(rig);
  expect(vouchers).toEqual([{ code: expect.any(String), shown: true }]);
  const shown = /class="big"[^>]*>([^<]+)</.exec(page.html)?.[1] ?? '';
  expect(shown.replaceAll('-', '')).toBe(vouchers[0]!.code);
  expect(consents).toEqual([
    { purpose: 'access', granted: true },
    { purpose: 'marketing', granted: true },
  ]);
  // When a session starts is told once the gateway confirms, which at level 1 may be later.
  const told = events.map(({ type }) => type).filter((type) => type !== 'session.started');
  expect(told).toEqual(['guest.admitted', 'offer.issued']);
}

withGateway('the whole house behind openNDS', () => {
  let storage: Storage;
  let rig: Rig;
  const begin = (level: 1 | 3): void => {
    beforeAll(async () => {
      storage = await openStorage();
      const node = [process.execPath, '--import', 'tsx'];
      const server = [...node, SERVER, '{work}', String(level), '200', storage.url];
      rig = await startRig({ level, server });
      if (rig.run('srv', ['curl', '-s', 'http://10.99.0.2:2099/']) === '')
        throw new Error(`the house did not start\n${rig.logs()}`);
    }, 150_000);
    afterAll(async () => {
      await rig?.stop();
      await storage?.release();
    });
  };
  const session = { method: 'email-code', mac: MAC };

  describe('at level 1', () => {
    begin(1);

    test('a guest walks in and finds the offer; the session is active', async () => {
      expect(gatewaySays(rig)).not.toBe('Authenticated');
      const welcome = await walkIn(rig);
      expect(gatewaySays(rig)).toBe('Authenticated');
      expect(viewOf(rig).sessions).toMatchObject([
        { ...session, ip: rig.clientIp, state: 'active', end_reason: null },
      ]);
      await expectOffer(rig, welcome);
      expect(createGuest(rig).get('http://anything.test/').html).toBe(
        'the internet, anything.test\n',
      );
    }, 90_000);
  });

  describe('at level 3', () => {
    begin(3);

    test('the gateway fetches its guest, reports the end, and the guest may come again', async () => {
      const welcome = await walkIn(rig);
      const { sessions, heard } = viewOf(rig);
      expect(sessions).toMatchObject([{ ...session, state: 'active' }]);
      expect(heard).toEqual([{ heard: true }]);
      await expectOffer(rig, welcome);

      const guest = createGuest(rig);
      expect(guest.get('http://anything.test/big').html).toHaveLength(600_000);
      const after = await eventually(
        () => viewOf(rig),
        (seen) => seen.sessions[0]?.['state'] === 'ended',
      );
      expect(after.sessions).toMatchObject([{ ...session, state: 'ended' }]);
      expect(after.sessions[0]!['end_reason']).toMatch(/quota/);
      expect(Number(after.sessions[0]!['bytes_in'])).toBeGreaterThan(600_000);
      expect(after.events.at(-1)).toEqual({ type: 'session.ended' });
      expect(headingOf(guest.follow(welcome, welcome.url).html)).toBe('Your time is up');
      expect(headingOf(guest.get('http://anything.test/').html)).toBe('Free WiFi');
    }, 120_000);
  });
});
