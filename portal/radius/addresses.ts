/** PURE. Addresses as equipment writes them: MACs in every form, Called-Station-Id, IP blocks. */
import { isIPv4, isIPv6 } from 'node:net';
import { address } from './packet.ts';

const FORMS = [
  /^[0-9a-f]{12}$/i,
  /^[0-9a-f]{2}(?:-[0-9a-f]{2}){5}$/i,
  /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i,
  /^[0-9a-f]{4}([.:-])[0-9a-f]{4}\1[0-9a-f]{4}$/i,
  /^[0-9a-f]{6}[-:][0-9a-f]{6}$/i,
];

/** aa:bb:cc:dd:ee:ff of any usual form, or null. All zeros is how some say "nobody". */
export function macIn(words: string): string | null {
  if (!FORMS.some((form) => form.test(words))) return null;
  const digits = words.replaceAll(/[.:-]/g, '').toLowerCase();
  return digits === '000000000000' ? null : digits.match(/../g)!.join(':');
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
