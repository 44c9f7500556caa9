/** The two programs run by hand: help, one-line mistakes, exit codes, and what they do. */
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '../..');
const SELFTEST = 'scripts/portal-selftest.ts';
const EMULATE = 'test/support/emulators/cli.ts';

interface Ended {
  code: number;
  out: string;
  err: string;
}

const run = (script: string, ...words: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--import', 'tsx', script, ...words],
      { cwd: root },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
    child.stdin?.end();
  });

describe.each([SELFTEST, EMULATE])('%s', (script) => {
  test('explains itself', async () => {
    const { code, out } = await run(script, '--help');
    expect([code, out.includes('Exit code:')]).toEqual([0, true]);
  });
});

test.each([
  [SELFTEST, [], 'required option'],
  [SELFTEST, ['--portal', 'wifi.example'], 'must be an address'],
  [SELFTEST, ['--portal', 'https://wifi.example', '--via', '10.0.0.1/x'], 'must be an address'],
  [SELFTEST, ['--portal', 'https://wifi.example', '--lang', 'fr'], 'Allowed choices'],
  [EMULATE, ['teapot', '--store', 'x'], 'unknown command'],
  [EMULATE, ['coova'], 'required option'],
  [EMULATE, ['coova', '--store', 'x', '--mac', 'x'], 'must look like'],
  [EMULATE, ['portal2', '--store', 'x', '--notify', 'x'], 'must be an address with its port'],
])('%s %j: one line, exit code 2', async (script, words, says) => {
  const { code, err } = await run(script, ...words);
  expect([code, err.trim().split('\n').length, err.includes(says)]).toEqual([2, 1, true]);
});

describe('a self-test against a gateway', () => {
  let caught = true;
  const server = createServer((_req, res) => {
    if (caught) res.writeHead(302, { Location: 'http://127.0.0.1:1/p/harbour' }).end();
    else res.writeHead(403).end();
  });
  let via = '';
  beforeAll(async () => {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    via = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());
  const ask = (...more: string[]) =>
    run(SELFTEST, '--portal', 'http://127.0.0.1:1', '--via', via, '--timeout', '1000', ...more);

  test('says that every sign-in will appear, in either language', async () => {
    const { code, out } = await ask();
    expect(code).toBe(0);
    expect(out).toMatch(/^apple +the sign-in appears$/m);
    expect(out).toContain('Redirected to the portal.');
    expect((await ask('--lang', 'zh-CN')).out).toMatch(/^windows +会弹出登录页$/m);
  });

  test('says what is wrong', async () => {
    caught = false;
    const { code, out } = await ask();
    caught = true;
    expect(code).toBe(1);
    expect(out).toContain('Answered with the error 403');
    const json = JSON.parse((await ask('--json')).out) as { systems: unknown[] };
    expect(json.systems.length).toBeGreaterThan(10);
  });

  test('says when the portal’s page cannot be reached', async () => {
    const { code, out } = await ask('--store', 'harbour');
    expect(code).toBe(1);
    expect(out).toContain('cannot be reached');
  });
});

test('an emulated gateway says what to open, and ends with 1 when nobody comes in', async () => {
  const { code, out } = await run(
    EMULATE,
    'portal2',
    '--store',
    'harbour',
    '--port',
    '21999',
    '--wait',
    '1',
    '--every',
    '1',
  );
  expect(code).toBe(1);
  expect(out).toMatch(/open http:\/\/127\.0\.0\.1:8080\/p\/harbour\?wlanuserip=10\.0\.0\.50/);
});
