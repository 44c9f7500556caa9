/** What is asked, of whom, and what is kept of the asking: purposes, ages, the words that stood on the page. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { visibleText } from '../../portal/agree.ts';
import type { ConsentWording, MethodName, Purpose, StoreView } from '../../portal/ports-store.ts';
import type { AdmitRequest } from '../../portal/ports.ts';
import { fakeStore } from '../support/fakes.ts';
import { makePhone } from './phone.ts';
import type { Phone, Seen } from './phone.ts';

const words = (purpose: Purpose): ConsentWording => ({
  purpose,
  version: `${purpose}-1`,
  text: { en: `Words on ${purpose}.`, 'zh-CN': `关于 ${purpose}`, ar: `كلمات ${purpose}` },
});
const ALL: Purpose[] = [
  'profiling',
  'marketing-email',
  'access',
  'marketing-sms',
  'analytics',
  'marketing',
];

const shop = (method: MethodName, more: Partial<StoreView> = {}) =>
  makePhone([fakeStore({ methods: [method], wordings: ALL.map(words), questions: [], ...more })]);

const admission = (phone: Phone) => (phone.fakes.of('desk.admit') as AdmitRequest[])[0];
const asked = (page: Seen) =>
  [...page.html.matchAll(/type="checkbox" name="([\w-]+)"/g)].map(([, name]) => name);

/** To the terms page by a way in. */
async function terms(phone: Phone, method: MethodName, headers: Record<string, string> = {}) {
  const first = await phone.arrive('harbour', '', headers);
  if (method === 'click-through') return first;
  if (method === 'voucher') return phone.submit(first, { value: 'OPENSESAME' });
  const address = method === 'sms-code' ? '+447700900123' : 'ada@example.org';
  const code = await phone.submit(first, { value: address });
  return phone.submit(code, { value: phone.fakes.codeFor(address) ?? '' });
}

describe('purposes', () => {
  test.each<[MethodName, string[]]>([
    ['click-through', ['profiling', 'analytics', 'marketing']],
    ['voucher', ['profiling', 'analytics', 'marketing']],
    ['email-code', ['profiling', 'marketing-email', 'analytics', 'marketing']],
    ['sms-code', ['profiling', 'marketing-sms', 'analytics', 'marketing']],
  ])('%s: terms first, the others each by itself, none ticked', async (method, expected) => {
    const phone = shop(method);
    const page = await terms(phone, method);
    expect(asked(page)).toEqual(expected);
    expect(page.html.indexOf('Words on access')).toBeLessThan(
      page.html.indexOf('Words on profiling'),
    );
    expect(page.html).not.toMatch(/\schecked/);
    const [first = ''] = expected;
    await phone.submit(page, { [first]: 'yes', 'marketing-sms': 'yes', nonsense: 'yes' });
    const given = admission(phone)?.consents ?? [];
    expect(given.map(({ purpose }) => purpose)).toEqual(['access', ...expected]);
    const agreed = given.filter(({ granted }) => granted).map(({ purpose }) => purpose);
    const sms = method === 'sms-code' ? ['marketing-sms'] : [];
    expect(agreed).toEqual(['access', first, ...sms]);
    for (const { purpose, version } of given) expect(version).toBe(`${purpose}-1`);
  });

  test('a purpose whose words changed counts only when it was not granted', async () => {
    const store = fakeStore({
      methods: ['click-through'],
      wordings: ALL.map(words),
      questions: [],
    });
    const phone = makePhone([store]);
    const page = await phone.arrive();
    for (const wording of store.wordings)
      if (wording.purpose === 'analytics') wording.version = '2';
    const again = await phone.submit(page, { analytics: 'yes' });
    expect(again.html).toContain('The terms were updated');
    await phone.submit(page, { profiling: 'yes' });
    const given = admission(phone)?.consents ?? [];
    expect(given.map(({ purpose }) => purpose)).not.toContain('analytics');
    expect(given).toContainEqual(expect.objectContaining({ purpose: 'profiling', granted: true }));
  });

  test('boxes that never stood on the page grant nothing', async () => {
    const phone = shop('click-through', { wordings: [words('access')] });
    await phone.submit(await phone.arrive(), { marketing: 'yes', profiling: 'yes' });
    expect(admission(phone)?.consents).toHaveLength(1);
  });
});

describe('what the page said', () => {
  test('is kept as a hash of its text, with the browser and its address', async () => {
    const phone = shop('click-through');
    const page = await phone.arrive('harbour', '', { 'user-agent': 'Tests/1' });
    await phone.submit(page, {});
    const main = /<main id="page">([\s\S]*)<\/main>/.exec(page.html)?.[1] ?? '';
    const text = visibleText(main);
    expect(text).toContain('Almost there Terms of access Words on access.');
    expect(text).not.toContain('<');
    expect(admission(phone)?.shown).toEqual({
      pageSha256: createHash('sha256').update(text).digest('hex'),
      screen: 'consent',
      ip: expect.stringContaining('127.0.0.1'),
      userAgent: '',
    });
  });

  test('differs by language, and is the same for everybody who read the same', async () => {
    const hashOf = async (language: string) => {
      const phone = shop('click-through');
      await phone.submit(await phone.arrive('harbour', '', { 'accept-language': language }), {});
      return admission(phone)?.shown?.pageSha256;
    };
    expect(await hashOf('en')).toBe(await hashOf('en-GB'));
    expect(await hashOf('en')).not.toBe(await hashOf('ar'));
  });

  test('a text of another language says so, for readers aloud', async () => {
    const page = await shop('click-through').arrive('harbour', '', { 'accept-language': 'es' });
    expect(page.html).toContain('<html lang="es">');
    expect(page.html).toMatch(/<div class="terms"[^>]* lang="en">/);
  });

  test('entities are read as what they stand for', () => {
    expect(visibleText('<p>a &lt;b&gt; &amp;amp; “c”</p>\n<p>&#39;d&#34;</p>')).toBe(
      'a <b> &amp; “c” \'d"',
    );
  });
});

describe('an age gate', () => {
  test.each([
    ['over', ['profiling', 'analytics', 'marketing'], 'One question'],
    ['under', [], 'You are online'],
  ])('%s: asks %j', async (age, purposes, then) => {
    const { questions } = fakeStore();
    const phone = shop('click-through', { ageGate: 16, questions });
    const gate = await phone.arrive();
    expect(gate.heading).toBe('Are you 16 or older?');
    const page = await phone.submit(gate, { value: age });
    expect(asked(page)).toEqual(purposes);
    const next = await phone.submit(page, { marketing: 'yes' });
    expect(next.heading).toBe(then);
    if (age === 'over') await phone.submit(next, { skip: 'yes' });
    expect(admission(phone)).toMatchObject({ age });
    expect(admission(phone)?.consents.filter(({ granted }) => granted)).toHaveLength(
      age === 'over' ? 2 : 1,
    );
  });

  test('wants one of two answers', async () => {
    const phone = shop('click-through', { ageGate: 14 });
    const gate = await phone.arrive();
    expect((await phone.submit(gate, { value: 'maybe' })).heading).toBe('Are you 14 or older?');
  });
});

describe('the one question', () => {
  const questions = ['first', 'second'].map((key) => ({
    key,
    label: { en: `The ${key}?`, 'zh-CN': '？' },
    options: [],
  }));

  test('is the first that is due; the next visit asks the next; what was dismissed never comes back', async () => {
    const phone = shop('click-through', { questions });
    const visit = async (values: Record<string, string>) => {
      const page = await phone.submit(await phone.arrive(), {});
      if (page.heading !== 'One question') return page.heading;
      const label = /<bdi>(The \w+\?)<\/bdi>/.exec(page.html)?.[1];
      await phone.submit(page, values);
      return label;
    };
    expect(await visit({ skip: 'yes' })).toBe('The first?');
    expect(await visit({ value: 'blue' })).toBe('The second?');
    expect(await visit({})).toBe('You are online');
    expect((phone.fakes.of('desk.admit') as AdmitRequest[]).map(({ answer }) => answer)).toEqual([
      { key: 'first', dismissed: true },
      { key: 'second', value: 'blue' },
      undefined,
    ]);
  });
});
