/** PURE. Addresses as equipment writes them: MACs in every form, Called-Station-Id, IP blocks. */
import { isIPv4, isIPv6 } from 'node:net';
import { address } from './packet.ts';

/** Where the signs between digits stand, and which: by the length of the whole. */
const SIGNS: Readonly<Record<number, { at: readonly number[]; allowed: string }>> = {
  12: { at: [], allowed: '' },
  13: { at: [6], allowed: '-:' },
  14: { at: [4, 9], allowed: '.:-' },
  17: { at: [2, 5, 8, 11, 14], allowed: '-:' },
};
const DIGITS = '0123456789abcdef';

/** Four bits of a hexadecimal digit's character code, or -1. */
function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** aa:bb:cc:dd:ee:ff of any usual form, or null. All zeros is how some say "nobody". */
export function macIn(words: string): string | null {
  const form = SIGNS[words.length];
  if (form === undefined) return null;
  let mac = '';
  let count = 0;
  let sum = 0;
  for (let i = 0; i < words.length; i++) {
    if (form.at.includes(i)) {
      if (words[i] !== words[form.at[0]!] || !form.allowed.includes(words[i]!)) return null;
      continue;
    }
    const digit = digitOf(words.charCodeAt(i));
    if (digit === -1) return null;
    if (count > 0 && count % 2 === 0) mac += ':';
    mac += DIGITS[digit]!;
    count++;
    sum += digit;
  }
  return sum === 0 ? null : mac;
}

export type MacForm = 'AA-BB' | 'AA:BB' | 'aa-bb' | 'aa:bb' | 'aabb' | 'AABB' | 'aabb-ccdd-eeff';

/** A MAC in the form that a gateway expects it in. */
export function writeMac(mac: string, form: MacForm): string {
  const digits = mac.replaceAll(':', '');
  if (form === 'aabb-ccdd-eeff') return digits.match(/..../g)!.join('-');
  const sign = form.length > 4 ? form[2]! : '';
  const written = digits.match(/../g)!.join(sign);
  return form.startsWith('A') ? written.toUpperCase() : written;
}

/** `MAC:SSID`, `MAC` alone, or a name that says neither. */
export function calledStation(words: string): { ap?: string; ssid?: string } {
  for (const length of [17, 14, 13, 12]) {
    const ap = macIn(words.slice(0, length));
    if (ap === null || words.length < length) continue;
    const rest = words.slice(length);
    if (rest === '') return { ap };
    if (!rest.startsWith(':')) continue;
    const ssid = rest.slice(1, 33);
    return ssid === '' ? { ap } : { ap, ssid };
  }
  return {};
}

/** 10.0.0.1 for ::ffff:10.0.0.1, which is how a socket for both families shows IPv4. */
export function unmapped(ip: string): string {
  const plain = ip.startsWith('::ffff:') ? ip.slice(7) : ip;
  return isIPv4(plain) ? plain : ip;
}

/** Whether an address stands in a block (`10.0.0.0/8`, `2001:db8::/32`, or one address). */
export function inBlock(ip: string, block: string): boolean {
  const [base = '', length] = block.split('/');
  const one = address(0, unmapped(ip))?.value;
  const other = address(0, unmapped(base))?.value;
  if (one === undefined || other === undefined || one.length !== other.length) return false;
  const bits = length === undefined ? one.length * 8 : Number(length);
  if (!Number.isInteger(bits) || bits < 0 || bits > one.length * 8 || length === '') return false;
  for (let bit = 0; bit < bits; bit += 8) {
    const mask = bits - bit >= 8 ? 0xff : (0xff << (8 - (bits - bit))) & 0xff;
    if ((one[bit / 8]! & mask) !== (other[bit / 8]! & mask)) return false;
  }
  return true;
}

/** An address of a client, or undefined for what stands for none. */
export function clientAddress(ip: string | undefined): string | undefined {
  const none = ip === undefined || ip === '0.0.0.0' || ip === '255.255.255.254' || ip === '::';
  return none || !(isIPv4(ip) || isIPv6(ip)) ? undefined : ip;
}
