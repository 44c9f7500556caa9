/** How a maker of test rows works: defaults, what a test changes, one insert. */
import type { Queryable } from '../../server/db/database.ts';

const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** JSON columns need text; dates, buffers and plain lists go as they are. */
function parameter(value: unknown): unknown {
  const plain =
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
  return plain ? JSON.stringify(value) : (value ?? null);
}

async function insert(db: Queryable, table: string, row: object): Promise<void> {
  const columns = Object.entries(row).filter(([, value]) => value !== undefined);
  // The two geography columns take GeoJSON.
  const places = columns.map(([name], i) =>
    name === 'shape' || name === 'location'
      ? `st_setsrid(st_geomfromgeojson($${i + 1}), 4326)::geography`
      : `$${i + 1}`,
  );
  await db.query(
    `insert into ${table} (${columns.map(([name]) => snake(name)).join(', ')}) values (${places.join(', ')})`,
    columns.map(([, value]) => parameter(value)),
  );
}

/** A maker takes the ids its row hangs on, then what differs from the defaults; it gives the row. */
export function maker<A extends unknown[], R extends object>(
  table: string,
  defaults: (...ids: A) => R,
) {
  return async (db: Queryable, ...given: [...ids: A, over?: Partial<R>]): Promise<R> => {
    const ids = given.slice(0, defaults.length) as unknown as A;
    const row = { ...defaults(...ids), ...(given[defaults.length] as Partial<R> | undefined) };
    await insert(db, table, row);
    return row;
  };
}

/** Nullable columns, null unless a test says otherwise. */
const nulls = <T>() => {
  return <K extends string>(...names: K[]) =>
    Object.fromEntries(names.map((name) => [name, null])) as Record<K, T | null>;
};
export const noText = nulls<string>();
export const noDate = nulls<Date>();
export const noNumber = nulls<number>();
/** A default of a wider type: one of several words, or null. */
export const wide = <T>(value: T): T => value;
