/** The order of pages, as a table of facts and steps. */
import { describe, expect, test } from '@jest/globals';
import type { Facts } from '../../portal/journey.ts';
import { methodInForce, nextStep, PATIENCE_MS } from '../../portal/journey.ts';

const START: Facts = {
  methods: ['click-through', 'sms-code', 'email-code', 'voucher'],
  chosen: null,
  codeSent: false,
  proved: false,
  consented: false,
  question: 'none',
  refused: false,
  admitted: false,
  door: 'now',
  session: 'unknown',
  landed: false,
  waited: 0,
};
const INSIDE: Partial<Facts> = { proved: true, consented: true, admitted: true };

describe('the next step', () => {
  test.each<[string, Partial<Facts>, string]>([
    ['several ways in', {}, 'choose'],
    [
      'a way that is not offered',
      { methods: ['sms-code', 'voucher'], chosen: 'email-code' },
      'choose',
    ],
    ['no way in', { methods: [] }, 'closed'],
    ['only click-through', { methods: ['click-through'] }, 'consent'],
    ['only a voucher', { methods: ['voucher'] }, 'voucher'],
    ['only a phone', { methods: ['sms-code'] }, 'address'],
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
    ['refused by the house', { chosen: 'click-through', refused: true }, 'refused'],
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
] as const)('of %j with %j chosen, %j is in force', (methods, chosen, expected) => {
  expect(methodInForce(methods, chosen)).toBe(expected);
});
