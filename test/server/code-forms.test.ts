/** What people type: phone numbers, mail addresses and printed codes into their one form. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { normaliseEmail, normalisePhone, textTarget } from '../../server/codes/addresses.ts';
import {
  formatPrintableCode,
  newPrintableCode,
  parsePrintableCode,
} from '../../server/codes/printable.ts';

describe('what people type', () => {
  test.each([
    ['07400 123456', 'GB', '+447400123456'],
    ['+44 (0)7400 123456', 'DE', '+447400123456'],
    ['＋４４７４００１２３４５６', 'CN', '+447400123456'],
    ['138 0013 8000', 'CN', '+8613800138000'],
    ['0044 7400 123456', 'GB', '+447400123456'],
    ['12345', 'GB', null],
    ['', 'GB', null],
    ['+44 7400 123456 ext 9', 'GB', null],
    ['call 07400123456 now', 'GB', null],
    ['07400 123456', 'XX', null],
    ["' or 1=1 --", 'GB', null],
  ])('phone %j in %s is %j', (typed, country, expected) => {
    expect(normalisePhone(typed, country)).toBe(expected);
  });

  test.each([
    ['  Ada@Example.COM ', 'ada@example.com'],
    ['a.b+c@mail.example.co.uk', 'a.b+c@mail.example.co.uk'],
    ['info@bücher.example', 'info@xn--bcher-kva.example'],
    ['ａｄａ＠example.com', 'ada@example.com'],
    ['ada@localhost', null],
    ['ada@@example.com', null],
    ['ada@example.com, eve@example.com', null],
    ['ada@example.com\r\nBcc: eve@example.com', null],
    ['"ada eve"@example.com', null],
    ['<ada@example.com>', null],
    [`${'a'.repeat(65)}@example.com`, null],
    [`a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(70)}.com`, null],
    ['ada@exa mple.com', null],
    ['ada@-example.com', null],
    ['@example.com', null],
    ['ada@192.168.0.1', null],
  ])('mail %j is %j', (typed, expected) => {
    expect(normaliseEmail(typed)).toBe(expected);
  });

  test.each([
    ['+447400123456', { country: 'GB', prefix: '+44740' }, 'a mobile'],
    ['+8613800138000', { country: 'CN', prefix: '+86138' }, 'a mobile'],
    ['+12025550123', { country: 'US', prefix: '+1202' }, 'mobile or not, nobody can tell'],
    ['+442079460000', null, 'a landline'],
    ['+449098790000', null, 'premium rate'],
    ['+448081570000', null, 'free phone'],
  ])('%s takes texts as %j: %s', (number, target, _what) => {
    expect(textTarget(number)).toEqual(target);
  });
});

test('endless input is refused before anything parses it', () => {
  const endless = '9'.repeat(1_000_000);
  expect(normalisePhone(endless, 'GB')).toBeNull();
  expect(normaliseEmail(`${endless}@example.com`)).toBeNull();
  expect(parsePrintableCode(endless)).toBeNull();
});

describe('printable codes', () => {
  test('survive being printed and typed, in any hand', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 22 }),
        fc.infiniteStream(fc.nat(22)),
        (length, draws) => {
          const code = newPrintableCode(length, () => draws.next().value);
          expect(code).toHaveLength(length);
          expect(code).not.toMatch(/[01ILOQ6ABESUZ]/);
          const shown = formatPrintableCode(code);
          expect(parsePrintableCode(shown)).toBe(code);
          expect(parsePrintableCode(` ${shown.toLowerCase().replaceAll('-', ' – ')} `)).toBe(code);
          const misread = code.replaceAll('D', '0').replaceAll('8', 'B').replaceAll('5', 's');
          expect(parsePrintableCode(misread)).toBe(code);
        },
      ),
    );
  });

  test('every wrong sign and every swap of two signs is noticed', () => {
    const alphabet = '2345789CDFGHJKMNPRTVWXY';
    const code = newPrintableCode(10);
    const missed: string[] = [];
    for (let i = 0; i < code.length; i++) {
      for (const sign of alphabet) {
        if (sign === code[i]) continue;
        const changed = code.slice(0, i) + sign + code.slice(i + 1);
        if (parsePrintableCode(changed) !== null) missed.push(changed);
      }
      for (let j = i + 1; j < code.length; j++) {
        const swapped = code.split('');
        [swapped[i], swapped[j]] = [swapped[j]!, swapped[i]!];
        const changed = swapped.join('');
        if (changed !== code && parsePrintableCode(changed) !== null) missed.push(changed);
      }
    }
    expect(missed).toEqual([]);
  });

  test.each(['', 'ABC', 'X'.repeat(23), '---', "'; drop table x", '🙂🙂🙂🙂🙂', 'TTTT1'])(
    '%j is none',
    (typed) => expect(parsePrintableCode(typed)).toBeNull(),
  );
});
