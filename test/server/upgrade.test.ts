/** A shop that ran an earlier release keeps what it has: the newest migration over real rows. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import { migrate } from '../../server/db/migrate.ts';
import { openPool } from '../../server/db/pool.ts';
import { testFolder } from '../support/folder.ts';
import { partPresent, postgresUrl, requirePart } from '../support/parts.ts';
import { dropDatabase, emptyDatabase, urlOf } from '../support/postgres.ts';
import { releaseOf } from '../support/releases.ts';

const BEFORE = 6;
const [M, S, D] = ['a', 'b', 'd'].map((sign) => `01933b2e-8f00-7000-8000-00000000000${sign}`);
const [DRAWN, ROUND, RETIRED] = [1, 2, 3].map((n) => `01933b2e-8f00-7000-8000-0000000000f${n}`);

/** As the release before wrote them. */
const rows = `
  insert into merchants (id, name) values ('${M}', 'Harbour Mall');
  insert into stores (id, merchant_id, slug, name, timezone, country)
    values ('${S}', '${M}', 'harbour', 'Harbour', 'Europe/London', 'GB');
  insert into fences (id, merchant_id, store_id, parent_id, name, shape, radius_m, version, active, created_at, updated_at)
    values ('${DRAWN}', '${M}', '${S}', null, 'Hall', 'polygon((0 51, 0.01 51, 0.01 51.01, 0 51))', null, 4, true, '2026-10-01', '2026-11-01'),
      ('${ROUND}', '${M}', '${S}', '${DRAWN}', 'Shop', 'point(0.001 51.001)', 20, 1, true, '2026-10-01', '2026-10-01'),
      ('${RETIRED}', '${M}', '${S}', null, 'Kiosk', 'point(0.002 51.001)', 20, 2, false, '2026-10-01', '2026-11-02');
  insert into devices (id, merchant_id, name, token_hash) values ('${D}', '${M}', 'Phone', '\\x01');
  call foyer_ping_partitions('2026-11-16', '2026-11-18');
  insert into pings (merchant_id, device_id, at, ping_key, received_at, lon, lat, accuracy_m, speed_mps, source, accepted, reason)
    values ('${M}', '${D}', '2026-11-17T10:00:00Z', 'a', '2026-11-17T10:00:01Z', 0.001, 51.001, 8.3, 0.1, 'overland', true, null),
      ('${M}', '${D}', '2026-11-17T10:00:30Z', 'b', '2026-11-17T10:00:31Z', 0.001, 51.001, null, null, 'overland', false, 'inaccurate'),
      ('${M}', '${D}', '2026-11-17T10:01:00Z', 'c', '2026-11-17T10:01:01Z', 51.001, 120, 8, 0, 'overland', false, 'lon-lat-swapped'),
      ('${M}', '${D}', '2020-01-01T00:00:00Z', 'd', '2026-11-17T10:01:01Z', 0, 51, 8, 0, 'overland', false, 'too-old');
  insert into device_states (device_id, merchant_id, state, updated_at)
    values ('${D}', '${M}', '{"v":1,"device":"${D}","last":null,"fences":[]}', '2026-11-17T10:01:01Z');`;

requirePart('PostgreSQL with PostGIS (set TEST_DATABASE_URL)', partPresent.postgres)(
  'an upgrade',
  () => {
    const name = `foyer_clone_${process.pid}_upgrade`;
    const folder = testFolder();
    let db: Database;

    beforeAll(async () => {
      await emptyDatabase(postgresUrl as string, name);
      db = await openPool(urlOf(postgresUrl as string, name), { max: 2 });
      expect(await migrate(db, { folder: releaseOf(folder, BEFORE) })).toHaveLength(BEFORE);
      await db.query(rows);
      await migrate(db);
    }, 120_000);
    afterAll(async () => {
      await db?.close();
      await dropDatabase(postgresUrl as string, name);
    });

    test('keeps pings as they were judged, whatever day they lie in', async () => {
      const { rows: pings } = await db.query(
        `select ping_key as key, judged_at = at as same, accuracy_m as accuracy, speed_mps as speed,
           usable, still, mock, heard, evidence from pings order by ping_key`,
      );
      const plain = { same: true, still: false, mock: false, heard: null, evidence: null };
      expect(pings).toEqual([
        { ...plain, key: 'a', accuracy: 8.3, speed: 0.1, usable: true },
        { ...plain, key: 'b', accuracy: null, speed: null, usable: true },
        { ...plain, key: 'c', accuracy: 8, speed: 0, usable: false },
        { ...plain, key: 'd', accuracy: 8, speed: 0, usable: false },
      ]);
    });

    test('gives the fences that stand a past, and knows their kind', async () => {
      const { rows: fences } = await db.query(
        `select f.name, f.kind, f.changed_at = f.updated_at as dated, v.valid_from = f.created_at as since,
           v.valid_to, (v.was ->> 'version')::integer as version, st_equals(v.shape::geometry, f.shape::geometry) as shape
         from fences f left join fence_versions v on v.fence_id = f.id order by f.name`,
      );
      const stands = { dated: true, since: true, valid_to: null, shape: true };
      expect(fences).toEqual([
        { ...stands, name: 'Hall', kind: 'area', version: 4 },
        {
          name: 'Kiosk',
          kind: 'circle',
          dated: true,
          since: null,
          valid_to: null,
          version: null,
          shape: null,
        },
        { ...stands, name: 'Shop', kind: 'circle', version: 1 },
      ]);
    });

    describe('and from then on', () => {
      test('an edit ends the version before it', async () => {
        await db.query(
          `update fences set radius_m = 25, version = 2, updated_at = '2026-11-20' where id = $1`,
          [ROUND],
        );
        const { rows: past } = await db.query(
          `select (was ->> 'radius_m')::float as radius, valid_to is null as stands from fence_versions
           where fence_id = $1 order by valid_from`,
          [ROUND],
        );
        expect(past).toEqual([
          { radius: 20, stands: false },
          { radius: 25, stands: true },
        ]);
      });

      test('a process of the release before may still store pings, and none is without its turn', async () => {
        const insert = `insert into pings (merchant_id, device_id, at, ping_key, received_at, lon, lat, source, accepted)
          values ($1, $2, now(), 'e', now(), 0, 51, 'overland', true) returning judged_at`;
        const { rows } = await db.query<{ judged_at: Date | null }>(insert, [M, D]);
        expect(rows).toEqual([{ judged_at: expect.any(Date) }]);
      });
    });
  },
);
