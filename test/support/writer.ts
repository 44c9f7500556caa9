/**
 * A process to be killed: writes numbered rows and says which are acknowledged, a line each.
 * First line: what it found. Rows are numbered without gaps, single or twenty to a transaction.
 */
import type { Database } from '../../server/db/database.ts';
import { openDatabase } from '../../server/db/open.ts';

export interface WriterTask {
  url?: string;
  folder?: string;
  /** Only look, do not write. */
  check?: boolean;
}

/** What a start finds: counted over the heap and over the index, which must agree. */
export interface WriterFound {
  last: number;
  heap: number;
  index: number;
  /** Transactions of which only a part is there. */
  torn: number;
}

const BATCH = 20;

async function found(db: Database): Promise<WriterFound> {
  const count = async (off: 'indexscan' | 'seqscan', sql: string): Promise<number> =>
    db.tx(async (tx) => {
      await tx.query(`set local enable_${off} = off`);
      await tx.query('set local enable_bitmapscan = off');
      if (off === 'indexscan') await tx.query('set local enable_indexonlyscan = off');
      return Number((await tx.query(sql)).rows[0]?.['n']);
    });
  return {
    last: await count('seqscan', 'select coalesce(max(n), 0) as n from written'),
    heap: await count('indexscan', 'select count(*) as n from written'),
    index: await count('seqscan', 'select count(*) as n from written where n > 0'),
    torn: await count(
      'indexscan',
      `select count(*) as n from (select batch from written where batch is not null
        group by batch having count(*) <> ${BATCH}) t`,
    ),
  };
}

async function write(db: Database, from: number): Promise<never> {
  const insert = 'insert into written (n, batch, pad) select unnest($1::int[]), $2, $3';
  for (let n = from, round = 1; ; round++) {
    const size = round % 3 === 0 ? BATCH : 1;
    const rows = Array.from({ length: size }, (_, at) => n + at);
    await db.tx((tx) => tx.query(insert, [rows, size === 1 ? null : n, 'x'.repeat(200)]));
    n += size;
    process.stdout.write(`${n - 1}\n`);
    if (round % 60 === 0 && db.engine === 'embedded') await db.query('checkpoint');
  }
}

async function main(): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? '{}') as WriterTask;
  const db = await openDatabase({ url: task.url, folder: task.folder });
  await db.query(
    'create table if not exists written (n int primary key, batch int, pad text not null)',
  );
  const state = await found(db);
  process.stdout.write(`${JSON.stringify(state)}\n`);
  if (!task.check) await write(db, state.last + 1);
  await db.close();
}

main().catch((error: unknown) => {
  process.stderr.write(`writer: ${String(error)}\n`);
  process.exitCode = 1;
});
