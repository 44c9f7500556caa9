/** A printed code that opens the WiFi; checked here, used up only when the host admits the guest. */
import type { Trouble } from '../context.ts';
import type { Method } from './method.ts';
import { plainDigits, troubled, untroubled } from './method.ts';

const TROUBLE = {
  unknown: 'voucher-unknown',
  used: 'voucher-used',
  expired: 'voucher-expired',
  'too-many-tries': 'voucher-limit',
} as const satisfies Record<string, Trouble['kind']>;

const MAX_CODE = 40;

/** Upper case without the blanks, dashes and dots that slips of paper add for the eye; look-alikes are the host's. */
export function tidyVoucher(typed: string): string {
  return plainDigits(typed)
    .toUpperCase()
    .replaceAll(/[\s\p{Pd}\p{Cf}_.]/gu, '');
}

export const voucher: Method = {
  name: 'voucher',
  async submit(journey, form, { store, vouchers, networkIp }) {
    const code = tidyVoucher(form.value);
    if (code.length === 0 || code.length > MAX_CODE)
      return troubled(journey, { kind: 'voucher-unknown' }, form.value);
    const mac = journey.context?.mac ?? '';
    const outcome = await vouchers.check(store, code, mac, networkIp);
    if (!outcome.ok) return troubled(journey, { kind: TROUBLE[outcome.reason] }, form.value);
    return { ...untroubled(journey), proof: { method: 'voucher', code } };
  },
};
