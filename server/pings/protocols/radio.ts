/** PURE. What a phone hears around it (access points, beacons, codes) as the keys that fences list. */
import { isObject, num, text } from '../ping.ts';

/** Keys kept of one ping; a shop's till hears a dozen. */
export const MAX_HEARD = 32;

/** What Android gives instead of the address when the app may not know it, and what nobody has. */
const placeholders = new Set(['00:00:00:00:00:00', '02:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff']);

/** `bssid:aa:bb:cc:dd:ee:ff` of an address with colons, dashes, dots or nothing between; else null. */
export function bssidKey(value: unknown): string | null {
  const raw = text(value, 40)?.toLowerCase();
  if (raw === undefined) return null;
  // iOS leaves out leading zeros.
  const parts = /^[0-9a-f]{1,2}([:-][0-9a-f]{1,2}){5}$/.test(raw)
    ? raw.split(/[:-]/)
    : /^([0-9a-f]{12}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})$/.test(raw)
      ? (raw.replaceAll('.', '').match(/../g) ?? [])
      : [];
  const address = parts.map((part) => part.padStart(2, '0')).join(':');
  return address === '' || placeholders.has(address) ? null : `bssid:${address}`;
}

/** `beacon:<uuid>:<major>:<minor>`; null when a part is missing or impossible. */
export function beaconKey(uuid: unknown, major: unknown, minor: unknown): string | null {
  const hex = text(uuid, 40)?.toLowerCase().replaceAll('-', '') ?? '';
  const [a, b] = [num(major), num(minor)];
  if (!/^[0-9a-f]{32}$/.test(hex) || !isShort(a) || !isShort(b)) return null;
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return `beacon:${id}:${a}:${b}`;
}

function isShort(value: number | null): value is number {
  return value !== null && Number.isInteger(value) && value >= 0 && value <= 65_535;
}

/** `qr:<code>`, as short codes on a counter are; null without one. */
export function qrKey(code: unknown): string | null {
  const clean = text(code, 128);
  return clean === null ? null : `qr:${clean.toLowerCase()}`;
}

/** Keys of a list of beacons, whatever each app calls the identifier. */
export function beaconKeys(list: unknown): (string | null)[] {
  if (!Array.isArray(list)) return [];
  return list
    .slice(0, MAX_HEARD)
    .map((each: unknown) =>
      isObject(each)
        ? beaconKey(each['uuid'] ?? each['proximityUUID'], each['major'], each['minor'])
        : null,
    );
}

/** The keys there are, each once, no more than a ping may have. */
export function heardOf(keys: readonly (string | null)[]): string[] {
  const there = keys.filter((key) => key !== null);
  return [...new Set(there)].slice(0, MAX_HEARD);
}
