/** Random damage to valid messages: values and names that do not fit, and bytes that are not JSON. */
import type { Random } from '../lib/random.ts';

type Node = Record<string, unknown> | unknown[];

/** Values that have broken parsers before. */
const hostile: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => [],
  () => ({}),
  () => '',
  () => ' ',
  () => 'NaN',
  () => 'Infinity',
  () => '-0',
  () => '1e400',
  () => '0x10',
  () => '١٢٣',
  () => '\u0000',
  () => '\ud800',
  () => '\u202e\u001b[31m',
  () => 'x'.repeat(300),
  () => '9'.repeat(100),
  () => 0,
  () => -0,
  () => -1,
  () => 90.0000001,
  () => -180.5,
  () => 1e9,
  () => 2 ** 31,
  () => Number.MAX_SAFE_INTEGER,
  () => 1e308,
  () => -1e308,
  () => 5e-324,
  () => 1_794_916_770,
  () => 1_794_916_770_000,
  () => '2026-11-17T11:59:30Z',
  () => '2026-02-30T25:61:61+99:99',
  () => '9999-12-31T23:59:59Z',
  () => '0000-00-00 00:00:00',
  () => ({ toString: 1, valueOf: null }),
  () => [[[[[[[[[]]]]]]]]],
  () => ({ __proto__: null, length: 1e9 }),
  () => ['51.5', '-0.1'],
  () => Array.from({ length: 300 }, (_, i) => i),
];

const names = [
  'lat',
  'lon',
  'latitude',
  'longitude',
  'location',
  'locations',
  'coords',
  'timestamp',
  'tst',
  'time',
  'accuracy',
  'acc',
  'speed',
  'vel',
  'beacons',
  'bssid',
  'wifi',
  'id',
  'uuid',
  'data',
  '_type',
  'type',
  'geometry',
  'properties',
  'coordinates',
  'extras',
  'age',
  'sample',
  'mock',
  'replays',
  'gps',
  'sentAt',
  '__proto__',
  'constructor',
  'toString',
  'length',
  '',
];

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** A place somewhere in the tree: its holder and its name there. */
function somewhere(root: Node, random: Random): { holder: Node; key: string } | null {
  let holder = root;
  for (;;) {
    const keys = Object.keys(holder);
    if (keys.length === 0) return null;
    const key = random.pick(keys);
    const value = (holder as Record<string, unknown>)[key];
    if (!isNode(value) || random.next() < 0.25) return { holder, key };
    holder = value;
  }
}

function set(holder: Node, key: string, value: unknown): void {
  // A list's length is not a name, and JSON has no holes.
  if (Array.isArray(holder) && !/^\d{1,3}$/.test(key)) return;
  // As JSON.parse does it: `__proto__` is a name like any other.
  Object.defineProperty(holder, key, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

function bend(value: unknown, random: Random): unknown {
  if (typeof value === 'number') {
    const ways = [-value, value * 1000, value + random.normal(), String(value), value * 1e300];
    return random.pick(ways);
  }
  if (typeof value === 'string') return damageText(value, random);
  if (Array.isArray(value)) return [...(value as unknown[]), ...(value as unknown[])].slice(0, 64);
  return [value];
}

/** Changes one place of a parsed message. */
export function damageTree(root: unknown, random: Random): unknown {
  if (!isNode(root)) return random.pick(hostile)();
  const place = somewhere(root, random);
  if (place === null) return random.pick(hostile)();
  const { holder, key } = place;
  const value = (holder as Record<string, unknown>)[key];
  const way = random.next();
  if (way < 0.4) set(holder, key, random.pick(hostile)());
  else if (way < 0.6) set(holder, key, bend(value, random));
  else if (way < 0.7) Reflect.deleteProperty(holder, key);
  else if (way < 0.8) {
    Reflect.deleteProperty(holder, key);
    set(holder, random.pick(names), value);
  } else if (way < 0.9)
    set(holder, random.pick(names), random.next() < 0.5 ? value : random.pick(hostile)());
  else if (way < 0.95) set(holder, key, { [random.pick(names)]: value });
  else return [root, random.pick(hostile)()];
  return root;
}

const signs = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  '&',
  '=',
  '%',
  '+',
  '\u0000',
  '\ufeff',
  '\ud83d',
  'e9',
  '-',
  '.',
  '\n',
];

/** Changes single signs of a text, or cuts it, or repeats a part. */
export function damageText(text: string, random: Random): string {
  const at = Math.floor(random.next() * (text.length + 1));
  const way = random.next();
  if (way < 0.3) return text.slice(0, at) + random.pick(signs) + text.slice(at);
  if (way < 0.5) return text.slice(0, at) + text.slice(at + 1 + Math.floor(random.next() * 8));
  if (way < 0.7) {
    const sign = String.fromCharCode(
      Math.floor(random.next() * (random.next() < 0.9 ? 128 : 65_536)),
    );
    return text.slice(0, at) + sign + text.slice(at + 1);
  }
  if (way < 0.85) return text.slice(0, at);
  return (text.slice(0, at) + text.slice(Math.max(0, at - 20))).slice(0, 20_000);
}

/** Changes one field of an address or a form. */
export function damageFields(query: string, random: Random): string {
  const fields = query.split('&');
  const at = Math.floor(random.next() * fields.length);
  const [name = '', value = ''] = (fields[at] ?? '').split('=', 2);
  const way = random.next();
  const text = (): string => {
    const made = random.pick(hostile)();
    return typeof made === 'string' ? made : JSON.stringify(made);
  };
  if (way < 0.4) fields[at] = `${name}=${safely(text())}`;
  else if (way < 0.5) fields[at] = `${random.pick(names)}=${value}`;
  else if (way < 0.6) fields.splice(at, 1);
  else if (way < 0.7) fields.push(`${name}=${safely(text())}`);
  else if (way < 0.8) fields.push(...fields.slice(0, 20));
  else return damageText(query, random);
  return fields.join('&').slice(0, 20_000);
}

/** Lone surrogates cannot be percent-encoded. */
function safely(text: string): string {
  return encodeURIComponent(text.replace(/[\ud800-\udfff]/g, '?'));
}
