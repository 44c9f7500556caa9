/** A forgotten filter cannot leak: row-level security of every table with a merchant in it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Database, Row } from '../../server/db/database.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

const A = '00000000-0000-4000-8000-00000000000a';
const B = '00000000-0000-4000-8000-00000000000b';

interface Column extends Row {
  name: string;
  type: string;
  given: boolean;
  allowed: string[] | null;
}

let target: TestDatabase;
let db: Database;
let tables: string[];

/** Columns one has to fill, with the values a `check (x in (…))` allows. */
async function columnsOf(table: string): Promise<Column[]> {
  const { rows } = await db.query<Column>(
    `select a.attname as name, format_type(a.atttypid, null) as type,
            a.atthasdef or a.attidentity <> '' as given,
            (select array_agg(m[1]) from pg_constraint c,
                    regexp_matches(pg_get_constraintdef(c.oid), '''([^'']+)''::text', 'g') m
              where c.conrelid = a.attrelid and c.contype = 'c' and c.conkey = array[a.attnum]
                and pg_get_constraintdef(c.oid) ~ 'ANY') as allowed
       from pg_attribute a
      where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attnotnull`,
    [table],
  );
  return rows;
}

const samples: Record<string, string> = {
  uuid: 'gen_random_uuid()',
  text: 'md5(random()::text)',
  bytea: "decode(md5(random()::text), 'hex')",
  integer: '200',
  bigint: '200',
  'double precision': '0.5',
  'timestamp with time zone': 'now()',
  jsonb: "'{}'",
  boolean: 'true',
  'text[]': "'{}'",
  geography: "'POINT(0 0)'",
  date: 'current_date',
};

/** What a column's own check wants beyond its type. */
const special: Record<string, string> = {
  'stores.country': "'CN'",
  'staff.email': "md5(random()::text) || '@example.org'",
  'offers.headline': "'h'",
};

function valueOf(table: string, column: Column, merchant: string): string {
  if (column.name === 'merchant_id') return `'${merchant}'`;
  const allowed = column.allowed?.[0];
  const value = special[`${table}.${column.name}`] ?? (allowed ? `'${allowed}'` : undefined);
  const sample = value ?? samples[column.type];
  if (!sample) throw new Error(`no sample for ${table}.${column.name} of type ${column.type}`);
  return sample;
}

/** One row for this merchant, with foreign keys put aside: only the policy is under test. */
async function plant(table: string, merchant: string): Promise<void> {
  const columns = (await columnsOf(table)).filter(({ given }) => !given);
  const values = columns.map((column) => valueOf(table, column, merchant));
  await db.query(
    `insert into ${table} (${columns.map(({ name }) => `"${name}"`).join(', ')})
     values (${values.join(', ')})`,
  );
}

async function dropForeignKeys(): Promise<void> {
  await db.query(`do $$ declare k record; begin
    for k in select conrelid::regclass as t, conname from pg_constraint
              where contype = 'f' and connamespace = 'public'::regnamespace and conparentid = 0
    loop execute format('alter table %s drop constraint %I', k.t, k.conname); end loop;
  end $$`);
}

beforeAll(async () => {
  target = await testDatabase();
  ({ db } = target);
  await db.query('call foyer_ping_partitions(current_date, current_date + 1)');
  tables = (
    await db.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
          and not c.relispartition and a.attname = 'merchant_id' and not a.attisdropped
        order by 1`,
    )
  ).rows.map(({ name }) => name);
  await dropForeignKeys();
  for (const merchant of [A, B]) {
    await db.query("insert into merchants (id, name) values ($1, 'm')", [merchant]);
    for (const table of tables) await plant(table, merchant);
  }
}, 120_000);
afterAll(() => target?.release());

describe('every table with a merchant', () => {
  test('is there, and the scan sees the known ones', () => {
    expect(tables.length).toBeGreaterThan(20);
    for (const table of ['guests', 'visits', 'pings', 'vouchers', 'outbox']) {
      expect(tables).toContain(table);
    }
  });

  test('has row-level security with a policy, partitions too', async () => {
    const { rows } = await db.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
          and a.attname = 'merchant_id' and not a.attisdropped
          and not (c.relrowsecurity and (c.relispartition or exists (
            select 1 from pg_policy p where p.polrelid = c.oid
               and pg_get_expr(p.polqual, c.oid) like '%foyer_merchant()%'
               and pg_get_expr(p.polwithcheck, c.oid) like '%foyer_merchant()%')))`,
    );
    expect(rows).toEqual([]);
  });

  test('a table made without it is found', async () => {
    const found = db.tx(async (tx) => {
      await tx.query('create table forgotten (merchant_id uuid not null)');
      const { rows } = await tx.query(
        "select relrowsecurity as safe from pg_class where relname = 'forgotten'",
      );
      expect(rows).toEqual([{ safe: false }]);
      await tx.query('grant select on forgotten to foyer_app');
      await tx.query('insert into forgotten values ($1)', [B]);
      await tx.query('set local role foyer_app');
      expect((await tx.query('select * from forgotten')).rowCount).toBe(1);
      throw new Error('undone');
    });
    await expect(found).rejects.toThrow('undone');
  });

  test('shows one merchant only, however the query forgets to filter', async () => {
    const seen: Record<string, unknown> = {};
    for (const table of tables) {
      const { rows } = await db.tx(
        (tx) => tx.query(`select distinct merchant_id as id from ${table}`),
        { tenant: A },
      );
      seen[table] = rows.map(({ id }) => id);
    }
    expect(seen).toEqual(Object.fromEntries(tables.map((table) => [table, [A]])));
  });

  test('changes and removes one merchant only', async () => {
    for (const table of tables) {
      // Triggers add rows of their own to some tables.
      const rowsOf = async (merchant: string) =>
        (await db.query(`select 1 from ${table} where merchant_id = $1`, [merchant])).rowCount;
      const own = await rowsOf(A);
      expect({ table, strange: (await rowsOf(B)) > 0 }).toEqual({ table, strange: true });
      const rights = await db.query<{ u: boolean; d: boolean }>(
        `select has_table_privilege('foyer_app', $1, 'update') as u,
                has_table_privilege('foyer_app', $1, 'delete') as d`,
        [table],
      );
      const { u, d } = rights.rows[0] as { u: boolean; d: boolean };
      await db
        .tx(
          async (tx) => {
            if (u) {
              const { rowCount } = await tx.query(`update ${table} set merchant_id = merchant_id`);
              expect({ table, rowCount }).toEqual({ table, rowCount: own });
            }
            if (d) await tx.query(`delete from ${table}`);
            throw new Error('undone');
          },
          { tenant: A },
        )
        .catch((error: Error) => expect(error.message).toMatch(/undone|append-only/));
    }
  });

  test('takes no row for another merchant', async () => {
    for (const table of tables) {
      const columns = (await columnsOf(table)).filter(({ given }) => !given);
      const values = columns.map((column) => valueOf(table, column, B));
      const write = db.tx(
        (tx) =>
          tx.query(
            `insert into ${table} (${columns.map(({ name }) => `"${name}"`).join(', ')})
             values (${values.join(', ')})`,
          ),
        { tenant: A },
      );
      await expect(write).rejects.toMatchObject({ code: '42501' });
    }
  });

  test('fails closed when the role is taken without a merchant', async () => {
    await db.tx(async (tx) => {
      await tx.query('set local role foyer_app');
      for (const table of tables) {
        expect((await tx.query(`select 1 from ${table}`)).rowCount).toBe(0);
      }
    });
  });
});

test('partitions cannot be read past their parent', async () => {
  const { rows } = await db.query<{ name: string }>(
    "select relname as name from pg_class where relispartition and relkind = 'r'",
  );
  expect(rows.length).toBeGreaterThan(2);
  for (const { name } of rows) {
    const work = db.tx((tx) => tx.query(`select 1 from ${name}`), { tenant: A });
    await expect(work).rejects.toMatchObject({ code: '42501' });
  }
});

test('a merchant sees itself only', async () => {
  const { rows } = await db.tx((tx) => tx.query('select id from merchants'), { tenant: A });
  expect(rows).toEqual([{ id: A }]);
});

test('tables without a merchant give the bound role nothing', async () => {
  const { rows } = await db.query<{ name: string }>(
    `select c.relname as name from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and c.relname not in ('merchants', 'spatial_ref_sys') and not c.relname = any ($1)
        and has_table_privilege('foyer_app', c.oid, 'select, insert, update, delete')`,
    [tables],
  );
  expect(rows).toEqual([]);
});

test('the bound role is no superuser and passes no policy', async () => {
  const { rows } = await db.query(
    "select rolsuper, rolbypassrls, rolcanlogin from pg_roles where rolname = 'foyer_app'",
  );
  expect(rows).toEqual([{ rolsuper: false, rolbypassrls: false, rolcanlogin: false }]);
  if (db.engine === 'postgres') {
    const me = await db.query('select rolsuper from pg_roles where rolname = current_user');
    expect(me.rows).toEqual([{ rolsuper: false }]);
  }
});
