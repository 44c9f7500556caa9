/** Guests' whole walks over HTTP, without scripts and cookies, and what happens when they stray. */
import { describe, expect, test } from '@jest/globals';
import type { AdmitRequest } from '../../portal/ports.ts';
import { pretendRedirect } from '../../portal/router.ts';
import { fakeStore, PRETEND } from '../support/fakes.ts';
import { acceptAll, link, MAC, makePhone, only } from './phone.ts';
import type { Phone, Seen } from './phone.ts';

const admissions = (phone: Phone) => phone.fakes.of('desk.admit') as AdmitRequest[];

describe('each way in, without script and cookie', () => {
  test('click-through: terms, question, online', async () => {
    const phone = makePhone([only('click-through')]);
    const terms = await phone.arrive();
    expect(terms.heading).toBe('Almost there');
    const question = await phone.submit(terms, { marketing: 'yes' });
    expect(question.heading).toBe('One question');
    const welcome = await phone.submit(question, { value: 'work' });
    expect(welcome.heading).toBe('You are online');
    expect(welcome.html).toContain('For 2 hours, until 12:00');
    expect(welcome.headers['set-cookie']).toBeUndefined();
    expect(admissions(phone)).toMatchObject([
      {
        proof: { method: 'click-through' },
        context: { mac: MAC, ip: '10.0.0.5', gatewayId: 'gw-pretend' },
        consents: [
          { purpose: 'access', granted: true, version: 'a1', language: 'en' },
          { purpose: 'marketing', granted: true, version: 'm1', language: 'en' },
        ],
        answer: { key: 'visit-for', value: 'work' },
        language: 'en',
      },
    ]);
  });

  test.each([
    ['sms-code', '07700 900123', '+447700900123', 'Your phone number'],
    ['email-code', 'Ada@Example.org', 'ada@example.org', 'Your e-mail'],
  ] as const)('%s: address, code, terms, online', async (method, typed, address, heading) => {
    const phone = makePhone([only(method)]);
    const start = await phone.arrive();
    expect(start.heading).toBe(heading);
    const code = await phone.submit(start, { value: typed });
    expect(code.heading).toBe('Enter your code');
    expect(code.html).not.toContain(address);
    const digits = phone.fakes.codeFor(address) ?? '';
    const spaced = `${digits.slice(0, 3)} ${digits.slice(3)}`;
    const welcome = await acceptAll(phone, await phone.submit(code, { value: spaced }));
    expect(welcome.heading).toBe('You are online');
    const [admission] = admissions(phone);
    expect(admission?.proof).toEqual({ method, address });
    expect(admission?.consents).toContainEqual({
      purpose: 'marketing',
      granted: false,
      version: 'm1',
      language: 'en',
    });
    expect(admission?.answer).toEqual({ key: 'visit-for', dismissed: true });
  });

  test('voucher: code, terms, online; the slip may be typed as one likes', async () => {
    const phone = makePhone([only('voucher')]);
    const welcome = await acceptAll(
      phone,
      await phone.submit(await phone.arrive(), { value: 'open-sesame ' }),
    );
    expect(welcome.heading).toBe('You are online');
    expect(admissions(phone)[0]?.proof).toEqual({ method: 'voucher', code: 'OPENSESAME' });
  });

  test('several ways: one is chosen, and may be left again', async () => {
    const phone = makePhone();
    const choose = await phone.arrive();
    expect(choose.heading).toBe('Free WiFi');
    const sms = await phone.submit(choose, { method: 'sms-code' });
    expect(sms.heading).toBe('Your phone number');
    const back = await phone.get(link(sms, 'Connect another way'));
    expect(back.heading).toBe('Free WiFi');
    const voucher = await phone.submit(back, { method: 'voucher' });
    expect(voucher.heading).toBe('Your WiFi code');
  });
});

async function atCode() {
  const phone = makePhone([only('sms-code')]);
  const code = await phone.submit(await phone.arrive(), { value: '+447700900123' });
  return { phone, code };
}

describe('codes', () => {
  test('an address that is none is said so, and kept', async () => {
    const phone = makePhone([only('email-code')]);
    const again = await phone.submit(await phone.arrive(), { value: 'ada@' });
    expect(again.html).toContain('This does not look like an e-mail address');
    expect(again.html).toContain('value="ada@"');
    expect(again.html).toContain('aria-invalid="true"');
    expect(phone.fakes.of('codes.send')).toHaveLength(0);
  });

  test('a refused destination names a way on', async () => {
    const phone = makePhone();
    const sms = await phone.submit(await phone.arrive(), { method: 'sms-code' });
    const again = await phone.submit(sms, { value: '+447700900000' });
    expect(again.html).toContain('We cannot send a code there');
    expect(link(again, 'Connect another way')).not.toBe('');
  });

  test('wrong codes count down to a lock, and a new code helps', async () => {
    const { phone, code } = await atCode();
    let page = code;
    for (const left of ['4 tries', '3 tries', '2 tries', '1 try']) {
      page = await phone.submit(page, { value: `00000${left[0]}` });
      expect(page.html).toContain(`You have ${left} left`);
    }
    page = await phone.submit(page, { value: '000000' });
    expect(page.html).toContain('That was too many tries');
    // No field for more digits: the one form asks for a new code.
    expect(page.html).not.toContain('name="value"');
    phone.fakes.pass(31_000);
    page = await phone.submit(page, {});
    const digits = phone.fakes.codeFor('+447700900123') ?? '';
    expect((await phone.submit(page, { value: digits })).heading).toBe('Almost there');
  });

  test('a malformed code costs no try', async () => {
    const { phone, code } = await atCode();
    const page = await phone.submit(code, { value: '12ab' });
    expect(page.html).toContain('The code has 6 digits');
    expect(phone.fakes.of('codes.verify')).toHaveLength(0);
  });

  test('a new code is not sent before its time, and the page says when', async () => {
    const { phone, code } = await atCode();
    expect(code.html).toContain('You can ask for a new one at 10:01');
    const early = await phone.submit(code, {}, 1);
    expect(early.html).toContain('ask for another at 10:01');
    expect(phone.fakes.of('codes.send')).toHaveLength(1);
    phone.fakes.pass(31_000);
    await phone.submit(early, {}, 1);
    expect(phone.fakes.of('codes.send')).toHaveLength(2);
  });

  test('pressing twice sends one code and uses one code', async () => {
    const phone = makePhone([only('sms-code')]);
    const start = await phone.arrive();
    const twice = (page: Seen, value: string) =>
      Promise.all([phone.submit(page, { value }), phone.submit(page, { value })]);
    const [code, same] = await twice(start, '+447700900123');
    expect([code?.heading, same?.heading]).toEqual(['Enter your code', 'Enter your code']);
    expect(phone.fakes.of('codes.send')).toHaveLength(1);
    const digits = phone.fakes.codeFor('+447700900123') ?? '';
    const pages = await twice(code, digits);
    expect(pages.map((page) => page.heading)).toEqual(['Almost there', 'Almost there']);
    expect(phone.fakes.of('codes.verify')).toHaveLength(1);
  });

  test('whoever left to read the message comes back to the code', async () => {
    const { phone } = await atCode();
    const reopened = await phone.arrive();
    expect(reopened.heading).toBe('Enter your code');
    expect(reopened.html).not.toContain('7700900123');
    const digits = phone.fakes.codeFor('+447700900123') ?? '';
    expect((await phone.submit(reopened, { value: digits })).heading).toBe('Almost there');
    expect((await phone.arrive()).heading).toBe('Your phone number');
  });

  test('another device does not come back to it', async () => {
    const { phone } = await atCode();
    const other = { mac: '02:00:00:00:00:51', ip: '10.0.0.6' };
    const page = await phone.get(pretendRedirect('harbour', PRETEND, other));
    expect(page.heading).toBe('Your phone number');
  });
});

describe('vouchers', () => {
  test.each([
    ['NONESUCH', 'We do not know this code'],
    ['SPENT', 'has been used already'],
    ['STALE', 'no longer valid'],
    ['', 'We do not know this code'],
    ['X'.repeat(60), 'We do not know this code'],
  ])('%j: %s', async (value, words) => {
    const phone = makePhone([only('voucher')]);
    const page = await phone.submit(await phone.arrive(), { value });
    expect(page.html).toContain(words);
  });

  test('one that was used up between the check and the door leads back to its field', async () => {
    const phone = makePhone([only('voucher')]);
    const terms = await phone.submit(await phone.arrive(), { value: 'OPENSESAME' });
    phone.fakes.vouchers.set('OPENSESAME', 'used');
    const page = await acceptAll(phone, terms);
    expect(page.heading).toBe('Your WiFi code');
    expect(page.html).toContain('has been used already');
  });
});

describe('consent', () => {
  test('nothing is ticked, and refusing says that it costs nothing', async () => {
    const phone = makePhone([only('click-through')]);
    const terms = await phone.arrive();
    expect(terms.html).toContain('type="checkbox"');
    expect(terms.html).not.toMatch(/\schecked/);
    expect(terms.html).toContain('Your WiFi is the same if you leave these empty.');
    expect(terms.html).toContain('Accept and continue');
  });

  test('a wording that changed meanwhile is shown again', async () => {
    const store = only('click-through');
    const phone = makePhone([store]);
    const terms = await phone.arrive();
    const [access] = store.wordings;
    if (access !== undefined) access.version = 'a2';
    const again = await phone.submit(terms, {});
    expect(again.heading).toBe('Almost there');
    expect(again.html).toContain('The terms were updated');
    expect(admissions(phone)).toHaveLength(0);
    await acceptAll(phone, again);
    expect(admissions(phone)[0]?.consents[0]?.version).toBe('a2');
  });

  test('the version and language of what was read are recorded', async () => {
    const phone = makePhone([only('click-through')]);
    const terms = await phone.arrive('harbour', '', { 'accept-language': 'zh-TW,zh;q=0.9' });
    expect(terms.html).toContain('请合理、合法地使用网络');
    const question = await phone.submit(terms, {});
    await phone.submit(question, { skip: 'yes' });
    expect(admissions(phone)[0]).toMatchObject({
      language: 'zh-CN',
      consents: [{ language: 'zh-CN' }, { language: 'zh-CN' }],
    });
  });

  test('without terms nobody is let in', async () => {
    const phone = makePhone([fakeStore({ wordings: [] })]);
    expect((await phone.arrive()).heading).toBe('The WiFi is closed');
  });
});

describe('the one question', () => {
  test('an empty answer is no answer; an invented one neither', async () => {
    const phone = makePhone([only('click-through')]);
    const question = await phone.submit(await phone.arrive(), {});
    for (const values of [{}, { value: 'made-up' }])
      expect((await phone.submit(question, values)).html).toContain('Choose an answer, or skip');
    expect(admissions(phone)).toHaveLength(0);
  });

  test('is left out when the house cannot say whether it is due', async () => {
    const phone = makePhone([only('click-through')]);
    phone.fakes.broken.add('desk.question');
    const welcome = await phone.submit(await phone.arrive(), {});
    expect(welcome.heading).toBe('You are online');
    expect(admissions(phone)[0]).not.toHaveProperty('answer');
  });
});
