/** The process: a stop that drops nobody, a blow that loses nothing, and starts that cannot be. */
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { io } from 'socket.io-client';
import type { Database, Row } from '../../server/db/database.ts';
import { preparePartitions } from '../../server/pings/keep.ts';
import { definitionSchema } from '../../server/rules/schema.ts';
import {
  makeDevice,
  makeFence,
  makeMerchant,
  makeOffer,
  makeRule,
  makeStore,
} from '../support/make.ts';
import { suiteUrl } from '../support/database.ts';
import { makeSite, runServer, startProcess } from '../support/process.ts';
import type { ServerProcess, Site } from '../support/process.ts';

const shop = { lon: -0.1276, lat: 51.5072 };

interface Cast {
  merchantId: string;
  token: string;
}

/** A shop, a phone that opted in, and a rule that gives something on entering. */
async function prepare(db: Database): Promise<Cast> {
  await preparePartitions(db, Date.now());
  const merchantId = (await makeMerchant(db)).id;
  const store = await makeStore(db, merchantId);
  await makeFence(db, merchantId, { storeId: store.id });
  const offer = await makeOffer(db, merchantId);
  const definition = definitionSchema.parse({
    trigger: 'visit.entered',
    experiment: { holdout: 0 },
  });
  await makeRule(db, merchantId, offer.id, { trigger: 'visit.entered', definition });
  return { merchantId, token: (await makeDevice(db, merchantId)).token };
}

/** A minute and a half in the shop, up to now. */
function batch(): string {
  const until = Math.floor(Date.now() / 1000) * 1000;
  const pings = Array.from({ length: 10 }, (_, i) => ({
    at: until - (9 - i) * 10_000,
    lon: shop.lon + ((i * 7) % 5) * 1e-6,
    lat: shop.lat,
    accuracy: 6,
    speed: 0,
  }));
  return JSON.stringify({ pings });
}

const outbox = (site: Site, { merchantId }: Cast) =>
  site.look(
    async (db) =>
      (
        await db.query<Row & { type: string; done: boolean }>(
          `select type, done_at is not null as done from outbox where merchant_id = $1 order by seq`,
          [merchantId],
        )
      ).rows,
  );

/** A request on a bare connection, so that its halves can be sent when the test wants. */
function rawRequest(server: ServerProcess, token: string) {
  const { hostname, port } = new URL(server.url);
  const socket: Socket = createConnection(Number(port), hostname);
  let said = '';
  socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const closed = once(socket, 'close');
  const body = batch();
  const half = Math.floor(body.length / 2);
  socket.write(
    `POST /v1/pings HTTP/1.1\r\nHost: foyer\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, half)}`,
  );
  return {
    finish: () => socket.write(body.slice(half)),
    answer: async () => {
      await closed;
      return said;
    },
  };
}

let site: Site;
let cast: Cast;
let running: ServerProcess[];
const start = async (): Promise<ServerProcess> => {
  const server = await startProcess(site.env);
  running.push(server);
  return server;
};

beforeEach(() => {
  running = [];
});
afterEach(async () => {
  for (const server of running) await server.stop('SIGKILL');
});

describe('a stop', () => {
  beforeAll(async () => {
    site = await makeSite();
    cast = await site.look(prepare);
  }, 120_000);
  afterAll(() => site?.clear());

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: what is in hand is answered, its events are delivered, new work is refused, exit code 0',
    async (signal) => {
      const server = await start();
      const socket = io(server.url, {
        path: '/live',
        auth: { kind: 'device', token: cast.token },
        transports: ['websocket'],
        reconnection: false,
      });
      await once(socket as never, 'caught-up');
      const hungUp = once(socket as never, 'disconnect');
      const inHand = rawRequest(server, cast.token);
      // The half request has arrived once another one behind it is answered.
      expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
      await pause(100);

      server.child.kill(signal);
      await hungUp;
      // Nobody new: either the port is shut already or the answer is "try again".
      const late = await fetch(`${server.url}/v1/stores`).then(
        ({ status }) => status,
        () => 'refused',
      );
      expect([503, 'refused']).toContain(late);
      inHand.finish();
      expect(await inHand.answer()).toMatch(/^HTTP\/1\.1 202 /);
      const ending = await server.ended;
      expect([ending.code, ending.signal]).toEqual([0, null]);
      expect(ending.err).toContain('"stopping"');
      expect(ending.err).not.toMatch(/"level":(50|60)/);

      const events = await outbox(site, cast);
      expect(events.length).toBeGreaterThan(0);
      expect(events.filter(({ done }) => !done)).toEqual([]);
      expect(events.map(({ type }) => type)).toContain('offer.issued');
    },
    120_000,
  );

  test('a second signal changes nothing, an idle server is gone at once', async () => {
    const server = await start();
    server.child.kill('SIGTERM');
    server.child.kill('SIGINT');
    expect(await server.ended).toMatchObject({ code: 0, signal: null });
  }, 120_000);
});

/** Both engines where there are two. */
const engines = suiteUrl ? (['suite', 'embedded'] as const) : (['embedded'] as const);

describe.each(engines)('kill -9 (%s engine)', (engine) => {
  beforeAll(async () => {
    site = await makeSite(engine);
    cast = await site.look(prepare);
  }, 120_000);
  afterAll(() => site?.clear());

  test('after an acknowledgement loses nothing: the next process delivers what was due', async () => {
    const first = await start();
    const sent = await fetch(`${first.url}/v1/pings`, {
      method: 'POST',
      headers: { authorization: `Bearer ${cast.token}`, 'content-type': 'application/json' },
      body: batch(),
    });
    expect(sent.status).toBe(202);
    expect(await first.stop('SIGKILL')).toMatchObject({ code: null, signal: 'SIGKILL' });

    const second = await start();
    const feed = async (): Promise<string[]> => {
      const reply = await fetch(`${second.url}/v1/me/events`, {
        headers: { authorization: `Bearer ${cast.token}` },
      });
      const { events } = (await reply.json()) as { events: { type: string }[] };
      return events.map(({ type }) => type);
    };
    // At worst the dead process had taken them already: then until its lease is over.
    let seen = await feed();
    while (!seen.includes('offer.issued')) {
      await pause(250);
      seen = await feed();
    }
    expect(seen).toEqual(['visit.entered', 'offer.issued']);
    expect(await second.stop()).toMatchObject({ code: 0 });
    expect((await outbox(site, cast)).every(({ done }) => done)).toBe(true);
  }, 180_000);
});

describe('starts that cannot be', () => {
  test('settings that do not fit are all named at once, without their values; exit code 2', async () => {
    const { ended } = runServer({
      PORT: 'eighty',
      DATABASE_URL: 'mysql://root:hunter2@db/foyer',
      SECRET: 'short-hunter2',
      SMS_WEBHOOK_URL: 'https://sms.example',
      LOG_LEVEL: 'shout',
      METRICS_TOKEN_FILE: '/nowhere/token',
    });
    const { code, err, out } = await ended;
    expect(code).toBe(2);
    expect(out).toBe('');
    const named = err.split('\n').filter((line) => line.startsWith('  - '));
    expect(new Set(named.map((line) => /- (\w+)/.exec(line)?.[1]))).toEqual(
      new Set([
        'DATABASE_URL',
        'LOG_LEVEL',
        'METRICS_TOKEN_FILE',
        'PORT',
        'SECRET',
        'SMS_WEBHOOK_SECRET',
      ]),
    );
    expect(named).toHaveLength(6);
    expect(err).not.toMatch(/hunter2|\n\s+at /);
  }, 60_000);

  test('a taken port is one line and exit code 1', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    site = await makeSite();
    try {
      const { ended } = runServer({ ...site.env, PORT: String(port), LOG_LEVEL: 'error' });
      const { code, err } = await ended;
      expect(code).toBe(1);
      expect(err.trim().split('\n')).toEqual([
        `foyer: port ${port} of 127.0.0.1 is taken by another program`,
      ]);
    } finally {
      await new Promise((resolve) => other.close(resolve));
      await site.clear();
    }
  }, 120_000);

  test('storage that does not answer is one line without the password and exit code 1', async () => {
    const { ended } = runServer({
      DATA_DIR: '/tmp',
      SECRET: 'x'.repeat(32),
      DATABASE_URL: 'postgres://foyer:hunter2@127.0.0.1:1/foyer',
      LOG_LEVEL: 'error',
      PORT: '0',
    });
    const { code, err } = await ended;
    expect(code).toBe(1);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(err).toMatch(/^foyer: /);
    expect(err).not.toContain('hunter2');
  }, 120_000);

  test('a second process on the same data folder is refused; the first one does not notice', async () => {
    site = await makeSite('embedded');
    try {
      const first = await start();
      const { ended } = runServer({ ...site.env, PORT: '0', LOG_LEVEL: 'error' });
      const { code, err } = await ended;
      expect(code).toBe(1);
      expect(err.trim().split('\n')).toHaveLength(1);
      expect(err).toMatch(/^foyer: .*(in use|used by|process)/);
      expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
      expect(await first.stop()).toMatchObject({ code: 0 });
    } finally {
      await site.clear();
    }
  }, 180_000);
});
