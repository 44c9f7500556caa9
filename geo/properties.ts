/** PURE. What a GeoJSON feature says of a fence beside its geometry, checked. */
import type { FenceDefinition } from './fence.ts';
import { DATUMS } from './datum.ts';
import type { Datum } from './datum.ts';
import { faulty, given, isObject } from './fence-fault.ts';
import { openingHoursOf } from './opening-hours.ts';

export const MAX_KEYS = 200;
export const MAX_MEMBERS = 100;
export const MAX_TEXT = 200;
const MAX_COOLDOWN = 30 * 86_400;

export type Properties = Record<string, unknown>;

export function identifier(
  value: unknown,
  code: 'bad-id' | 'bad-parent' | 'bad-property' | 'bad-members',
  what: string,
): string {
  const text = typeof value === 'number' && Number.isFinite(value) ? String(value) : value;
  if (typeof text !== 'string' || text.length === 0 || text.length > MAX_TEXT) {
    throw faulty(code, `${what} must be a text of 1 to ${MAX_TEXT} characters or a number`);
  }
  return text;
}

function wholeNumber(value: unknown, name: string, least: number, most: number): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw faulty('bad-property', `${name} must be a whole number, ${least} to ${most}`);
  }
  return value as number;
}

/** `aa:bb:cc:dd:ee:ff` whatever stands between the pairs; null when it is no address. */
function bssid(text: string): string | null {
  const hex = text.replaceAll(/[:.-]/g, '');
  return /^[0-9a-f]{12}$/.test(hex) ? (hex.match(/../g) ?? []).join(':') : null;
}

function beaconId(uuid: string): string | null {
  const hex = uuid.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/.test(hex)) return null;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const isShort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= 65_535;

function beaconOf(uuid: unknown, major: unknown, minor: unknown): string | null {
  const id = typeof uuid === 'string' ? beaconId(uuid.toLowerCase()) : null;
  const [a, b] = [String(major), String(minor)];
  return id !== null && isShort(a) && isShort(b) ? `beacon:${id}:${Number(a)}:${Number(b)}` : null;
}

/** One key as phones' messages give them; null when it is none. */
function keyOf(value: unknown): string | null {
  if (isObject(value)) return beaconOf(value.uuid, value.major, value.minor);
  if (typeof value !== 'string' || value.length > MAX_TEXT) return null;
  const text = value.trim().toLowerCase();
  const colon = text.indexOf(':');
  const [kind, rest] = [text.slice(0, colon), text.slice(colon + 1)];
  if (kind === 'bssid') {
    const address = bssid(rest);
    return address === null ? null : `bssid:${address}`;
  }
  if (kind === 'beacon') {
    const [uuid, major, minor, more] = rest.split(':');
    return more === undefined ? beaconOf(uuid, major, minor) : null;
  }
  if ((kind === 'gateway' || kind === 'qr') && rest !== '') return `${kind}:${rest}`;
  const bare = bssid(text);
  return bare === null ? null : `bssid:${bare}`;
}

/**
 * The keys of a fence, each once, lower case: texts with their kind before a colon, a bare BSSID,
 * or a beacon as {uuid, major, minor}. Undefined when there are none.
 */
export function radioOf(value: unknown): readonly string[] | undefined {
  if (!given(value)) return undefined;
  if (!Array.isArray(value)) throw faulty('bad-radio', '"radio" is a list of keys');
  if (value.length > MAX_KEYS) {
    throw faulty('too-many-keys', `${value.length} radio keys; at most ${MAX_KEYS} on one fence`);
  }
  const keys = value.map((each: unknown, i) => {
    const key = keyOf(each);
    if (key !== null) return key;
    throw faulty(
      'bad-radio',
      `radio key ${i + 1} must read bssid:aa:bb:cc:dd:ee:ff, gateway:<id>, ` +
        'beacon:<uuid>:<major>:<minor> or qr:<code>',
    );
  });
  return keys.length === 0 ? undefined : [...new Set(keys)];
}

/** In which datum the coordinates are. */
export function datumOf(value: unknown, fallback: Datum): Datum {
  if (!given(value)) return fallback;
  const name = typeof value === 'string' ? value.toLowerCase().replaceAll(/[^a-z0-9]/g, '') : '';
  const datum = DATUMS.find((each) => each === name);
  if (!datum) throw faulty('bad-datum', `the datum is one of ${DATUMS.join(', ')}`);
  return datum;
}

type Common = Omit<FenceDefinition, 'shape' | 'changedAt' | 'drawnIn' | 'source'>;

function nameOf(value: unknown, fallback: string): string {
  const name = given(value) ? value : fallback;
  if (typeof name !== 'string' || name.length > MAX_TEXT) {
    throw faulty('bad-name', `the name must be a text of at most ${MAX_TEXT} characters`);
  }
  return name;
}

/** Everything but the ground. Null counts as left out. */
export function commonOf(properties: Properties, id: string, name: string): Common {
  const { parent, floor, version, minDwellSeconds, priority, cooldownSeconds } = properties;
  const above = given(parent) ? identifier(parent, 'bad-parent', 'the parent') : null;
  if (above === id) throw faulty('bad-parent', 'a fence cannot be its own parent');
  const number = (key: string, value: unknown, least: number, most: number) =>
    given(value) ? { [key]: wholeNumber(value, key, least, most) } : {};
  const radio = radioOf(properties.radio);
  const hours = openingHoursOf(properties);
  return {
    id,
    name: nameOf(properties.name, name),
    ...(above === null ? {} : { parent: above }),
    ...number('version', version, 1, 2 ** 31),
    ...number('minDwellSeconds', minDwellSeconds, 0, 86_400),
    ...(given(floor) ? { floor: identifier(floor, 'bad-property', 'the floor') } : {}),
    ...(radio ? { radio } : {}),
    ...number('priority', priority, -100, 100),
    ...number('cooldownSeconds', cooldownSeconds, 0, MAX_COOLDOWN),
    ...(hours ? { hours } : {}),
  };
}

/** Ids of the fences a composite is made of. */
export function membersOf(value: unknown, self: string): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw faulty('bad-members', 'a composite needs "members", a list of fence ids');
  }
  if (value.length > MAX_MEMBERS) {
    throw faulty('too-many-members', `${value.length} members; at most ${MAX_MEMBERS}`);
  }
  const members = value.map((each, i) => identifier(each, 'bad-members', `member ${i + 1}`));
  if (members.includes(self)) throw faulty('bad-members', 'a fence cannot be its own member');
  return [...new Set(members)];
}
