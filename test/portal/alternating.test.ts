/** Two processes over one house: each request of a guest may reach the other one. */
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import request from 'supertest';
import { createPortal, pretendRedirect } from '../../portal/router.ts';
import type { StoreView } from '../../portal/ports-store.ts';
import type { AdmitRequest } from '../../portal/ports.ts';
import { formsOf, headingOf } from '../e2e/opennds/guest.ts';
import { fakeStore, makeFakes, PRETEND } from '../support/fakes.ts';
import { MAC, settings } from './phone.ts';

/** A browser whose every request, a redirect's next hop too, goes to the other process than the one before. */
function between(more: Partial<StoreView>) {
  const fakes = makeFakes({ stores: [fakeStore({ questions: [], ...more })] });
  const processes = [0, 1].map(() => {
    const app = express();
    app.use(createPortal(fakes.ports, settings({ publicUrl: 'http://portal.example' })).router);
    return app;
  });
  let turn = 0;
  const next = () => processes[turn++ % 2]!;
  async function get(url: string): Promise<{ html: string; heading: string }> {
    const answer = await request(next()).get(url).redirects(0);
    const to = answer.headers['location'];
    if (answer.status === 303 && to !== undefined) return get(to);
    expect(answer.status).toBe(200);
    return { html: answer.text, heading: headingOf(answer.text) };
  }
  async function submit(page: { html: string }, values: Record<string, string>, which = 0) {
    const form = formsOf(page.html)[which];
    if (form === undefined) throw new Error('no form');
    const sent = { ...form.fields, ...values };
    const answer = await request(next()).post(form.action).type('form').send(sent).redirects(0);
    return get(answer.headers['location'] ?? '');
  }
  const arrive = () => get(pretendRedirect('harbour', PRETEND, { mac: MAC, ip: '10.0.0.5' }));
  /** The same press at both processes at once. */
  async function both(page: { html: string }, values: Record<string, string>) {
    const form = formsOf(page.html)[0]!;
    const sent = { ...form.fields, ...values };
    const answers = await Promise.all(
      processes.map((app) => request(app).post(form.action).type('form').send(sent).redirects(0)),
    );
    return Promise.all(answers.map((answer) => get(answer.headers['location'] ?? '')));
  }
  const admissions = () => fakes.of('desk.admit') as AdmitRequest[];
  return { fakes, arrive, get, submit, both, admissions };
}

describe('requests that alternate between two processes', () => {
  test('a code: asked for here, typed there, agreed to and let in', async () => {
    const guest = between({ methods: ['sms-code', 'voucher'] });
    const form = await guest.submit(await guest.arrive(), { method: 'sms-code' });
    const code = await guest.submit(form, { value: '+447700900123' });
    const digits = guest.fakes.codeFor('+447700900123') ?? '';
    const wrong = await guest.submit(code, { value: digits === '000000' ? '000001' : '000000' });
    expect(wrong.heading).toBe('Enter your code');
    const terms = await guest.submit(wrong, { value: digits });
    const welcome = await guest.submit(terms, {});
    expect(welcome.heading).toBe('You are online');
    expect(guest.admissions()).toMatchObject([
      { proof: { method: 'sms-code', address: '+447700900123' }, shown: { screen: 'consent' } },
    ]);
  });

  test('staff: the page that waits hears the answer wherever it asks', async () => {
    const guest = between({ methods: ['staff'] });
    const waiting = await guest.submit(await guest.arrive(), { value: 'Ada' });
    const poll = /data-poll="([^"]*)"/.exec(waiting.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    for (let n = 0; n < 2; n++)
      expect(JSON.parse((await guest.get(poll)).html)).toEqual({ wait: 2_000 });
    for (const asked of guest.fakes.approvals.values()) asked.state = 'granted';
    for (let n = 0; n < 2; n++) {
      const { go } = JSON.parse((await guest.get(poll)).html) as { go: string };
      expect((await guest.get(go)).heading).toBe('Almost there');
    }
  });

  test('a short address made by one leads on at the other', async () => {
    const guest = between({ methods: ['email-code'] });
    const code = await guest.submit(await guest.arrive(), { value: 'ada@example.org' });
    const [, key = ''] = /\/p\/harbour\/r\/<wbr><b>([0-9A-Z]{8})</.exec(code.html) ?? [];
    for (let n = 0; n < 2; n++)
      expect((await guest.get(`/p/harbour/r/${key}`)).heading).toBe('Enter your code');
  });

  test('the same press at both is one session, and both show the way in', async () => {
    const guest = between({ methods: ['click-through'] });
    const pages = await guest.both(await guest.arrive(), {});
    expect(pages.map(({ heading }) => heading)).toEqual(['You are online', 'You are online']);
    expect(guest.fakes.sessions.size).toBe(1);
  });
});
