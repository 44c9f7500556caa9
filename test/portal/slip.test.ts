/** A slip's QR: it leads to the store's page with the code to look at, and the field holds it later; nothing is sent. */
import { describe, expect, test } from '@jest/globals';
import { fakeStore } from '../support/fakes.ts';
import { makePhone } from './phone.ts';

const voucherStore = () => fakeStore({ methods: ['voucher', 'sms-code'] });

describe('a scanned slip', () => {
  test('shows its code and waits in the field until the guest presses the button', async () => {
    const open = { publicUrl: 'http://portal.example' };
    const phone = makePhone([voucherStore()], open, { cookies: true });
    const scanned = await phone.get('/p/harbour?code=MRNJ2-YG5CY');
    expect(scanned.html).toContain('Your code is MRNJ2-YG5CY');
    expect(phone.fakes.of('vouchers.check')).toEqual([]);
    const voucher = await phone.submit(await phone.arrive(), { method: 'voucher' });
    const typed = (html: string) => /id="value"[^>]* value="([^"]*)"/.exec(html)?.[1];
    expect(typed(voucher.html)).toBe('MRNJ2-YG5CY');
    expect(phone.fakes.of('vouchers.check')).toEqual([]);
    const wrong = await phone.submit(voucher, { value: 'something-else' });
    expect(typed(wrong.html)).toBe('something-else');
  });

  test.each([
    ['lower case and blanks', '/p/harbour?code=mrnj2%20yg5cy'],
    ['markup', '/p/harbour?code=%3Cb%3E'],
    ['another cookie', '/p/harbour?code=A;Path=/'],
    ['a novel', `/p/harbour?code=${'A'.repeat(200)}`],
    ['nothing', '/p/harbour?code='],
  ])('%s is no code', async (_name, url) => {
    const phone = makePhone([voucherStore()]);
    const page = await phone.get(url);
    expect(page.heading).toBe('Join the WiFi first');
    expect(page.html).not.toContain('Your code is');
  });

  test('says nothing where codes do not let anybody in', async () => {
    const phone = makePhone([fakeStore({ methods: ['sms-code'] })]);
    expect((await phone.get('/p/harbour?code=MRNJ2-YG5CY')).html).not.toContain('Your code is');
  });
});
