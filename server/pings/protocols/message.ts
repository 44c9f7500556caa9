/** PURE. Requests of apps that write into the address, a form or JSON: read once, asked by name. */
import type { Json } from '../ping.ts';
import { text } from '../ping.ts';

/** Names in lower case; each with its values in the order sent. */
export type Flat = ReadonlyMap<string, readonly string[]>;

export interface Message {
  /** From the address and, after it, from a form. */
  readonly fields: Flat;
  /** The parsed body when it was JSON, else undefined. */
  readonly json: unknown;
  /** The body began like JSON and was none. */
  readonly broken: boolean;
}

const MAX_FIELDS = 200;
const MAX_VALUES = 64;
const MAX_TEXT = 500;

type Pair = readonly [string, unknown];

function flat(pairs: Iterable<Pair>): Flat {
  const fields = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    if (fields.size >= MAX_FIELDS) break;
    for (const each of (Array.isArray(value) ? value : [value]).slice(0, MAX_VALUES)) {
      const clean = text(typeof each === 'boolean' ? String(each) : each, MAX_TEXT);
      if (clean === null) continue;
      const key = name.slice(0, MAX_TEXT).toLowerCase();
      const known = fields.get(key);
      if (!known) fields.set(key, [clean]);
      else if (known.length < MAX_VALUES) known.push(clean);
    }
  }
  return fields;
}

/** An object's own values as fields; what is no text, number or yes/no is left out. */
export function fieldsOf(object: Json): Flat {
  return flat(Object.entries(object));
}

/** `body` is the text of the body, undefined when there was none. */
export function readMessage(query: Json, body: unknown): Message {
  const raw = typeof body === 'string' ? body.trim() : '';
  const fromAddress = Object.entries(query);
  if (!/^[{[]/.test(raw)) {
    const form = raw.includes('=') ? new URLSearchParams(raw) : [];
    return { fields: flat([...fromAddress, ...form]), json: undefined, broken: false };
  }
  const fields = flat(fromAddress);
  try {
    return { fields, json: JSON.parse(raw) as unknown, broken: false };
  } catch {
    return { fields, json: undefined, broken: true };
  }
}

/** The first value under any of the names, in the order of the names. */
export function field(fields: Flat, ...names: string[]): string | null {
  for (const name of names) {
    const value = fields.get(name)?.[0];
    if (value !== undefined) return value;
  }
  return null;
}

/** Yes or no, as apps write it; null when it says neither. */
export function yesNo(value: unknown): boolean | null {
  const word = typeof value === 'boolean' ? String(value) : text(value, 8)?.toLowerCase();
  if (word === 'true' || word === '1' || word === 'yes') return true;
  return word === 'false' || word === '0' || word === 'no' ? false : null;
}

/** The first value of an object under any of the names that is there at all. */
export function pick(object: Json, ...names: string[]): unknown {
  for (const name of names) {
    if (Object.hasOwn(object, name) && object[name] !== null) return object[name];
  }
  return undefined;
}
