/** The very first start: a link, printed once, makes the owner, works once, and nothing has a default password. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { formsOf } from './opennds/guest.ts';
import { makeSite, startProcess } from '../support/process.ts';
import type { ServerProcess, Site } from '../support/process.ts';

let site: Site;
let server: ServerProcess;
beforeAll(async () => {
  site = await makeSite();
  server = await startProcess(site.env);
}, 120_000);
afterAll(async () => {
  await server?.stop('SIGKILL');
  await site?.clear();
});

const linkIn = (text: string): string | null =>
  /http:\S+\/console\/start\/\S+/.exec(text)?.[0] ?? null;
const owner = {
  merchantName: 'Harbour Mall',
  name: 'Ada Berg',
  email: 'ada@harbour.example',
  password: 'a long tram ride home',
};

/** Sends the page's form the way a browser does: its cookie, its token, from its own address. */
async function submit(url: string, values: Record<string, string>): Promise<Response> {
  const page = await fetch(url);
  const cookie = page.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const form = formsOf(await page.text())[0];
  return fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie, origin: server.url },
    body: new URLSearchParams({ ...form?.fields, ...values }),
  });
}

/** Whether the console opens for this cookie, instead of asking to sign in. */
async function inside(cookie: string): Promise<boolean> {
  const page = await fetch(`${server.url}/console`, { headers: { cookie } });
  expect(page.status).toBe(200);
  return !page.url.includes('/sign-in') && (await page.text()).includes('/console/sign-out');
}

test('prints where it listens and a link; nobody can sign in before', async () => {
  expect(server.said()).toContain(`Foyer listens on ${server.url}`);
  expect(linkIn(server.said())).toMatch(new RegExp(`^${server.url}/console/start/fo_[\\w-]{32}$`));
  for (const password of ['admin', 'password', 'foyer', '']) {
    const tried = await submit(`${server.url}/console/sign-in`, { email: 'admin', password });
    expect(tried.status).toBeGreaterThanOrEqual(400);
  }
  const stranger = await fetch(`${server.url}/console`, { redirect: 'manual' });
  expect([stranger.status, stranger.headers.get('location')]).toEqual([
    303,
    expect.stringContaining('/console/sign-in'),
  ]);
  const { status } = await fetch(`${server.url}/console/start/fo_${'a'.repeat(32)}`);
  expect(status).toBe(404);
});

test('the link makes one owner, is spent, and is not printed again', async () => {
  const link = linkIn(server.said())!;
  const weak = await submit(link, { ...owner, password: 'harbour' });
  expect(weak.status).toBe(422);
  const tries = await Promise.all([
    submit(link, owner),
    submit(link, { ...owner, email: 'eve@harbour.example' }),
  ]);
  const statuses = tries.map(({ status }) => status);
  expect(statuses.toSorted((a, b) => a - b)).toEqual([303, 404]);
  const made = tries.find(({ status }) => status === 303)!;
  const cookie = made.headers
    .getSetCookie()
    .map((line) => line.split(';')[0]!)
    .find((line) => line.startsWith('foyer='))!;
  expect(await inside(cookie)).toBe(true);
  expect(await inside(`${cookie}x`)).toBe(false);
  expect((await fetch(link)).status).toBe(404);

  expect(await server.stop()).toMatchObject({ code: 0 });
  server = await startProcess(site.env);
  expect(linkIn(server.said())).toBeNull();
  expect(await inside(cookie)).toBe(true);
}, 120_000);

test('the link and the password are in no log', async () => {
  const { err } = await server.stop();
  expect(err).not.toMatch(/fo_[\w-]{32}|tram ride/);
});
