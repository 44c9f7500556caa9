/** Debian's real openNDS and a real browser before the whole house: from the captured request to the offer, and out again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { embeddedTemplate, postgresTestDatabase, suiteUrl } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { partPresent, requirePart } from '../support/parts.ts';
import type { Browser, Page } from 'playwright-core';
import { launchIn, openSheet, walkInBySheet } from './opennds/browser.ts';
import { createGuest } from './opennds/guest.ts';
import { startRig } from './opennds/rig.ts';
import type { Rig } from './opennds/rig.ts';
import { MAC, eventually, gatewaySays } from './opennds/walk.ts';

const SERVER = path.join(import.meta.dirname, 'opennds/real-server.ts');
const RELAY = path.join(import.meta.dirname, 'opennds/relay.ts');
const withGateway = requirePart(
  'the whole house behind openNDS in network namespaces, with Chromium (root)',
  partPresent.opennds && partPresent.chromium,
);

interface View {
  /** Oldest first. */
  sessions: Record<string, unknown>[];
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

/** The newest code sent to an address. */
function codeFor(rig: Rig, address: string): string {
  const { messages } = viewOf(rig);
  const mail = messages.findLast((message) => message.address === address);
  return /\b\d{6}\b/.exec(mail?.body ?? '')?.[0] ?? '';
}

/** Walks in, agreeing to offers as well, and fails with everybody's logs when stuck. */
async function walkIn(rig: Rig, page: Page, address: string): Promise<void> {
  const visitor = { address, readCode: () => codeFor(rig, address) };
  try {
    const met = await walkInBySheet(page, visitor);
    expect(met).toContain('Free WiFi');
  } catch (error) {
    const text = await page.innerText('body').catch(() => '');
    throw new Error(`${String(error)}\nat ${page.url()}\n${text}\n${rig.logs()}`, { cause: error });
  }
}

/** The offer stands on the welcome page, and is one on record. */
async function expectOffer(rig: Rig, page: Page): Promise<void> {
  const offer = await eventually(
    () => createGuest(rig).get(page.url()),
    ({ html }) => html.includes('A coffee on us'),
  );
  const shown = /class="big"[^>]*>([^<]+)</.exec(offer.html)?.[1] ?? '';
  const known = viewOf(rig).vouchers.filter((voucher) => voucher.shown);
  expect(known.map(({ code }) => code)).toContain(shown.replaceAll('-', ''));
}

withGateway('the whole house behind openNDS', () => {
  describe.each([1, 2, 3] as const)('at level %d', (level) => {
    let storage: Storage | undefined;
    let rig: Rig;
    let browser: Browser;
    beforeAll(async () => {
      const server = async (): Promise<string[]> => {
        await storage?.release();
        storage = await openStorage();
        const node = [process.execPath, '--import', 'tsx'];
        return [...node, SERVER, '{work}', String(level), '200', storage.url];
      };
      rig = await startRig({ level, server });
      if (rig.run('srv', ['curl', '-s', 'http://10.99.0.2:2099/']) === '')
        throw new Error(`the house did not start\n${rig.logs()}`);
      browser = await launchIn(rig, partPresent.chromium ?? '');
    }, 240_000);
    afterAll(async () => {
      await browser?.close();
      await rig?.stop();
      await storage?.release();
    });

    const session = { method: 'email-code', mac: MAC };
    const online = () => createGuest(rig).get('http://anything.test/').html;

    test.each([
      ['without scripts', false, 'ada@lovelace.example'],
      ['with scripts', true, 'bob@lovelace.example'],
    ])(
      'a sheet %s ends on the welcome page with its offer',
      async (_name, scripts, address) => {
        // Whoever was inside before is put out, as a gateway does after its own time limit.
        rig.run('gw', ['ndsctl', 'deauth', MAC]);
        expect(gatewaySays(rig)).not.toBe('Authenticated');
        const page = await openSheet(browser, scripts);
        await walkIn(rig, page, address);
        expect(gatewaySays(rig)).toBe('Authenticated');
        expect(online()).toBe('the internet, anything.test\n');
        const newest = viewOf(rig).sessions.at(-1);
        expect(newest).toMatchObject({ ...session, ip: rig.clientIp, state: 'active' });
        await expectOffer(rig, page);
        await page.context().close();
      },
      120_000,
    );

    if (level < 3) return;

    test('the gateway reported who was put out', async () => {
      const seen = await eventually(
        () => viewOf(rig),
        ({ sessions }) => sessions[0]?.['state'] === 'ended',
      );
      expect(seen.sessions[0]).toMatchObject({
        ...session,
        end_reason: expect.stringMatching(/deauth/),
      });
      expect(seen.heard).toEqual([{ heard: true }]);
    }, 60_000);

    test('the guest is out when the volume is used up, and may come again', async () => {
      const guest = createGuest(rig);
      expect(guest.get('http://anything.test/big').html).toHaveLength(600_000);
      const after = await eventually(
        () => viewOf(rig),
        ({ sessions }) => sessions.at(-1)?.['state'] === 'ended',
      );
      const last = after.sessions.at(-1);
      expect(last).toMatchObject({ ...session, end_reason: expect.stringMatching(/quota/) });
      expect(Number(last?.['bytes_in'])).toBeGreaterThan(600_000);
      expect(after.events.map(({ type }) => type)).toContain('session.ended');
      // openNDS answers with an error page of its own while its scripts are busy.
      const again = await eventually(
        () => guest.get('http://anything.test/').url,
        (url) => url.includes('/p/harbour'),
      );
      expect(again).toContain('/p/harbour');
    }, 60_000);
  });
});
