/** A member's card, the staff, and a device that is known. */
import { describe, expect, test } from '@jest/globals';
import type { StoreView } from '../../portal/ports-store.ts';
import type { AdmitRequest } from '../../portal/ports.ts';
import { refreshOf } from '../e2e/opennds/guest.ts';
import { fakeStore } from '../support/fakes.ts';
import { acceptAll, link, makePhone } from './phone.ts';
import type { Phone, Seen } from './phone.ts';

const admissions = (phone: Phone) => phone.fakes.of('desk.admit') as AdmitRequest[];
const POLICY = { graceMinutes: 5, gracePerDay: 2, rememberDays: 30 };

const shop = (more: Partial<StoreView>, settings = {}) =>
  makePhone([fakeStore({ questions: [], policy: POLICY, ...more })], settings);

describe('a member card', () => {
  test('number and second field, terms, online', async () => {
    const phone = shop({ methods: ['member-card', 'voucher'] });
    const card = await phone.submit(await phone.arrive(), { method: 'member-card' });
    expect(card.heading).toBe('Your member card');
    expect(card.html).toMatch(/id="factor" name="factor"[^>]*type="password"/);
    const terms = await phone.submit(card, { value: 'm100-200', factor: '4321' });
    expect(terms.heading).toBe('Almost there');
    expect((await phone.submit(terms, {})).heading).toBe('You are online');
    expect(admissions(phone)[0]?.proof).toEqual({ method: 'member-card', number: 'M100200' });
  });

  test('guessed five times: calm words, and another way as a button', async () => {
    const phone = shop({ methods: ['member-card', 'voucher'] });
    let page = await phone.submit(await phone.arrive(), { method: 'member-card' });
    for (let n = 0; n < 5; n++) {
      page = await phone.submit(page, { value: 'M100200', factor: `98${n}7` });
      expect(page.html).toContain('do not belong together');
      expect(page.html).toContain('value="M100200"');
      expect(page.html).not.toContain(`98${n}7`);
    }
    page = await phone.submit(page, { value: 'M100200', factor: '4321' });
    expect(page.html).toContain('That was too many tries');
    expect(page.html).toMatch(/class="button" href="[^"]*">Connect another way/);
    expect(admissions(phone)).toHaveLength(0);
  });

  test('where it is the only way, people help', async () => {
    const phone = shop({ methods: ['member-card'] });
    phone.fakes.blocked.add('M100200');
    const page = await phone.submit(await phone.arrive(), { value: 'M100200', factor: '4321' });
    expect(page.html).toContain('This card cannot be used here');
    expect(page.html).toContain('Please ask the staff');
  });
});

describe('the staff', () => {
  async function asked(name = 'Ada') {
    const phone = shop({ methods: ['staff', 'voucher'] });
    const page = await phone.submit(await phone.arrive(), { method: 'staff' });
    expect(page.heading).toBe('Ask the staff');
    return { phone, page, waiting: await phone.submit(page, { value: name }) };
  }

  const settle = (phone: Phone, state: 'granted' | 'denied' | 'expired') => {
    for (const request of phone.fakes.approvals.values()) request.state = state;
  };

  test('are asked once; the page waits with and without a script, and goes on by itself', async () => {
    const { phone, waiting } = await asked();
    expect(waiting.heading).toBe('The staff have been asked');
    expect(waiting.html).not.toContain('Ada');
    expect(refreshOf(waiting.html)?.seconds).toBe(5);
    const poll = /data-poll="([^"]*)"/.exec(waiting.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect((await phone.agent().get(poll)).body).toEqual({ wait: 2_000 });
    expect((await phone.arrive()).heading).toBe('The staff have been asked');
    settle(phone, 'granted');
    const { go } = (await phone.agent().get(poll)).body as { go: string };
    const terms = await phone.get(go);
    expect(terms.heading).toBe('Almost there');
    const same = await phone.get(refreshOf(waiting.html)?.url ?? '');
    expect(same.heading).toBe('Almost there');
    expect((await phone.submit(terms, {})).heading).toBe('You are online');
    expect(admissions(phone)[0]?.proof).toEqual({ method: 'staff', requestId: 'ask-1' });
    expect(phone.fakes.of('approvals.ask')).toHaveLength(1);
  });

  test.each([
    ['denied', 'The staff did not let you in this time'],
    ['expired', 'Nobody has answered yet'],
  ] as const)('%s: calm words and another way', async (state, words) => {
    const { phone, waiting } = await asked();
    settle(phone, state);
    const page = await phone.get(waiting.url);
    expect(page.heading).toBe('Ask the staff');
    expect(page.html).toContain(words);
    expect(link(page, 'Connect another way')).not.toBe('');
    expect((await phone.submit(page, { value: 'Ada' })).heading).toBe('The staff have been asked');
  });

  test('a grant that was taken back before the door leads back to the question', async () => {
    const { phone, waiting } = await asked();
    settle(phone, 'granted');
    const terms = await phone.get(waiting.url);
    settle(phone, 'denied');
    const page = await phone.submit(terms, {});
    expect(page.heading).toBe('Ask the staff');
    expect(page.html).toContain('did not let you in');
  });

  test('a console that is away leaves the guest waiting', async () => {
    const { phone, waiting } = await asked();
    phone.fakes.broken.add('approvals.state');
    expect((await phone.get(waiting.url)).heading).toBe('The staff have been asked');
  });

  test('need a name to go by', async () => {
    expect((await asked(' \u200b ')).waiting.html).toContain('Enter a name');
  });
});

/** What a browser with cookies would send back. */
const cookieOf = (headers: Record<string, unknown>) =>
  ((headers['set-cookie'] as string[] | undefined) ?? [])
    .map((line) => line.split(';')[0])
    .join('; ');

describe('a device that was here before', () => {
  async function remembered(more: Partial<StoreView> = {}) {
    const phone = shop({ methods: ['click-through', 'voucher'], ageGate: 16, ...more });
    const age = await phone.arrive();
    const choose = await phone.submit(age, { value: 'over' });
    const terms = await phone.submit(choose, { method: 'click-through' });
    const { fields, action } = formOf(terms);
    const answer = await phone.post(action, fields);
    const cookie = cookieOf(answer.headers);
    return { phone, answer, cookie };
  }

  const formOf = (page: Seen) => {
    const j = /name="j" value="([^"]*)"/.exec(page.html)?.[1] ?? '';
    const action = /<form method="post" action="([^"]*)"/.exec(page.html)?.[1] ?? '';
    return { fields: { j }, action };
  };

  test('gets a token for this store alone, out of reach of scripts and strangers', async () => {
    const { answer } = await remembered();
    const [line = ''] = answer.headers['set-cookie'] as unknown as string[];
    expect(line).toMatch(
      /^__Secure-foyer=[\w-]{43}; Path=\/p\/harbour; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure$/,
    );
  });

  test('comes in with one tap, and nothing is said about anybody', async () => {
    const { phone, cookie } = await remembered();
    const back = await phone.arrive('harbour', '', { cookie });
    expect(back.heading).toBe('Good to have you back');
    const { fields, action } = formOf(back);
    const answer = await phone
      .agent()
      .post(action)
      .set({ cookie })
      .type('form')
      .send({ ...fields, value: 'yes' })
      .redirects(0);
    const welcome = await phone.get(answer.headers['location'] ?? '');
    expect(welcome.heading).toBe('You are online');
    expect(welcome.html).toContain('Good to see you again.');
    const admission = admissions(phone).at(-1);
    expect(admission).toMatchObject({ proof: { method: 'returning' }, consents: [] });
    expect(admission).not.toHaveProperty('shown');
  });

  test.each<[string, Record<string, string>]>([
    ['without its cookie', {}],
    ['with a token of nobody', { cookie: `__Secure-foyer=${'x'.repeat(43)}` }],
    ['with a cookie that is none', { cookie: '__Secure-foyer=<script>; a=b;;=' }],
  ])('%s it is asked like everybody', async (_name, headers) => {
    const { phone } = await remembered();
    expect((await phone.arrive('harbour', '', headers)).heading).toBe('Are you 16 or older?');
  });

  test('with the cookie but another address it is not known, nor where nobody is remembered', async () => {
    const { phone, cookie } = await remembered();
    for (const token of phone.fakes.devices.keys())
      phone.fakes.devices.set(token, '02:00:00:00:00:51');
    expect((await phone.arrive('harbour', '', { cookie })).heading).toBe('Are you 16 or older?');
    const never = await remembered({ policy: { ...POLICY, rememberDays: 0 } });
    expect(never.cookie).toBe('');
  });

  test('“not you?” starts the way everybody goes', async () => {
    const { phone, cookie } = await remembered();
    const back = await phone.arrive('harbour', '', { cookie });
    const { fields, action } = formOf(back);
    const answer = await phone
      .agent()
      .post(action)
      .set({ cookie })
      .type('form')
      .send({ ...fields, value: 'no' })
      .redirects(0);
    expect((await phone.get(answer.headers['location'] ?? '', { cookie })).heading).toBe(
      'Are you 16 or older?',
    );
    expect(admissions(phone)).toHaveLength(1);
  });

  test('forgotten between the page and the tap, it is asked again, and loses its token', async () => {
    const { phone, cookie } = await remembered();
    const back = await phone.arrive('harbour', '', { cookie });
    phone.fakes.devices.clear();
    const { fields, action } = formOf(back);
    const answer = await phone
      .agent()
      .post(action)
      .set({ cookie })
      .type('form')
      .send({ ...fields, value: 'yes' })
      .redirects(0);
    expect(String(answer.headers['set-cookie'])).toContain('Max-Age=0');
    const page = await phone.get(answer.headers['location'] ?? '', { cookie });
    expect(page.heading).toBe('Are you 16 or older?');
    expect(page.html).toContain('We do not recognise this device any more');
  });

  test('a house that cannot say does not keep anybody waiting', async () => {
    const { phone, cookie } = await remembered();
    phone.fakes.broken.add('desk.knows');
    expect((await phone.arrive('harbour', '', { cookie })).heading).toBe('Are you 16 or older?');
  });
});

test('all of it without one script or cookie: no page needs more than its forms and links', async () => {
  const phone = shop({ methods: ['click-through'], policy: { ...POLICY, rememberDays: 0 } });
  const welcome = await acceptAll(phone, await phone.arrive());
  expect(welcome.heading).toBe('You are online');
  expect(welcome.headers['set-cookie']).toBeUndefined();
});
