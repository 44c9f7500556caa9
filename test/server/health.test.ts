/** What orchestrators and Prometheus are told: live, ready and the figures, and who may read them. */
import http from 'node:http';
import { createConnection } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import {
  closeSockets,
  makeHouse,
  makePhone,
  makeRoom,
  phoneLine,
  redirectOf,
} from '../support/cast.ts';

/** Storage that a test can take away. */
function removable() {
  const state = { away: false };
  const gone = () =>
    Promise.reject(Object.assign(new Error('the line is dead'), { code: 'ECONNREFUSED' }));
  const storage = (db: Database): Database => ({
    engine: db.engine,
    query: (text, params) => (state.away ? gone() : db.query(text, params)),
    tx: (work, options) => (state.away ? gone() : db.tx(work, options)),
    listen: (channel, told) => db.listen(channel, told),
    close: () => db.close(),
  });
  return { state, storage };
}

let app: TestApp;
const { state, storage } = removable();
beforeAll(async () => {
  app = await startApp({}, { storage });
});
afterAll(() => app?.stop());
beforeEach(() => {
  state.away = false;
});
closeSockets();

const ask = async (path: string, headers: Record<string, string> = {}, base = app.url) => {
  const response = await fetch(base + path, { headers });
  const { status } = response;
  return { status, text: await response.text(), headers: response.headers };
};

describe('live and ready', () => {
  test('both say yes while all is well', async () => {
    expect(await ask('/health/live')).toMatchObject({ status: 200, text: '{"status":"live"}' });
    const ready = await ask('/health/ready');
    expect(ready).toMatchObject({ status: 200, text: '{"status":"ready"}' });
    expect(ready.headers.get('cache-control')).toBe('no-store');
  });

  test('without storage it is alive, not ready, and comes back by itself', async () => {
    state.away = true;
    expect((await ask('/health/live')).status).toBe(200);
    const ready = await ask('/health/ready');
    expect(ready.status).toBe(503);
    expect(JSON.parse(ready.text)).toEqual({ status: 'not ready', reason: 'storage' });
    state.away = false;
    expect((await ask('/health/ready')).status).toBe(200);
  });

  test('while draining, whoever still has a connection hears 503, from health as from the doors', async () => {
    const own = await startApp();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const get = (path: string): Promise<{ status: number; body: string; closes: boolean }> =>
      new Promise((resolve, reject) => {
        http
          .get(own.url + path, { agent }, (reply) => {
            let body = '';
            reply.on('data', (chunk: Buffer) => (body += chunk.toString()));
            reply.on('end', () =>
              resolve({
                status: reply.statusCode ?? 0,
                body,
                closes: reply.headers.connection === 'close',
              }),
            );
          })
          .on('error', reject);
      });
    const house = await makeHouse(own);
    const phone = await makePhone(house);
    const line = await phoneLine(own, phone);
    // A request in hand keeps its connection while the server drains; pipelined behind it are ours.
    const { hostname, port } = new URL(own.url);
    const socket = createConnection(Number(port), hostname);
    let said = '';
    socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const body = JSON.stringify({ pings: [{ at: Date.now(), lon: 1, lat: 1, accuracy: 5 }] });
    socket.write(
      `POST /v1/pings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${phone.token}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
    );
    expect((await get('/health/ready')).status).toBe(200);
    agent.destroy();
    const stopping = own.stop();
    socket.write(
      `${body.slice(10)}GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/stores HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    await closed;
    await stopping;
    expect(said).toMatch(/^HTTP\/1.1 202 /);
    expect(said).toContain('"reason":"draining"');
    expect(line.socket.connected).toBe(false);
    await expect(fetch(`${own.url}/health/live`)).rejects.toThrow();
  });
});

describe('metrics', () => {
  const figures = async (): Promise<string> => (await ask('/metrics')).text;

  test('count pings, events, requests by pattern, sockets and the outbox', async () => {
    const house = await makeHouse(app);
    await makeRoom(house);
    const phone = await makePhone(house);
    await phoneLine(app, phone);
    const sent = await fetch(`${app.url}/v1/pings`, {
      method: 'POST',
      headers: { authorization: `Bearer ${phone.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ pings: [{ at: Date.now(), ...house.at, accuracy: 5 }] }),
    });
    expect(sent.status).toBe(202);
    await ask(`/v1/fences/${house.store.id}`, { authorization: `Bearer ${house.apiKey}` });
    await ask(redirectOf(house, { mac: '02:00:00:00:be:ef' }));
    await app.settled();
    const text = await figures();
    expect(text).toMatch(/^foyer_pings_total\{source="foyer",verdict="accepted"\} 1$/m);
    expect(text).toMatch(/^foyer_events_total\{type="fence.changed"\} 1$/m);
    expect(text).toMatch(/^foyer_sockets 1$/m);
    expect(text).toMatch(/^foyer_outbox_events\{state="waiting"\} 0$/m);
    expect(text).toMatch(/^foyer_outbox_events\{state="dead"\} 0$/m);
    expect(text).toMatch(/^foyer_outbox_oldest_seconds 0$/m);
    expect(text).toMatch(
      /foyer_http_request_seconds_count\{method="GET",route="\/v1\/fences\/:id",status="404"\} 1/,
    );
    expect(text).toContain('process_cpu_seconds_total');
    // Patterns only: no ids, addresses or tokens of anybody.
    for (const secret of [house.store.id, house.store.slug, 'be:ef', phone.token, phone.deviceId])
      expect(text).not.toContain(secret);
  });

  test('without storage the rest is still told', async () => {
    state.away = true;
    const { status, text } = await ask('/metrics');
    expect(status).toBe(200);
    expect(text).toContain('foyer_sockets');
    expect(text).not.toMatch(/^foyer_outbox_events\{/m);
  });

  test.each(['x-forwarded-for', 'x-real-ip', 'forwarded', 'via', 'x-forwarded-host'])(
    'are not given away through a proxy on this machine (%s)',
    async (name) => {
      const { status, text } = await ask('/metrics', { [name]: '127.0.0.1' });
      expect([status, text]).toEqual([404, '']);
    },
  );

  test('with a token only to who has it, from anywhere', async () => {
    const own = await startApp({ METRICS_TOKEN: 'a token for prometheus' });
    try {
      const tries: Record<string, string>[] = [
        {},
        { authorization: 'Bearer wrong' },
        { authorization: 'Bearer ' },
        { authorization: 'Bearer a token for prometheus', 'x-forwarded-for': '203.0.113.9' },
      ];
      const statuses = [];
      for (const headers of tries) statuses.push((await ask('/metrics', headers, own.url)).status);
      expect(statuses).toEqual([404, 404, 404, 200]);
    } finally {
      await own.stop();
    }
  });
});
