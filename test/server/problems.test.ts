/** What clients are told when something is wrong, and what the log keeps about it: never a person, never a stack. */
import http from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { logIn } from '../../scripts/demo/guest.ts';
import type { Database } from '../../server/db/database.ts';
import { createLog } from '../../server/log.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { makeHouse, makePhone, redirectOf } from '../support/cast.ts';
import type { House, Phone } from '../support/cast.ts';
import { makeMac } from '../support/make.ts';

/** Storage that can be made to fail in a chosen way. */
const trouble: { error: unknown } = { error: null };
const storage = (db: Database): Database => ({
  engine: db.engine,
  query: (text, params) => (trouble.error ? Promise.reject(trouble.error) : db.query(text, params)),
  tx: (work, options) => (trouble.error ? Promise.reject(trouble.error) : db.tx(work, options)),
  listen: (channel, told) => db.listen(channel, told),
  close: () => db.close(),
});

let app: TestApp;
let house: House;
let phone: Phone;
beforeAll(async () => {
  app = await startApp({ LOG_LEVEL: 'debug' }, { storage });
  house = await makeHouse(app);
  phone = await makePhone(house);
});
afterAll(() => app?.stop());
beforeEach(() => {
  trouble.error = null;
});

interface Answer {
  status: number;
  type: string | null;
  body: Record<string, unknown>;
  headers: Headers;
}

async function ask(
  path: string,
  init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
): Promise<Answer> {
  const headers = { authorization: `Bearer ${house.apiKey}`, ...init.headers };
  const response = await fetch(app.url + path, { ...init, headers });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text },
    headers: response.headers,
  };
}

const json = { 'content-type': 'application/json' };
const PROBLEM = 'application/problem+json; charset=utf-8';

describe('requests that do not fit', () => {
  test.each<[string, string, Parameters<typeof ask>[1], number, string]>([
    [
      'no JSON',
      '/v1/stores',
      { method: 'POST', headers: json, body: '{"name":' },
      400,
      'malformed-json',
    ],
    [
      'NaN',
      '/v1/stores',
      { method: 'POST', headers: json, body: '{"lon":NaN}' },
      400,
      'malformed-json',
    ],
    ['nothing', '/v1/stores', { method: 'POST', headers: json, body: '' }, 400, 'invalid-request'],
    ['a list', '/v1/stores', { method: 'POST', headers: json, body: '[]' }, 400, 'invalid-request'],
    ['null', '/v1/stores', { method: 'POST', headers: json, body: 'null' }, 400, 'invalid-request'],
    [
      'a form',
      '/v1/stores',
      { method: 'POST', body: new URLSearchParams({ name: 'x' }) },
      415,
      'unsupported-media-type',
    ],
    [
      'text',
      '/v1/stores',
      { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' },
      415,
      'unsupported-media-type',
    ],
    [
      'an odd charset',
      '/v1/stores',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json; charset=klingon' },
        body: '{}',
      },
      400,
      'invalid-request',
    ],
    [
      'an odd encoding',
      '/v1/stores',
      { method: 'POST', headers: { ...json, 'content-encoding': 'klingon' }, body: '{}' },
      400,
      'invalid-request',
    ],
    [
      'a broken encoding',
      '/v1/stores',
      { method: 'POST', headers: { ...json, 'content-encoding': 'gzip' }, body: '{}' },
      400,
      'invalid-request',
    ],
    ['an id that is none', '/v1/fences/1%20or%201=1', {}, 400, 'invalid-request'],
    ['a broken escape', '/v1/fences/%E0%A4%A', {}, 400, 'invalid-request'],
    ['a query that is none', '/v1/events?store=x', {}, 400, 'invalid-request'],
    ['no such address', '/v1/nothing', {}, 404, 'not-found'],
    ['no such page', '/favicon.png', {}, 404, 'not-found'],
    ['a nul in the address', '/v1/vouchers/%00', {}, 404, 'voucher-unknown'],
    ['a method it does not take', '/v1/stores', { method: 'DELETE' }, 405, 'method-not-allowed'],
    ['another', '/v1/pings', { method: 'GET' }, 405, 'method-not-allowed'],
    ['no key', '/v1/stores', { headers: { authorization: '' } }, 401, 'unauthenticated'],
    [
      'a device token at a merchant’s door',
      '/v1/stores',
      { headers: { authorization: 'Bearer fd_x' } },
      401,
      'unauthenticated',
    ],
  ])('%s', async (_what, path, init, status, code) => {
    const answer = await ask(path, init);
    expect([answer.status, answer.type]).toEqual([status, PROBLEM]);
    expect(answer.body).toMatchObject({ type: `urn:foyer:problem:${code}`, code, status });
    expect(answer.body['title']).toEqual(expect.any(String));
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-powered-by')).toBeNull();
  });

  test('a 405 says what is taken instead', async () => {
    const answer = await ask('/v1/stores', { method: 'PUT', headers: json, body: '{}' });
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
    expect((await ask('/v1/stores', { method: 'HEAD' })).status).toBe(200);
  });

  test('a wrong body is named part by part, twenty at the most', async () => {
    const pings = Array.from({ length: 40 }, () => ({ at: 1, lon: 'x', lat: 91 }));
    const { status, body } = await ask('/v1/pings', {
      method: 'POST',
      headers: { ...json, authorization: `Bearer ${phone.token}` },
      body: JSON.stringify({ pings }),
    });
    expect(status).toBe(400);
    const errors = body['errors'] as { path: string; message: string }[];
    expect(errors).toHaveLength(20);
    expect(errors[0]).toEqual({ path: 'body.pings.0.lon', message: expect.any(String) });
  });
});

describe('bodies without end', () => {
  /** Sends ten megabytes, with or without saying so first; the status, and how much was taken. */
  function pour(
    path: string,
    token: string,
    announced: boolean,
  ): Promise<{ status: number; code: string }> {
    const { hostname, port } = new URL(app.url);
    const length = 10 * 1024 * 1024;
    return new Promise((resolve, reject) => {
      const request = http.request(
        {
          hostname,
          port,
          path,
          method: 'POST',
          headers: {
            ...json,
            authorization: `Bearer ${token}`,
            ...(announced ? { 'content-length': length } : {}),
          },
        },
        (reply) => {
          let text = '';
          reply.on('data', (chunk: Buffer) => (text += chunk.toString()));
          reply.on('end', () => {
            const { code } = JSON.parse(text) as { code: string };
            resolve({ status: reply.statusCode ?? 0, code });
            request.destroy();
          });
        },
      );
      // The server may hang up as soon as it has answered.
      request.on('error', (error) => setTimeout(() => reject(error), 500));
      const chunk = Buffer.alloc(64 * 1024, 'x');
      let left = length;
      const more = (): void => {
        while (left > 0 && !request.destroyed) {
          left -= chunk.length;
          if (!request.write(chunk)) return void request.once('drain', more);
        }
        request.end();
      };
      more();
    });
  }

  test.each([true, false])('ten megabytes are refused (announced: %s)', async (announced) => {
    for (const path of ['/v1/stores', '/v1/fences/geojson']) {
      expect(await pour(path, house.apiKey, announced)).toEqual({
        status: 413,
        code: 'body-too-large',
      });
    }
    for (const path of ['/v1/pings', '/owntracks', '/overland'])
      expect((await pour(path, phone.token, announced)).status).toBe(413);
  });

  test('a stranger’s ten megabytes are refused unread', async () => {
    expect(await pour('/v1/pings', 'fd_nobody', true)).toMatchObject({ status: 401 });
  });
});

describe('when it is our fault', () => {
  const secretive = Object.assign(
    new Error('invalid input syntax for type uuid: "+31612345678\n    at ann@guests.example"'),
    { code: '22P02', detail: 'Key (phone)=(+31612345678) already exists.' },
  );

  test.each<[string, unknown, number, string]>([
    ['a bug', new TypeError("cannot read 'x' of undefined"), 500, 'internal'],
    ['a value that storage quotes', secretive, 500, 'internal'],
    ['no error at all', 'ann@guests.example', 500, 'internal'],
    [
      'storage gone',
      Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
      503,
      'unavailable',
    ],
    [
      'storage restarting',
      Object.assign(new Error('going down'), { code: '57P01' }),
      503,
      'unavailable',
    ],
  ])('%s: no stack, no names', async (_what, error, status, code) => {
    trouble.error = error;
    const from = app.logged.length;
    const answer = await ask('/v1/stores');
    expect([answer.status, answer.body['code'], answer.type]).toEqual([status, code, PROBLEM]);
    expect(Object.keys(answer.body).toSorted()).toEqual(['code', 'status', 'title', 'type']);
    expect(answer.headers.get('retry-after')).toBe(status === 503 ? '5' : null);
    const logged = app.logged.slice(from).join('');
    expect(logged).toContain('request failed');
    expect(logged).not.toMatch(/31612345678|guests\.example/);
  });

  test('an error keeps what helps: its kind, its code, where it came from', () => {
    const lines: string[] = [];
    createLog('info', { write: (line) => void lines.push(line) }).error(
      { err: secretive },
      'failed',
    );
    const { err } = JSON.parse(lines[0]!) as { err: Record<string, string> };
    expect(err).toMatchObject({ type: 'Error', errorCode: '22P02' });
    expect(err['message']).toBe('invalid input syntax for type uuid: "[redacted]"');
    expect(err['stack']).toMatch(/^\s+at .*problems\.test/);
  });
});

test('a full walk at the chattiest level leaves nobody’s data in the log', async () => {
  const mac = makeMac();
  const mail = 'walker@guests.example';
  const readCode = async (): Promise<string> => {
    const { rows } = await app.db.query<{ body: string }>(
      'select body from messages where address = $1 order by created_at desc limit 1',
      [mail],
    );
    return /\b\d{6}\b/.exec(rows[0]?.body ?? '')![0];
  };
  let code = '';
  const visit = await logIn(app.url, redirectOf(house, { mac, ip: '192.0.2.99' }), {
    method: 'email-code',
    value: mail,
    readCode: async () => (code = await readCode()),
    marketing: true,
  });
  expect(visit.pages.at(-1)).toBe('You are online');
  const wrong = { method: 'POST', headers: { ...json, authorization: `Bearer ${phone.token}` } };
  await ask('/owntracks', { ...wrong, body: '{"_type":"location","lat":51.9,"lon":4.48,"tst":1}' });
  await ask('/v1/pings', {
    ...wrong,
    body: JSON.stringify({ pings: [{ at: 0, lon: 4.4828, lat: 51.9 }] }),
  });
  await ask(`/v1/guests?q=${encodeURIComponent(mail)}`);
  await app.settled();
  const logged = app.logged.join('');
  const session = new URL(visit.url).searchParams.get('j')!;
  for (const secret of [
    mail,
    'walker',
    mac,
    mac.replaceAll(':', ''),
    '192.0.2.99',
    code,
    phone.token,
    house.apiKey,
    house.gateway.secret,
    session,
    house.headers.cookie,
    '4.4828',
  ])
    expect([secret, logged.includes(secret)]).toEqual([secret, false]);
  expect(app.logged.length).toBeGreaterThan(0);
});
