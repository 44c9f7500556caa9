/** Each way to prove oneself by itself: what is asked of the host, and what the journey carries on. */
import { describe, expect, test } from '@jest/globals';
import type { Journey } from '../../portal/context.ts';
import { startJourney } from '../../portal/context.ts';
import { methods, waysOf } from '../../portal/methods/all.ts';
import type { MethodTools } from '../../portal/methods/method.ts';
import { heardFromStaff, tidyName } from '../../portal/methods/staff.ts';
import { tidyVoucher } from '../../portal/methods/voucher.ts';
import { createOnce } from '../../portal/once.ts';
import type { MethodName } from '../../portal/ports-store.ts';
import type { SendOutcome, VerifyOutcome } from '../../portal/ports.ts';
import { createResume } from '../../portal/resume.ts';
import { fakeStore, makeFakes } from '../support/fakes.ts';

const store = fakeStore();
const context = {
  gatewayId: 'g',
  kind: 'pretend',
  mac: '02:00:00:00:00:50',
  ip: '10.0.0.5',
} as const;

function desk() {
  const fakes = makeFakes();
  const { codes, vouchers, clock, members, approvals } = fakes.ports;
  const tools: MethodTools = {
    store,
    codes,
    vouchers,
    clock,
    networkIp: '203.0.113.9',
    once: createOnce(clock),
    ...(members === undefined ? {} : { members }),
    ...(approvals === undefined ? {} : { approvals }),
  };
  const journey = startJourney(store, context, 'zh-CN', clock());
  const go = async (
    name: MethodName,
    action: 'start' | 'finish',
    value: string,
    from: Journey = journey,
    factor = '',
  ): Promise<Journey> =>
    (await methods[name]?.submit?.(from, { action, value, factor }, tools)) ?? from;
  return { fakes, tools, journey, go };
}

test('every method is listed under its own name', () => {
  for (const [name, method] of Object.entries(methods)) expect(method.name).toBe(name);
});

test('click-through proves itself by being chosen', () => {
  expect(methods['click-through']).toEqual({
    name: 'click-through',
    byChoice: { method: 'click-through' },
  });
});

describe('one-time codes', () => {
  test('a code is asked for with all that limits are counted by', async () => {
    const { fakes, journey, go } = desk();
    const next = await go('email-code', 'start', ' Ada@Example.org ');
    expect(next).toMatchObject({
      address: 'ada@example.org',
      resendAt: fakes.ports.clock() + 30_000,
    });
    expect(fakes.of('codes.send')).toMatchObject([
      {
        channel: 'email',
        address: 'ada@example.org',
        binding: journey.binding,
        mac: '02:00:00:00:00:50',
        ip: '203.0.113.9',
        language: 'zh-CN',
      },
    ]);
  });

  test.each<[Extract<SendOutcome, { ok: false }>, object]>([
    [
      { ok: false, reason: 'too-many-sends', retryAt: 9 },
      { kind: 'send-limit', retryAt: 9 },
    ],
    [{ ok: false, reason: 'too-many-sends' }, { kind: 'send-limit' }],
    [{ ok: false, reason: 'destination-refused' }, { kind: 'send-refused' }],
    [{ ok: false, reason: 'unavailable' }, { kind: 'send-unavailable' }],
  ])('%j keeps what was typed and says so', async (outcome, trouble) => {
    const { tools, go } = desk();
    tools.codes = { ...tools.codes, send: async () => outcome };
    const next = await go('sms-code', 'start', '+447700900123');
    expect(next).toMatchObject({ trouble, typed: '+447700900123' });
    expect(next.address).toBeUndefined();
  });

  test.each<[Extract<VerifyOutcome, { ok: false }>, object]>([
    [
      { ok: false, reason: 'wrong', triesLeft: 2 },
      { kind: 'code-wrong', left: 2 },
    ],
    [{ ok: false, reason: 'expired' }, { kind: 'code-expired' }],
    [{ ok: false, reason: 'locked' }, { kind: 'code-locked' }],
    [{ ok: false, reason: 'used' }, { kind: 'code-used' }],
  ])('%j proves nothing', async (outcome, trouble) => {
    const { tools, go } = desk();
    const sent = await go('sms-code', 'start', '+447700900123');
    tools.codes = { ...tools.codes, verify: async () => outcome };
    const next = await go('sms-code', 'finish', '123456', sent);
    expect(next.trouble).toEqual(trouble);
    expect(next.proof).toBeUndefined();
    expect(next.address).toBe('+447700900123');
  });

  test.each(['123 456', '１２３４５６', '123-456', '١٢٣٤٥٦', '۱۲۳۴۵۶', '\u200f123456 '])(
    '%s is read as six digits',
    async (typed) => {
      const { fakes, go } = desk();
      const sent = await go('sms-code', 'start', '+447700900123');
      await go('sms-code', 'finish', typed, sent);
      expect(fakes.of('codes.verify')).toMatchObject([{ code: '123456' }]);
    },
  );

  test('a code without an address proves nothing', async () => {
    const { fakes, go } = desk();
    expect((await go('sms-code', 'finish', '123456')).proof).toBeUndefined();
    expect(fakes.of('codes.verify')).toHaveLength(0);
  });
});

describe('vouchers', () => {
  test('are checked with the device and its network', async () => {
    const { fakes, go } = desk();
    const next = await go('voucher', 'finish', 'open sesame');
    expect(next.proof).toEqual({ method: 'voucher', code: 'OPENSESAME' });
    expect(fakes.of('vouchers.check')).toEqual([
      { code: 'OPENSESAME', mac: '02:00:00:00:00:50', ip: '203.0.113.9' },
    ]);
  });

  test.each([
    [' ab-c d ', 'ABCD'],
    ['ＡＢ１２', 'AB12'],
    ['', ''],
  ])('%j is read as %j', (typed, code) => expect(tidyVoucher(typed)).toBe(code));

  test('too many tries are said as such', async () => {
    const { tools, go } = desk();
    tools.vouchers = { check: async () => ({ ok: false, reason: 'too-many-tries' }) };
    expect((await go('voucher', 'finish', 'X')).trouble).toEqual({ kind: 'voucher-limit' });
  });
});

function counter() {
  let now = 0;
  let runs = 0;
  const once = createOnce(() => now);
  const press = (keep?: () => boolean, fail = false) =>
    once(
      'key',
      async () => {
        runs += 1;
        if (fail) throw new Error('down');
        return runs;
      },
      keep,
    );
  return { press, runs: () => runs, pass: (ms: number) => (now += ms) };
}

describe('the same press twice', () => {
  test('is one piece of work for a minute', async () => {
    const { press, pass } = counter();
    expect(await Promise.all([press(), press()])).toEqual([1, 1]);
    pass(59_999);
    expect(await press()).toBe(1);
    pass(1);
    expect(await press()).toBe(2);
  });

  test('a failure or a refusal is not kept', async () => {
    const { press, runs } = counter();
    await expect(press(undefined, true)).rejects.toThrow('down');
    expect(await press(() => false)).toBe(2);
    expect(await press()).toBe(3);
    expect(runs()).toBe(3);
  });

  test('what is kept is bounded', async () => {
    let runs = 0;
    const once = createOnce(() => 0);
    const press = (key: string) => once(key, async () => (runs += 1));
    for (let n = 0; n < 6_000; n++) await press(`key ${n}`);
    await press('key 5999');
    expect(runs).toBe(6_000);
    await press('key 0');
    expect(runs).toBe(6_001);
  });
});

describe('who left the sheet', () => {
  test('is found again for ten minutes, by device and gateway, and by its id there', () => {
    let now = 0;
    const resume = createResume(() => now);
    const journey = { ...startJourney(store, { ...context, hid: 'a' }, 'en', 0), address: 'x' };
    resume.remember(store, journey, null);
    expect(resume.recall(store, { ...context, hid: 'a' })?.journey.address).toBe('x');
    expect(resume.recall(store, { ...context, hid: 'b' })).toBeNull();
    expect(resume.recall(store, { ...context, hid: 'a', mac: '02:00:00:00:00:51' })).toBeNull();
    expect(resume.recall(fakeStore({ id: 'other' }), { ...context, hid: 'a' })).toBeNull();
    now = 10 * 60_000;
    expect(resume.recall(store, { ...context, hid: 'a' })).toBeNull();
  });

  test('is forgotten when told so', () => {
    const resume = createResume(() => 0);
    const journey = startJourney(store, context, 'en', 0);
    resume.remember(store, journey, null);
    resume.forget(store, journey);
    expect(resume.recall(store, context)).toBeNull();
  });
});

describe('member cards', () => {
  test('are checked with the device and its network, in whatever digits', async () => {
    const { fakes, journey, go } = desk();
    const next = await go('member-card', 'finish', ' m１００-200 ', journey, '٤٣٢١');
    expect(next.proof).toEqual({ method: 'member-card', number: 'M100200' });
    expect(next.typed).toBeUndefined();
    expect(fakes.of('members.check')).toEqual([
      { number: 'm100-200', factor: '4321', mac: context.mac, ip: '203.0.113.9' },
    ]);
  });

  test('five wrong tries, then calm words; the second field is never kept', async () => {
    const { journey, go } = desk();
    let next = journey;
    for (let n = 0; n < 5; n++) {
      next = await go('member-card', 'finish', 'M100200', next, `77${n}9`);
      expect(next).toMatchObject({ trouble: { kind: 'member-unknown' }, typed: 'M100200' });
      expect(JSON.stringify(next)).not.toContain(`77${n}9`);
    }
    next = await go('member-card', 'finish', 'M100200', next, '4321');
    expect(next.trouble).toEqual({ kind: 'member-limit' });
    expect(next.proof).toBeUndefined();
  });

  test.each([
    ['', '4321'],
    ['M100200', ''],
    ['X'.repeat(41), '4321'],
    ['M100200', '9'.repeat(21)],
  ])('%j with %j is not even asked about', async (number, factor) => {
    const { fakes, journey, go } = desk();
    const next = await go('member-card', 'finish', number, journey, factor);
    expect(next.trouble).toEqual({ kind: 'member-unknown' });
    expect(fakes.of('members.check')).toHaveLength(0);
  });
});

describe('the staff', () => {
  test('read one short line, and are asked once', async () => {
    const { fakes, go } = desk();
    expect(tidyName(' Ada\n\u202eLovelace\t ')).toBe('Ada Lovelace');
    expect(tidyName('x'.repeat(99))).toHaveLength(60);
    const [one, two] = await Promise.all([
      go('staff', 'start', 'Ada'),
      go('staff', 'start', 'Ada'),
    ]);
    expect([one?.requestId, two?.requestId]).toEqual(['ask-1', 'ask-1']);
    expect(fakes.of('approvals.ask')).toEqual([{ name: 'Ada', mac: context.mac }]);
    expect((await go('staff', 'start', ' \n ')).trouble).toEqual({ kind: 'name-missing' });
  });

  test.each([
    ['waiting', { requestId: 'ask-1' }],
    ['granted', { proof: { method: 'staff', requestId: 'ask-1' } }],
    ['denied', { trouble: { kind: 'staff-denied' } }],
    ['expired', { trouble: { kind: 'staff-expired' } }],
  ] as const)('%s', async (state, expected) => {
    const { fakes, tools, go } = desk();
    const asked = await go('staff', 'start', 'Ada');
    const request = fakes.approvals.get('ask-1');
    if (request !== undefined) request.state = state;
    const next = await heardFromStaff(asked, tools);
    expect(next).toMatchObject(expected);
    expect(next.requestId).toBe(state === 'waiting' ? 'ask-1' : undefined);
    expect(next.proof !== undefined).toBe(state === 'granted');
  });
});

describe('ways in', () => {
  const wordings = fakeStore().wordings;
  const oidc = ['a', 'b'].map((id) => ({
    id,
    name: id,
    issuer: 'https://id.example',
    clientId: 'c',
    clientSecret: 's',
    scopes: [],
  }));
  const all: MethodName[] = ['oidc', 'staff', 'member-card', 'voucher'];

  test('are the store’s, in its order, each provider by itself', () => {
    const { ports } = makeFakes();
    expect(waysOf(ports, fakeStore({ methods: all, oidc }))).toEqual([
      'oidc:a',
      'oidc:b',
      'staff',
      'member-card',
      'voucher',
    ]);
    expect(waysOf(ports, fakeStore({ methods: ['oidc'] }))).toEqual([]);
    expect(waysOf(ports, fakeStore({ methods: all, wordings: wordings.slice(1) }))).toEqual([]);
  });

  test('are only those that the host can serve', () => {
    const { ports } = makeFakes({ without: ['members', 'approvals', 'links'] });
    expect(waysOf(ports, fakeStore({ methods: all, oidc }))).toEqual(['voucher']);
  });
});
