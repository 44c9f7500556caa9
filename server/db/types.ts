/** PURE. How column values come back, the same on both engines; given to each client, never set globally. */
import pg from 'pg';

type Parse = (text: string) => unknown;

const INT8 = 20;
const TEXT_ARRAY = 1009;

function wholeNumber(text: string): number {
  const value = Number(text);
  // Silence here would hand out a neighbour's identifier or a wrong sum.
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 ${text} does not fit a number`);
  return value;
}

function instant(text: string): Date {
  return new Date(`${text.replace(' ', 'T')}Z`);
}

function same(text: string): string {
  return text;
}

/** pg's own parsers; its typings list only the oids that have a name there. */
const builtin = pg.types.getTypeParser as (oid: number, format?: string) => Parse;

const textArray = builtin(TEXT_ARRAY) as (text: string) => (string | null)[];

function arrayOf(parse: Parse): Parse {
  return (text) => textArray(text).map((item) => (item === null ? null : parse(item)));
}

const parsers: ReadonlyMap<number, Parse> = new Map<number, Parse>([
  [INT8, wholeNumber],
  [1016, arrayOf(wholeNumber)],
  [1700, Number],
  [1231, arrayOf(Number)],
  // date: a day has no time zone, a Date would give it one
  [1082, same],
  [1182, arrayOf(same)],
  // timestamp without time zone: read as UTC, not as the machine's zone
  [1114, instant],
  // interval
  [1186, same],
  [1187, arrayOf(same)],
  // uuid[], which pg leaves as text
  [2951, arrayOf(same)],
]);

export const columnTypes = {
  getTypeParser(oid: number, format?: string): Parse {
    const own = format === 'binary' ? undefined : parsers.get(oid);
    return own ?? builtin(oid, format);
  },
};
