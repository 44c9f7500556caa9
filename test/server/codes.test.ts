/** One-time codes: limits that hold in parallel, five tries, single use. */
import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { codeRoutes } from '../../server/codes/routes.ts';
import type { Database } from '../../server/db/database.ts';
import { forgetCodes } from '../../server/codes/codes.ts';
import { CODE_MS, PUMPING, RESEND_MS, SMS_LIMITS } from '../../server/codes/limits.ts';
import { makeCode, makeMac, makeMerchant, makePhone, makeStore } from '../support/make.ts';
import { openReception, receptionEach } from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';
import { routesApp } from '../support/routes-app.ts';

const HOUR = 3_600_000;
const PHONE = '+447400123456';

let db: Database;
let house: Reception;

receptionEach((opened, over) => {
  [house, db] = [opened, over];
});

let networks = 0;
/** A network of its own for each, so that only the limit under test counts. */
const newIp = () => `10.9.${(networks >> 8) & 255}.${networks++ & 255}`;

type Send = Parameters<Reception['codes']['send']>[0];

function send(over: Partial<Send> = {}) {
  return house.codes.send({
    store: house.store,
    channel: 'sms',
    address: PHONE,
    binding: 'journey-1',
    mac: makeMac(),
    ip: newIp(),
    language: 'en',
    ...over,
  });
}

function verify(code: string, over: Partial<Parameters<Reception['codes']['verify']>[0]> = {}) {
  const { store } = house;
  return house.codes.verify({
    store,
    channel: 'sms',
    address: PHONE,
    binding: 'journey-1',
    code,
    ...over,
  });
}

/** The code in the newest message. */
async function sentCode(): Promise<string> {
  const [message] = await house.rows<{ body: string }>(
    'select body from messages where merchant_id = $1 order by created_at desc, id desc limit 1',
    [house.merchantId],
  );
  return /\d{6}/.exec(message?.body ?? '')?.[0] ?? 'none';
}

const wrong = (code: string) => (code === '000000' ? '000001' : '000000');

describe('a code', () => {
  test('is six digits, five minutes, in one message, and neither it nor the address is kept in clear', async () => {
    expect(await send()).toEqual({
      ok: true,
      resendAt: house.time.now + RESEND_MS,
      expiresAt: house.time.now + CODE_MS,
    });
    expect(CODE_MS).toBeLessThanOrEqual(300_000);
    expect(house.wakes).toBe(1);
    const code = await sentCode();
    expect(code).toMatch(/^\d{6}$/);
    const [row] = await house.rows('select * from codes where merchant_id = $1', [
      house.merchantId,
    ]);
    const kept = Object.values(row ?? {})
      .map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : String(value)))
      .join('\n');
    expect(kept).not.toContain(code);
    expect(kept).not.toContain('7400123456');
  });

  test('speaks the guest’s language', async () => {
    await send({ language: 'zh-CN' });
    const [message] = await house.rows<{ body: string }>(
      'select body from messages where merchant_id = $1',
      [house.merchantId],
    );
    expect(message?.body).toMatch(/^\d{6} 是您在 Corner Shop 登录 WiFi 的验证码/);
  });

  test('works once', async () => {
    await send();
    const code = await sentCode();
    expect(await verify(code)).toEqual({ ok: true });
    expect(await verify(code)).toEqual({ ok: false, reason: 'used' });
  });

  test('may be typed with gaps or wide digits', async () => {
    await send();
    const code = await sentCode();
    const wide = String.fromCharCode(
      ...code.split('').map((digit) => digit.charCodeAt(0) + 0xfee0),
    );
    expect(await verify(` ${wide.slice(0, 3)} ${wide.slice(3)} `)).toEqual({ ok: true });
  });

  test('allows five tries, then even the right one is refused', async () => {
    await send();
    const code = await sentCode();
    const left: unknown[] = [];
    for (let i = 0; i < 5; i++) left.push(await verify(wrong(code)));
    expect(left).toEqual([
      { ok: false, reason: 'wrong', triesLeft: 4 },
      { ok: false, reason: 'wrong', triesLeft: 3 },
      { ok: false, reason: 'wrong', triesLeft: 2 },
      { ok: false, reason: 'wrong', triesLeft: 1 },
      { ok: false, reason: 'locked' },
    ]);
    expect(await verify(code)).toEqual({ ok: false, reason: 'locked' });
  });

  test('no more than five of many parallel guesses are looked at', async () => {
    await send();
    const code = await sentCode();
    const guesses = Array.from({ length: 40 }, (_, i) => String(i).padStart(6, '0'));
    const answers = await Promise.all(
      guesses.filter((guess) => guess !== code).map((guess) => verify(guess)),
    );
    const counted = answers.filter((answer) => !answer.ok && answer.reason === 'wrong');
    expect(counted).toHaveLength(4);
    const [row] = await house.rows<{ attempts: number }>(
      'select attempts from codes where merchant_id = $1',
      [house.merchantId],
    );
    expect(row?.attempts).toBe(5);
    expect(await verify(code)).toEqual({ ok: false, reason: 'locked' });
  });

  test('of parallel right answers one counts', async () => {
    await send();
    const code = await sentCode();
    const answers = await Promise.all(Array.from({ length: 8 }, () => verify(code)));
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
  });

  test('ends after five minutes', async () => {
    await send();
    const code = await sentCode();
    house.time.now += CODE_MS;
    expect(await verify(code)).toEqual({ ok: false, reason: 'expired' });
  });

  test.each<[string, Partial<Parameters<typeof verify>[1]>]>([
    ['another journey', { binding: 'journey-2' }],
    ['another address', { address: '+447400123457' }],
    ['another channel', { channel: 'email' }],
  ])('means nothing to %s', async (_name, over) => {
    await send();
    const code = await sentCode();
    expect(await verify(code, over)).toEqual({ ok: false, reason: 'expired' });
    expect(await verify(code)).toEqual({ ok: true });
  });

  test('means nothing to another merchant’s store', async () => {
    await send();
    const code = await sentCode();
    const other = await openReception(db);
    expect(await verify(code, { store: other.store })).toEqual({ ok: false, reason: 'expired' });
  });

  test('moved to another address in storage fits nothing', async () => {
    await send();
    const code = await sentCode();
    house.time.now += 1;
    await send({ address: '+447400123457' });
    await db.query(
      `update codes set code_hash = (
         select code_hash from codes where merchant_id = $1 order by sent_at, id limit 1)
       where merchant_id = $1`,
      [house.merchantId],
    );
    const stolen = await verify(code, { address: '+447400123457' });
    const own = await verify(code);
    expect([stolen.ok, own.ok].filter(Boolean)).toHaveLength(1);
  });

  test('is replaced by the next one', async () => {
    await send();
    const first = await sentCode();
    house.time.now += RESEND_MS;
    await send();
    const second = await sentCode();
    if (first !== second) {
      expect(await verify(first)).toEqual({ ok: false, reason: 'wrong', triesLeft: 4 });
    }
    expect(await verify(second)).toEqual({ ok: true });
  });

  test.each(['', 'abcdef', '１２', '9'.repeat(41), "'; delete from codes", '\u0000'])(
    'hostile input %j is just wrong',
    async (typed) => {
      await send();
      expect(await verify(typed)).toEqual({ ok: false, reason: 'wrong', triesLeft: 4 });
    },
  );
});

const anyone = () => ({ address: makePhone() });

/** Sends `count` times, each after the pause an address needs, and gives the last outcome. */
async function sends(count: number, over: () => Partial<Send>, pause = 0) {
  const outcomes: Awaited<ReturnType<typeof send>>[] = [];
  for (let i = 0; i < count; i++) {
    outcomes.push(await send(over()));
    house.time.now += pause;
  }
  return outcomes;
}

describe('sending is bounded', () => {
  test('one address: a pause between, five an hour, ten a day', async () => {
    const start = house.time.now;
    await send();
    expect(await send()).toEqual({
      ok: false,
      reason: 'too-many-sends',
      retryAt: start + RESEND_MS,
    });
    house.time.now += RESEND_MS;
    await sends(4, () => ({}), RESEND_MS);
    expect(await send()).toEqual({ ok: false, reason: 'too-many-sends', retryAt: start + HOUR });
    house.time.now = start + HOUR;
    const later = await sends(6, () => ({}), 15 * 60_000);
    expect(later.map((outcome) => outcome.ok)).toEqual([true, true, true, true, true, false]);
    expect(later.at(-1)).toMatchObject({ reason: 'too-many-sends', retryAt: start + 24 * HOUR });
  });

  test('one device, whatever numbers it types', async () => {
    const mac = makeMac();
    const outcomes = await sends(7, () => ({ mac, address: makePhone() }));
    expect(outcomes.map((outcome) => outcome.ok)).toEqual([...Array(6).fill(true), false]);
    expect(outcomes.at(-1)).toMatchObject({ reason: 'too-many-sends' });
  });

  test('one network', async () => {
    const ip = newIp();
    const outcomes = await sends(61, () => ({ ip, address: makePhone() }));
    expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(60);
  });

  test('one household’s IPv6 addresses are one network', async () => {
    let host = 0;
    const outcomes = await sends(61, () => ({
      ip: `2001:db8:1:2::${(++host).toString(16)}`,
      address: makePhone(),
    }));
    expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(60);
  });

  test('one store: the hour, and the spend breaker of the day', async () => {
    house.rules.policy = { ...house.rules.policy, perHour: 3, smsPerDay: 5 };
    const first = await sends(4, anyone);
    expect(first.map((outcome) => outcome.ok)).toEqual([true, true, true, false]);
    expect(first.at(-1)).toMatchObject({ reason: 'unavailable' });
    house.time.now += HOUR;
    const second = await sends(3, anyone);
    expect(second.map((outcome) => outcome.ok)).toEqual([true, true, false]);
    expect(await send({ channel: 'email', address: 'ada@example.com' })).toMatchObject({
      ok: true,
    });
  });

  test('SMS stops when hardly any code is ever typed', async () => {
    const at = new Date(house.time.now - CODE_MS - 1000);
    const before = (used: boolean) =>
      makeCode(db, house.merchantId, house.store.id, {
        sentAt: at,
        expiresAt: at,
        usedAt: used ? at : null,
      });
    for (let i = 0; i < PUMPING.sends; i++) await before(i < 5);
    expect(await send()).toMatchObject({ ok: true });
    await before(false);
    expect(await send({ address: makePhone() })).toMatchObject({ reason: 'unavailable' });
    expect(house.logged.join('')).toContain('"limit":"pumping"');
  });

  test('all stores of a merchant share a day’s SMS', async () => {
    house.rules.policy = { ...house.rules.policy, merchantSmsPerDay: 3 };
    const { id } = await makeStore(db, house.merchantId);
    const there = { ...house.store, id };
    const sent = [await send(anyone()), await send({ ...anyone(), store: there })];
    sent.push(await send(anyone()), await send({ ...anyone(), store: there }));
    expect(sent.map(({ ok }) => ok)).toEqual([true, true, true, false]);
    expect(house.logged.join('')).toContain('"limit":"merchant"');
    house = await openReception(db);
    expect(await send()).toMatchObject({ ok: true });
  });

  test.each([
    [
      'one range of numbers',
      'prefix',
      'GB',
      (i: number) => `+44740012${3000 + i}`,
      '+447500123456',
    ],
    ['a foreign country', 'country', 'DE', (i: number) => `+4917${i % 10}1234${100 + i}`, PHONE],
  ])('%s has a share of its own', async (_name, by, country, numberOf, elsewhere) => {
    house.rules.policy = { ...house.rules.policy, countries: ['GB', country] };
    let at = 0;
    const next = () => ({ address: numberOf(at++) });
    const most = SMS_LIMITS[by as keyof typeof SMS_LIMITS][0].sends;
    const outcomes = await sends(most + 1, next);
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(most);
    expect(outcomes.at(-1)).toMatchObject({ reason: 'unavailable' });
    expect(house.logged.join('')).toContain(`"limit":"${by}"`);
    expect(await send({ address: elsewhere })).toMatchObject({ ok: true });
    await db.query('update codes set used_at = sent_at where merchant_id = $1', [house.merchantId]);
    house.time.now += HOUR;
    expect(await send(next())).toMatchObject({ ok: true });
  });

  describe('a range whose codes nobody types', () => {
    const sentBefore = (prefix: string, used: boolean) => {
      const at = new Date(house.time.now - CODE_MS - 1000);
      const over = { sentAt: at, expiresAt: at, usedAt: used ? at : null, prefix, country: 'GB' };
      return makeCode(db, house.merchantId, house.store.id, over);
    };
    const paused = () =>
      house.rows('select prefix, sends, uses from sms_pauses where merchant_id = $1', [
        house.merchantId,
      ]);
    const told = () =>
      house.rows<{ payload: object }>(
        `select payload from outbox where merchant_id = $1 and type = 'sms.paused'`,
        [house.merchantId],
      );

    test('is paused, told once, and other ranges go on', async () => {
      for (let i = 0; i < PUMPING.prefixSends; i++) await sentBefore('+44740', i < 1);
      expect(await send()).toEqual({
        ok: false,
        reason: 'unavailable',
        retryAt: house.time.now + PUMPING.pause,
      });
      expect(await send({ address: '+447400999888' })).toMatchObject({ reason: 'unavailable' });
      expect(await paused()).toEqual([{ prefix: '+44740', sends: 20, uses: 1 }]);
      expect(await told()).toMatchObject([{ payload: { prefix: '+44740', sends: 20, uses: 1 } }]);
      expect(await send({ address: '+447500123456' })).toMatchObject({ ok: true });
      house.time.now += PUMPING.pause;
      expect(await send()).toMatchObject({ ok: true });
    });

    test.each([
      ['too few codes', 19, 0],
      ['enough of them typed', 20, 2],
    ])('is left alone with %s', async (_name, sent, used) => {
      for (let i = 0; i < sent; i++) await sentBefore('+44740', i < used);
      expect(await send()).toMatchObject({ ok: true });
      expect(await paused()).toEqual([]);
    });

    test('is listed and let go over the API, by its own merchant only', async () => {
      for (let i = 0; i < PUMPING.prefixSends; i++) await sentBefore('+44740', false);
      await send();
      const app = routesApp(codeRoutes({ db, clock: () => house.time.now }));
      const other = await makeMerchant(db);
      const path = `/v1/sms-pauses/${encodeURIComponent('+44740')}`;
      const list = (merchant: string) =>
        request(app).get('/v1/sms-pauses').set('x-merchant', merchant);
      expect((await list(house.merchantId)).body.pauses).toMatchObject([
        { prefix: '+44740', sends: 20 },
      ]);
      expect((await list(other.id)).body.pauses).toEqual([]);
      await request(app).delete(path).set('x-merchant', other.id).expect(404);
      await request(app).delete(path).set('x-merchant', house.merchantId).expect(204);
      expect((await list(house.merchantId)).body.pauses).toEqual([]);
    });
  });

  test('parallel sends are counted too', async () => {
    const mac = makeMac();
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, () => send({ mac, address: makePhone() })),
    );
    expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(6);
    const [row] = await house.rows<{ messages: number }>(
      'select count(*) as messages from messages where merchant_id = $1',
      [house.merchantId],
    );
    expect(row?.messages).toBe(6);
  });

  test.each([
    ['a country the store does not send to', '+491701234567'],
    ['a premium number', '+449098790000'],
    ['a landline', '+442079460000'],
    ['no number at all', 'rubbish'],
  ])('%s gets no SMS and leaves no trace', async (_name, address) => {
    expect(await send({ address })).toEqual({ ok: false, reason: 'destination-refused' });
    expect(
      await house.rows('select 1 from codes where merchant_id = $1', [house.merchantId]),
    ).toEqual([]);
  });

  test('a store may allow further countries', async () => {
    house.rules.policy = { ...house.rules.policy, countries: ['GB', 'DE'] };
    expect(await send({ address: '+491701234567' })).toMatchObject({ ok: true });
  });

  test('one merchant’s sends do not use up another’s', async () => {
    const mac = makeMac();
    await sends(6, () => ({ mac, address: makePhone() }));
    house = await openReception(db);
    expect(await send({ mac })).toMatchObject({ ok: true });
  });

  test('the limits outlive what they count by no more than needed', async () => {
    await send();
    expect(await forgetCodes(db, house.time.now + 47 * HOUR)).toBe(0);
    expect(await forgetCodes(db, house.time.now + 49 * HOUR)).toBeGreaterThan(0);
  });
});

test('the logs never hold a number, a code or a device', async () => {
  const mac = makeMac();
  await send({ mac });
  const code = await sentCode();
  await send({ mac });
  await verify(wrong(code));
  await send({ address: '+491701234567', mac });
  const log = house.logged.join('');
  expect(log).toContain('a code was not sent');
  for (const secret of [PHONE, '7400123456', '1701234567', code, mac]) {
    expect(log).not.toContain(secret);
  }
});
