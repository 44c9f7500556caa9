/** The contract of the Database interface, run unchanged on both engines. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import { embeddedTestDatabase, postgresTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { testFolder } from '../support/folder.ts';
import { partPresent, postgresUrl, requirePart } from '../support/parts.ts';

const A = '00000000-0000-4000-8000-00000000000a';
const ENDLESS = 'select count(*) from generate_series(1, 100000000) a, generate_series(1, 1000) b';

const types: [sql: string, value: unknown][] = [
  ['1::int8', 1],
  ['(-9007199254740991)::int8', -9007199254740991],
  ['count(*)', 1],
  ['sum(2::int8)', 2],
  ['12.5::numeric', 12.5],
  ['0.1::float8', 0.1],
  ['array[1, null, 3]::int8[]', [1, null, 3]],
  ['array[1.5]::numeric[]', [1.5]],
  ["'2026-02-28'::date", '2026-02-28'],
  ["array['2026-02-28'::date]", ['2026-02-28']],
  ["'2026-02-28 10:00+02'::timestamptz", new Date('2026-02-28T08:00:00Z')],
  ["'2026-02-28 10:00:00.25'::timestamp", new Date('2026-02-28T10:00:00.250Z')],
  ["'1 day 02:00'::interval", '1 day 02:00:00'],
  [`'{"a": [1, null]}'::jsonb`, { a: [1, null] }],
  ["'\\xdeadbeef'::bytea", Buffer.from('deadbeef', 'hex')],
  [`'${A}'::uuid`, A],
  [`array['${A}']::uuid[]`, [A]],
  ["array['x', 'y,\"z']", ['x', 'y,"z']],
  ['true', true],
  ['null::text', null],
];

const params: [name: string, type: string, value: unknown, back: unknown][] = [
  ['text in many scripts', 'text', '门厅 ☕ 👩‍👩‍👧 é \\ \' "', '门厅 ☕ 👩‍👩‍👧 é \\ \' "'],
  ['five megabytes', 'text', '汉'.repeat(1_600_000), '汉'.repeat(1_600_000)],
  ['bytes', 'bytea', Buffer.from([0, 255, 10]), Buffer.from([0, 255, 10])],
  ['a moment', 'timestamptz', new Date(1_700_000_000_123), new Date(1_700_000_000_123)],
  ['an array', 'text[]', ['a', 'b"', null, ''], ['a', 'b"', null, '']],
  ['JSON text', 'jsonb', JSON.stringify([1, { a: 'ü' }]), [1, { a: 'ü' }]],
  ['null', 'int', null, null],
];

const failures: [name: string, sql: string, code: string, constraint: string | null][] = [
  ['unique', "insert into bag values (1, 'again')", '23505', 'bag_pkey'],
  ['check', "insert into bag values (-1, 'x')", '23514', 'bag_id_check'],
  ['not null', 'insert into bag values (7, null)', '23502', null],
  ['bad text', "select 'x'::uuid", '22P02', null],
  ['syntax', 'selec 1', '42601', null],
  ['unknown table', 'select * from nowhere', '42P01', null],
  ['copy from the client', 'copy bag from stdin', '0A000', null],
  ['copy behind a comment', '-- x\n/* y */ Copy bag (id)\n from STDIN with csv', '0A000', null],
];

/** A promise one opens from outside. */
function gate(): { promise: Promise<void>; resolve: () => void } {
  let open: (() => void) | undefined;
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, resolve: () => open?.() };
}

function contract(open: () => Promise<TestDatabase>): void {
  let target: TestDatabase;
  let db: Database;
  const scalar = async (sql: string): Promise<unknown> =>
    (await db.query<{ v: unknown }>(`select ${sql} as v`)).rows[0]?.v;
  const names = async (): Promise<unknown[]> =>
    (await db.query('select name from bag order by id')).rows.map(({ name }) => name);

  beforeAll(async () => {
    target = await open();
    ({ db } = target);
    await db.query('create table bag (id int primary key check (id >= 0), name text not null)');
    await db.query('grant select, insert on bag to foyer_app');
    await db.query("insert into bag values (1, 'one')");
  }, 120_000);
  afterAll(() => target?.release());

  test.each(types)('%s comes back as %j', async (sql, value) => {
    expect(await scalar(sql)).toEqual(value);
  });

  test.each(params)('%s goes in and comes back', async (_name, type, value, back) => {
    const { rows } = await db.query(`select $1::${type} as v`, [value]);
    expect(rows[0]?.['v']).toEqual(back);
  });

  test('an int8 that no number can hold is refused, and the connection lives on', async () => {
    await expect(scalar('9007199254740993::int8')).rejects.toThrow('does not fit');
    expect(await scalar('1')).toBe(1);
  });

  test.each(failures)('%s fails with its code', async (_name, sql, code, constraint) => {
    const expected = constraint ? { code, constraint, table: 'bag' } : { code };
    await expect(db.query(sql)).rejects.toMatchObject(expected);
    await expect(db.tx((tx) => tx.query(sql))).rejects.toBeInstanceOf(Error);
    expect(await names()).toEqual(['one']);
  });

  test('the word stdin in a value or a comment is no COPY', async () => {
    expect(await scalar("'copy bag from stdin' /* copy bag from stdin */")).toMatch('stdin');
    expect(await scalar('$x$; copy bag from stdin$x$')).toMatch('stdin');
  });

  test('counts rows', async () => {
    const { rowCount } = await db.query("update bag set name = 'one' where id < 100");
    expect(rowCount).toBe(1);
    expect((await db.query('create temporary table nothing ()')).rowCount).toBe(0);
  });

  test('several statements in one text: the last one answers', async () => {
    expect((await db.query('select 1 as v; select 2 as v')).rows).toEqual([{ v: 2 }]);
  });

  test('a transaction commits what it did and gives its result', async () => {
    const result = await db.tx(async (tx) => {
      await tx.query("insert into bag values (2, 'two')");
      return 'done';
    });
    expect(result).toBe('done');
    expect(await names()).toEqual(['one', 'two']);
    await db.query('delete from bag where id = 2');
  });

  test('a transaction that throws leaves nothing, and the error is the thrown one', async () => {
    const thrown = new Error('changed my mind');
    const work = db.tx(async (tx) => {
      await tx.query("insert into bag values (3, 'three')");
      throw thrown;
    });
    await expect(work).rejects.toBe(thrown);
    expect(await names()).toEqual(['one']);
  });

  test('a failure swallowed inside does not pass for a commit', async () => {
    const work = db.tx(async (tx) => {
      await tx.query("insert into bag values (4, 'four')");
      await tx.query("insert into bag values (1, 'again')").catch(() => {});
      return 'fine';
    });
    await expect(work).rejects.toMatchObject({ code: '23505' });
    expect(await names()).toEqual(['one']);
  });

  test('savepoints work inside', async () => {
    await db.tx(async (tx) => {
      await tx.query('savepoint before');
      await expect(tx.query("insert into bag values (1, 'x')")).rejects.toThrow();
      await tx.query('rollback to before');
      await tx.query("insert into bag values (5, 'five')");
    });
    expect(await names()).toEqual(['one', 'five']);
    await db.query('delete from bag where id = 5');
  });

  test('using the database inside its own transaction throws instead of hanging', async () => {
    await expect(db.tx(() => db.query('select 1'))).rejects.toThrow('its own transaction');
    await expect(db.tx(() => db.tx(async () => 1))).rejects.toThrow('its own transaction');
    expect(await scalar('1')).toBe(1);
  });

  test('statements sent in one breath are answered in order, and fail together', async () => {
    const found = await db.tx((tx) =>
      Promise.all([
        tx.query("insert into bag values (8, 'eight')"),
        tx.query('select name from bag where id = 8'),
        tx.query('delete from bag where id = 8'),
      ]),
    );
    expect(found[1].rows).toEqual([{ name: 'eight' }]);
    const work = db.tx((tx) =>
      Promise.all([
        tx.query("insert into bag values (9, 'nine')"),
        tx.query("insert into bag values (1, 'again')"),
        tx.query('select 1'),
      ]),
    );
    await expect(work).rejects.toMatchObject({ code: '23505' });
    expect(await names()).toEqual(['one']);
  });

  test('a statement alone is committed, under its tenant and its limits', async () => {
    await db.tx((tx) => tx.query("insert into bag values (10, 'ten')"), { alone: true });
    expect(await names()).toEqual(['one', 'ten']);
    await db.query('delete from bag where id = 10');
    const who = "select current_user as who, current_setting('foyer.merchant', true) as merchant";
    const inside = await db.tx((tx) => tx.query(who), { tenant: A, alone: true });
    expect(inside.rows).toEqual([{ who: 'foyer_app', merchant: A }]);
    expect((await db.query(who)).rows[0]?.['who']).not.toBe('foyer_app');
    const write = db.tx((tx) => tx.query("insert into bag values (11, 'x')"), {
      alone: true,
      readOnly: true,
    });
    await expect(write).rejects.toMatchObject({ code: '25006' });
    expect((await db.query(who)).rows[0]?.['who']).not.toBe('foyer_app');
  });

  test('a statement alone stays alone, and its failure is none that could be swallowed', async () => {
    const two = db.tx(
      async (tx) => {
        await tx.query('select 1');
        await tx.query("insert into bag values (12, 'x')");
      },
      { alone: true },
    );
    await expect(two).rejects.toThrow('after its end');
    const swallowed = db.tx(
      (tx) => tx.query("insert into bag values (1, 'again')").catch(() => 'fine'),
      { alone: true },
    );
    await expect(swallowed).rejects.toMatchObject({ code: '23505' });
    expect(await names()).toEqual(['one']);
  });

  test('what a transaction left running may use the database once it has ended', async () => {
    let later: Promise<unknown> | undefined;
    const { promise: ended, resolve: end } = gate();
    await db.tx(async () => {
      later = ended.then(() => scalar('7'));
    });
    end();
    expect(await later).toBe(7);
  });

  test('a transaction cannot be used after its end', async () => {
    const kept = await db.tx(async (tx) => tx);
    await expect(kept.query('select 1')).rejects.toThrow('after its end');
  });

  test.each(['read committed', 'repeatable read', 'serializable'] as const)(
    'isolation %s is what the server runs',
    async (isolation) => {
      const { rows } = await db.tx((tx) => tx.query('show transaction_isolation'), { isolation });
      expect(rows).toEqual([{ transaction_isolation: isolation }]);
    },
  );

  test('a connection whose plans are made anew begins at the isolation asked for', async () => {
    await db.tx((tx) => tx.query('select $1::int', [1]));
    const later = performance.now() + 3_600_000;
    const clock = jest.spyOn(performance, 'now').mockReturnValue(later);
    try {
      const { rows } = await db.tx((tx) => tx.query('show transaction_isolation'), {
        isolation: 'repeatable read',
        readOnly: true,
        tenant: A,
      });
      expect(rows).toEqual([{ transaction_isolation: 'repeatable read' }]);
    } finally {
      clock.mockRestore();
    }
  });

  test('a read-only transaction cannot write', async () => {
    const work = db.tx((tx) => tx.query("insert into bag values (6, 'x')"), { readOnly: true });
    await expect(work).rejects.toMatchObject({ code: '25006' });
  });

  test('a tenant transaction runs as the bound role, and only it does', async () => {
    const who = "select current_user as who, current_setting('foyer.merchant', true) as merchant";
    const inside = await db.tx((tx) => tx.query(who), { tenant: A });
    expect(inside.rows).toEqual([{ who: 'foyer_app', merchant: A }]);
    const outside = (await db.query(who)).rows[0];
    expect(outside?.['who']).not.toBe('foyer_app');
    expect(outside?.['merchant'] ?? '').toBe('');
  });

  test('a tenant transaction that fails leaves no role behind', async () => {
    await expect(db.tx((tx) => tx.query('selec'), { tenant: A })).rejects.toThrow();
    expect(await scalar('current_user')).not.toBe('foyer_app');
  });

  test('a tenant is a value, never SQL; an empty one is refused', async () => {
    const tenant = "x'; drop table bag; --\\";
    const seen = await db.tx((tx) => tx.query("select current_setting('foyer.merchant') as m"), {
      tenant,
    });
    expect(seen.rows).toEqual([{ m: tenant }]);
    expect(await names()).toEqual(['one']);
    await expect(db.tx(async () => 1, { tenant: '' })).rejects.toThrow('empty tenant');
  });

  test('serialization failures are tried again, other failures are not', async () => {
    const codes = ['40001', '40P01', '22000'];
    let runs = 0;
    const work = db.tx(async (tx) => {
      const code = codes[runs++] ?? '';
      await tx.query(`do $$ begin raise exception 'x' using errcode = '${code}'; end $$`);
    });
    await expect(work).rejects.toMatchObject({ code: '22000' });
    expect(runs).toBe(3);
  });

  test('parallel transactions lose no update', async () => {
    await db.query('create table counter (n int)');
    await db.query('insert into counter values (0)');
    const add = (): Promise<unknown> =>
      db.tx((tx) => tx.query('update counter set n = n + 1'), { isolation: 'serializable' });
    // Six tries each: more than enough for four at a time.
    for (let round = 0; round < 10; round++) await Promise.all([add(), add(), add(), add()]);
    expect((await db.query('select n from counter')).rows).toEqual([{ n: 40 }]);
  });

  test('SKIP LOCKED hands each job to one taker', async () => {
    await db.query('create table job (id int primary key, taken boolean not null default false)');
    await db.query('insert into job select generate_series(1, 30)');
    const take = (): Promise<number | undefined> =>
      db.tx(async (tx) => {
        const { rows } = await tx.query<{ id: number }>(
          `update job set taken = true where id = (
             select id from job where not taken order by id limit 1 for update skip locked
           ) returning id`,
        );
        return rows[0]?.id;
      });
    const taken = await Promise.all(Array.from({ length: 30 }, take));
    expect(taken.filter((id) => id !== undefined).length).toBe(new Set(taken).size);
    for (let more = 0; more < 30; more++) await take();
    expect((await db.query('select 1 from job where not taken')).rowCount).toBe(0);
  });

  test('rows go in by unnest and geography answers in metres', async () => {
    const square = 'POLYGON((0 0, 0.001 0, 0.001 0.001, 0 0.001, 0 0))';
    const { rows } = await db.query(
      `select id, st_covers($1::geography, st_point(lon, lat)::geography) as inside,
              st_dwithin('POINT(0 0)'::geography, st_point(lon, lat)::geography, 200) as near
         from unnest($2::int[], $3::float8[], $4::float8[]) as p (id, lon, lat) order by id`,
      [square, [1, 2, 3], [0.0005, 0.0015, 0.01], [0.0005, 0.0005, 0.01]],
    );
    expect(rows).toEqual([
      { id: 1, inside: true, near: true },
      { id: 2, inside: false, near: true },
      { id: 3, inside: false, near: false },
    ]);
  });

  test('sessions speak UTC', async () => {
    expect(await scalar("current_setting('timezone')")).toMatch(/^(UTC|GMT|Etc\/UTC)$/);
  });

  test('a notification reaches its listeners, and nobody after they stopped', async () => {
    const heard: string[] = [];
    const { promise: arrived, resolve: got } = gate();
    const stop = await db.listen('Ünusual "name"', (payload) => {
      heard.push(payload);
      if (payload === 'last') got();
    });
    await db.tx((tx) => tx.query('select pg_notify($1, $2)', ['Ünusual "name"', 'first']));
    await db.query('select pg_notify($1, $2)', ['Ünusual "name"', 'last']);
    await arrived;
    await stop();
    await db.query('select pg_notify($1, $2)', ['Ünusual "name"', 'too late']);
    await scalar('1');
    expect(heard).toEqual(['first', 'last']);
  });

  test('a statement over its limit ends with 57014; what was committed is there afterwards', async () => {
    const work = db.tx((tx) => tx.query(ENDLESS), { statementTimeout: 300 });
    const waiting = names();
    await expect(work).rejects.toMatchObject({ code: '57014' });
    expect(await waiting).toEqual(['one']);
    await db.query("insert into bag values (9, 'nine')");
    expect(await names()).toEqual(['one', 'nine']);
  });
}

describe('embedded engine', () => {
  const folder = testFolder();
  contract(() => embeddedTestDatabase(folder));
});

requirePart('PostgreSQL with PostGIS (set TEST_DATABASE_URL)', partPresent.postgres)(
  'PostgreSQL',
  () => contract(() => postgresTestDatabase(postgresUrl as string)),
);
