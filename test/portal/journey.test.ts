/** The order of pages, as a table of facts and steps. */
import { describe, expect, test } from '@jest/globals';
import type { Facts } from '../../portal/journey.ts';
import { methodOfWay, nextStep, PATIENCE_MS, wayInForce } from '../../portal/journey.ts';

const START: Facts = {
  ways: ['click-through', 'sms-code', 'email-code', 'voucher', 'member-card'],
  chosen: null,
  known: false,
  age: 'none',
  codeSent: false,
  asked: false,
  proved: false,
  consented: false,
  question: 'none',
  refused: 'no',
  admitted: false,
  grace: false,
  extend: false,
  shut: false,
  door: 'now',
  session: 'unknown',
  landed: false,
  waited: 0,
};
const READY: Partial<Facts> = {
  chosen: 'email-code',
  codeSent: true,
  proved: true,
  consented: true,
};
const INSIDE: Partial<Facts> = { ...READY, admitted: true };
const GRACE: Partial<Facts> = { chosen: 'email-code', codeSent: true, admitted: true, grace: true };

describe('the next step', () => {
  test.each<[string, Partial<Facts>, string]>([
    ['several ways in', {}, 'choose'],
    [
      'a way that is not offered',
      { ways: ['sms-code', 'voucher'], chosen: 'email-code' },
      'choose',
    ],
    ['no way in', { ways: [] }, 'closed'],
    ['only click-through', { ways: ['click-through'] }, 'consent'],
    ['only a voucher', { ways: ['voucher'] }, 'voucher'],
    ['only a phone', { ways: ['sms-code'] }, 'address'],
    ['click-through', { chosen: 'click-through' }, 'consent'],
    ['phone', { chosen: 'sms-code' }, 'address'],
    ['phone, code sent', { chosen: 'sms-code', codeSent: true }, 'code'],
    ['phone proved', { chosen: 'sms-code', codeSent: true, proved: true }, 'consent'],
    ['mail', { chosen: 'email-code' }, 'address'],
    ['mail, code sent', { chosen: 'email-code', codeSent: true }, 'code'],
    ['voucher', { chosen: 'voucher' }, 'voucher'],
    ['voucher accepted', { chosen: 'voucher', proved: true }, 'consent'],
    ['consent without proof counts nothing', { chosen: 'sms-code', consented: true }, 'address'],
    ['consented', { chosen: 'voucher', proved: true, consented: true }, 'admit'],
    [
      'consented, question due',
      { chosen: 'voucher', proved: true, consented: true, question: 'due' },
      'profile',
    ],
    [
      'question answered',
      { chosen: 'voucher', proved: true, consented: true, question: 'settled' },
      'admit',
    ],
    ['refused by the house', { chosen: 'click-through', refused: 'blocked' }, 'refused'],
    ['outside its hours', { chosen: 'click-through', refused: 'closed' }, 'resting'],
    ['a member card', { chosen: 'member-card' }, 'member'],
    ['a member card accepted', { chosen: 'member-card', proved: true }, 'consent'],
    ['one of several providers', { ways: ['oidc:a', 'oidc:b'], chosen: 'oidc:b' }, 'oidc'],
    ['several providers', { ways: ['oidc:a', 'oidc:b'] }, 'choose'],
    ['only one provider', { ways: ['oidc:a'] }, 'oidc'],
    ['back from the provider', { ways: ['oidc:a'], proved: true }, 'consent'],
    ['the staff', { chosen: 'staff', ways: ['staff', 'voucher'] }, 'staff'],
    ['the staff asked', { chosen: 'staff', ways: ['staff', 'voucher'], asked: true }, 'waiting'],
    ['the staff agreed', { ways: ['staff'], asked: true, proved: true }, 'consent'],
    ['a device that is known', { known: true }, 'back'],
    ['a device that is known is not asked its age', { known: true, age: 'due' }, 'back'],
    ['a device that is known, no way in any more', { known: true, ways: [] }, 'closed'],
    ['a device that is known and barred', { known: true, refused: 'blocked' }, 'refused'],
    ['an age gate', { age: 'due' }, 'age'],
    ['an age gate, one way', { age: 'due', ways: ['click-through'] }, 'age'],
    ['an age told', { age: 'settled' }, 'choose'],
    ['grace, door on its way', { ...GRACE, session: 'pending' }, 'connecting'],
    ['grace, door by the browser', { ...GRACE, door: 'browser', session: 'pending' }, 'door'],
    ['grace, gateway silent', { ...GRACE, door: 'poll', waited: PATIENCE_MS }, 'late'],
    ['grace, gateway said no', { ...GRACE, session: 'pending', shut: true }, 'shut'],
    ['grace running: the code still waits', { ...GRACE, session: 'active' }, 'code'],
    ['grace over: the code still waits', { ...GRACE, session: 'ended' }, 'code'],
    ['grace running, code right', { ...GRACE, session: 'active', proved: true }, 'consent'],
    [
      'grace running, all done, the gateway can extend',
      { ...GRACE, ...READY, session: 'active', extend: true },
      'admit',
    ],
    [
      'grace running, all done, the gateway cannot extend',
      { ...GRACE, ...READY, session: 'active' },
      'renew',
    ],
    ['grace over, all done', { ...GRACE, ...READY, session: 'ended' }, 'admit'],
    [
      'grace over, all done, landed',
      { ...GRACE, ...READY, session: 'ended', landed: true },
      'admit',
    ],
    ['the gateway said no', { ...INSIDE, session: 'pending', shut: true }, 'shut'],
    ['the gateway said no, and then yes', { ...INSIDE, session: 'active', shut: true }, 'welcome'],
    [
      'the gateway said no to the browser',
      { ...INSIDE, door: 'browser', session: 'pending', shut: true },
      'shut',
    ],
    ['inside, door opens at once', { ...INSIDE, session: 'active' }, 'welcome'],
    ['inside, confirmation on its way', { ...INSIDE, session: 'pending' }, 'connecting'],
    ['door by the browser', { ...INSIDE, door: 'browser', session: 'pending' }, 'door'],
    [
      'back from the door',
      { ...INSIDE, door: 'browser', session: 'pending', landed: true },
      'welcome',
    ],
    ['door by the gateway', { ...INSIDE, door: 'poll', session: 'pending' }, 'connecting'],
    ['just patient', { ...INSIDE, door: 'poll', waited: PATIENCE_MS - 1 }, 'connecting'],
    ['no longer patient', { ...INSIDE, door: 'poll', waited: PATIENCE_MS }, 'late'],
    ['confirmed late', { ...INSIDE, door: 'poll', waited: 90_000, session: 'active' }, 'welcome'],
    ['ended', { ...INSIDE, session: 'ended' }, 'ended'],
    ['ended although landed', { ...INSIDE, session: 'ended', landed: true }, 'ended'],
  ])('%s', (_name, facts, step) => {
    expect(nextStep({ ...START, ...facts })).toBe(step);
  });
});

test.each([
  [['sms-code'], null, 'sms-code'],
  [['sms-code', 'voucher'], null, null],
  [['sms-code', 'voucher'], 'voucher', 'voucher'],
  [['sms-code', 'voucher'], 'click-through', null],
  [[], 'voucher', null],
  [['oidc:a', 'oidc:b'], 'oidc:b', 'oidc:b'],
  [['oidc:a', 'oidc:b'], 'oidc:c', null],
] as const)('of %j with %j chosen, %j is in force', (ways, chosen, expected) => {
  expect(wayInForce(ways, chosen)).toBe(expected);
});

test('a provider is a way of the method oidc, whatever its name', () => {
  expect((['oidc:a', 'oidc:voucher', 'voucher', 'oidc'] as const).map(methodOfWay)).toEqual([
    'oidc',
    'oidc',
    'voucher',
    'oidc',
  ]);
});

test('every step but those of a known device comes after one before it, for all facts', () => {
  const flags = [true, false];
  const seen = new Set<string>();
  for (const known of flags)
    for (const codeSent of flags)
      for (const proved of flags)
        for (const consented of flags)
          for (const admitted of flags)
            for (const grace of flags)
              for (const session of ['unknown', 'pending', 'active', 'ended'] as const) {
                const facts = { known, codeSent, proved, consented, admitted, grace, session };
                const step = nextStep({ ...START, chosen: 'email-code', ...facts });
                seen.add(step);
                // Nobody is inside who was not admitted, and nobody is admitted without proof and agreement.
                if (['welcome', 'ended', 'door', 'connecting', 'late'].includes(step))
                  expect(admitted).toBe(true);
                if (step === 'admit' || step === 'renew')
                  expect([proved, consented]).toEqual([true, true]);
              }
  expect([...seen].toSorted()).toEqual([
    'address',
    'admit',
    'back',
    'code',
    'connecting',
    'consent',
    'ended',
    'renew',
    'welcome',
  ]);
});
