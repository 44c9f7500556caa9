/** The same containment join by PostGIS, a thousand points a statement, beside the index. */
import pg from 'pg';
import type { Land } from './geo-town.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { at } from './geo-town.ts';
import { median } from './measure.ts';

export interface PostgisRow {
  readonly fences: number;
  readonly version: string;
  readonly points: number;
  readonly perSecond: number;
  readonly sameAnswers: boolean;
}

const BATCH = 1000;
const JOIN = `
  select p.i::int as i, f.id
  from unnest($1::float8[], $2::float8[]) with ordinality as p(x, y, i)
  join bench_fences f on st_covers(f.geom, st_setsrid(st_point(p.x, p.y), 4326))`;

/** One connection, a temporary table with a GiST index; planar ST_Covers, as the index reads edges. */
export async function benchPostgis(
  url: string,
  { fences, side }: Land,
  batches: number,
  random: () => number,
): Promise<PostgisRow> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await fill(client, fences);
    const { rows } = await client.query<{ v: string }>('select postgis_lib_version() as v');
    const index = createFenceIndex(fences);
    const rates: number[] = [];
    let same = true;
    for (let batch = 0; batch < batches; batch++) {
      const points = Array.from({ length: BATCH }, () => at(side * random(), side * random()));
      const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
      const start = performance.now();
      const answer = await client.query<{ i: number; id: string }>(JOIN, [xs, ys]);
      rates.push((BATCH * 1000) / (performance.now() - start));
      const theirs = answer.rows.map(({ i, id }) => `${i - 1} ${id}`);
      const ours = points.flatMap(([x, y], i) => index.containing(x, y).map((f) => `${i} ${f.id}`));
      if (theirs.toSorted().join() !== ours.toSorted().join()) same = false;
    }
    return {
      fences: fences.length,
      version: rows[0]?.v ?? '',
      points: BATCH * batches,
      perSecond: Math.round(median(rates)),
      sameAnswers: same,
    };
  } finally {
    await client.end();
  }
}

async function fill(client: pg.Client, fences: Land['fences']): Promise<void> {
  await client.query('create temp table bench_fences (id text, geom geometry(Polygon, 4326))');
  for (let from = 0; from < fences.length; from += BATCH) {
    const some = fences.slice(from, from + BATCH);
    await client.query(
      `insert into bench_fences
       select id, st_setsrid(st_geomfromgeojson(shape), 4326)
       from unnest($1::text[], $2::text[]) as f(id, shape)`,
      [some.map(({ id }) => id), some.map(({ shape }) => JSON.stringify(shape))],
    );
  }
  await client.query('create index on bench_fences using gist (geom)');
  await client.query('analyze bench_fences');
}
