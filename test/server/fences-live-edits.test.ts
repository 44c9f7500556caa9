/** A warm index that follows edits answers as one that is loaded anew, and none of its revisions ever changes. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Fence } from '../../geo/fence.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Database, Queryable } from '../../server/db/database.ts';
import type { Fences, LiveFences } from '../../server/fences/live.ts';
import { seeded } from '../../scripts/lib/random.ts';
import { changeFence, createFence, removeFence } from '../../server/fences/change.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { importFences } from '../../server/fences/import.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { fenceRevision } from '../../server/fences/queries.ts';
import { createRevisions } from '../../server/fences/view.ts';
import { forgetVersions } from '../../server/fences/versions-queries.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeDevice, makeFence, makeMerchant, makeVisit } from '../support/make.ts';

let held: TestDatabase;
let db: Database;
let mine: string;
let random = seeded(5);

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
});
afterAll(() => held?.release());
beforeEach(async () => {
  mine = (await makeMerchant(db)).id;
  random = seeded(5);
});

const METRE = 1 / 111_320;
const MINUTE = 60_000;
const at = (minute: number): number => NOON + minute * MINUTE;
const whole = (to: number): number => Math.floor(random.next() * to);

const rectangle = (x: number, y: number, side: number) => {
  const [west, south] = [-0.128 + x * METRE, 51.507 + y * METRE];
  const [east, north] = [west + side * METRE, south + side * METRE];
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  return { type: 'Polygon', coordinates: [ring] };
};
const anywhere = () => rectangle(whole(300), whole(300), 5 + whole(100));
const line = () => {
  const [x, y] = [-0.128 + whole(300) * METRE, 51.507 + whole(300) * METRE];
  const coordinates = [
    [x, y],
    [x + 50 * METRE, y + 20 * METRE],
  ];
  return { type: 'LineString', coordinates };
};
const inTenant = <T>(work: (tx: Queryable) => Promise<T>): Promise<T> =>
  db.tx(work, { tenant: mine });

const read = (live: LiveFences): Promise<Fences> =>
  inTenant(async (tx) => live.at(tx, mine, await fenceRevision(tx, mine)));
const lookBack = (live: LiveFences, minute: number) =>
  inTenant(async (tx) => live.timeline(tx, mine, await fenceRevision(tx, mine), at(minute)));

const ids = (fences: readonly Fence[]): string[] => fences.map(({ id }) => id);
const RADIO = ['qr:0', 'qr:1', 'qr:2'];

/** What an index says of itself and of some places, which the seed decides. */
function answersOf(index: FenceIndex, seed = 1, places = 12) {
  const own = seeded(seed);
  const between = (from: number, to: number): number => own.between(from, to);
  const all = index.all();
  return {
    size: index.size,
    all: all.map((fence) => fence.definition),
    hearing: RADIO.map((key) => ids(index.hearing(key))),
    composites: all.map(({ id }) => ids(index.compositesOf(id))),
    kin: all.map((fence) => index.kin(fence)),
    places: Array.from({ length: places }, () => {
      const [lon, lat] = [-0.128 + between(-20, 400) * METRE, 51.507 + between(-20, 400) * METRE];
      const box = { minX: lon, minY: lat, maxX: lon + 40 * METRE, maxY: lat + 40 * METRE };
      return {
        containing: ids(index.containing(lon, lat)),
        candidates: ids(index.candidates(lon, lat, 25)),
        touching: ids(index.touching(box)),
        wires: ids(index.wires(box)),
        nothing: index.nothingNear(lon, lat, 10),
      };
    }),
  };
}

/** One edit of any kind; returns what it was. */
async function edit(minute: number, known: string[]): Promise<string> {
  const now = at(minute);
  const one = (): string => known[whole(known.length)]!;
  const kinds: Record<string, (tx: Queryable) => Promise<unknown>> = {
    draw: async (tx) => {
      const parentId = whole(3) === 0 ? one() : null;
      const geometry = anywhere();
      known.push((await createFence(tx, mine, { name: 'area', geometry, parentId }, now)).id);
    },
    wire: async (tx) => {
      const input = { name: 'wire', kind: 'tripwire' as const, geometry: line() };
      await createFence(tx, mine, input, now);
    },
    radio: async (tx) => {
      const input = { name: 'radio', kind: 'radio' as const, radio: [RADIO[whole(3)]!] };
      known.push((await createFence(tx, mine, input, now)).id);
    },
    composite: async (tx) => {
      const members = [...new Set([one(), one(), one()])];
      const input = {
        name: 'parts',
        kind: 'composite' as const,
        members,
        membersOf: 'any' as const,
      };
      await createFence(tx, mine, input, now);
    },
    move: (tx) => changeFence(tx, mine, one(), { geometry: anywhere() }, now),
    rename: (tx) => changeFence(tx, mine, one(), { name: `n${minute}` }, now),
    floor: (tx) => changeFence(tx, mine, one(), { floor: `${whole(3)}` }, now),
    retire: (tx) => changeFence(tx, mine, one(), { active: false }, now),
    revive: (tx) => changeFence(tx, mine, one(), { active: true }, now),
    delete: (tx) => removeFence(tx, mine, one(), now),
    'by hand': (tx) =>
      tx.query('update fences set min_dwell_s = min_dwell_s + 1, updated_at = $2 where id = $1', [
        one(),
        new Date(now),
      ]),
    'deleted by hand': (tx) => tx.query('delete from fences where id = $1', [one()]),
  };
  const names = Object.keys(kinds);
  const kind = names[whole(names.length)]!;
  // What is refused (a fence that is no more, a ring of parents) is no edit and just as good.
  await inTenant(kinds[kind]!).catch((error: unknown) => {
    if (!(error instanceof Error) || !('code' in error)) throw error;
  });
  return kind;
}

const collection = (count: number, more: (i: number) => object = () => ({})) => ({
  type: 'FeatureCollection',
  features: Array.from({ length: count }, (_, i) => ({
    type: 'Feature',
    id: `f${i}`,
    geometry: anywhere(),
    properties: { name: `Import ${i}` },
    ...more(i),
  })),
});

async function draw(count: number, minute = 0): Promise<string[]> {
  const made = await inTenant((tx) => importFences(tx, mine, collection(count), {}, at(minute)));
  return made.created.map(({ id }) => id);
}

describe('after any edits', () => {
  test('the index kept by edits is the index loaded anew, now and in the past', async () => {
    const live = createLiveFences();
    const known = await draw(40);
    const visited = await makeDevice(db, mine);
    await makeVisit(db, { merchantId: mine, fenceId: known[0]!, deviceId: visited.id });
    await lookBack(live, -5);
    const seen = new Set<string>();
    for (let minute = 1; minute <= 60; minute++) {
      const several = 1 + whole(3);
      for (let i = 0; i < several; i++) seen.add(await edit(minute, known));
      const [mineNow, fresh] = [await read(live), await read(createLiveFences())];
      expect(answersOf(mineNow.index, minute)).toEqual(answersOf(fresh.index, minute));
      // Names of those that are no more may be kept.
      const there = [...mineNow.metas].filter(([id]) => fresh.metas.has(id));
      expect(new Map(there)).toEqual(fresh.metas);
      if (minute % 4 > 0) continue;
      const from = minute - 1 - whole(minute + 10);
      const [followed, anew] = [
        (await lookBack(live, from)).timeline,
        (await lookBack(createLiveFences(), from)).timeline,
      ];
      expect(followed.map((epoch) => epoch.from)).toEqual(anew.map((epoch) => epoch.from));
      for (let i = 0; i < 6; i++) {
        const k = whole(anew.length);
        const wanted = nameless(answersOf(anew[k]!.fences, minute, 4));
        expect(nameless(answersOf(followed[k]!.fences, minute, 4))).toEqual(wanted);
      }
    }
    expect(seen.size).toBe(12);
  }, 120_000);

  test('an import of 500 over 40, and their end in one statement, are followed too', async () => {
    const live = createLiveFences();
    const known = await draw(40);
    const first = await read(live);
    const before = answersOf(first.index);
    const moved = (i: number) => (i < 20 ? { id: known[i], geometry: anywhere() } : {});
    await inTenant((tx) => importFences(tx, mine, collection(500, moved), {}, at(1)));
    const second = await read(live);
    expect(second.index.size).toBe(520);
    const after = answersOf(second.index);
    expect(after).toEqual(answersOf((await read(createLiveFences())).index));
    await db.query('delete from fences where merchant_id = $1', [mine]);
    expect((await read(live)).index.size).toBe(0);
    expect(answersOf(first.index)).toEqual(before);
    expect(answersOf(second.index)).toEqual(after);
  }, 60_000);
});

/** The past's own names may be younger: nobody is told by them. */
const nameless = (answers: ReturnType<typeof answersOf>) => ({
  ...answers,
  all: answers.all.map((definition) => ({ ...definition, name: '' })),
});

describe('a revision somebody holds', () => {
  test('stays as it was, whatever is edited, and however often both are asked', async () => {
    const live = createLiveFences();
    const known = await draw(30);
    const all: { index: FenceIndex; answers: unknown }[] = [];
    for (let minute = 1; minute <= 25; minute++) {
      const { index } = await read(live);
      all.push({ index, answers: answersOf(index) });
      await edit(minute, known);
    }
    for (let i = 0; i < 60; i++) {
      const { index, answers } = all[whole(all.length)]!;
      expect(answersOf(index)).toEqual(answers);
    }
  }, 60_000);

  test('far behind the newest it gets an index of its own', () => {
    const shape = (x: number) => ({ type: 'Circle', lon: x, lat: 0, radius: 30 }) as const;
    const fence = (i: number, x: number) => ({ id: `f${i}`, name: '', shape: shape(x) });
    const revisions = createRevisions([fence(0, 0), fence(1, 1)]);
    const old = revisions.newest();
    for (let i = 1; i <= 300; i++) revisions.change(new Map([[`f${i}`, fence(i, 2)]]));
    const newest = revisions.newest();
    for (let i = 0; i < 3; i++) {
      expect([newest.size, ids(newest.containing(1, 0))]).toEqual([301, []]);
      expect([old.size, ids(old.containing(1, 0))]).toEqual([2, ['f1']]);
    }
    revisions.change(new Map([['f0', null]]));
    expect([revisions.newest().size, newest.size, old.size]).toEqual([300, 301, 2]);
  });

  test('cannot be changed by who holds it', async () => {
    const { index } = await read(createLiveFences());
    expect(() => index.remove('a')).toThrow('changed where they are kept');
  });

  test('a look back belongs to its own revision', async () => {
    const live = createLiveFences();
    const [one] = await draw(5);
    await inTenant((tx) => changeFence(tx, mine, one!, { geometry: anywhere() }, at(5)));
    const { timeline } = await lookBack(live, 1);
    const before = timeline.map(({ fences }) => answersOf(fences));
    await inTenant((tx) => removeFence(tx, mine, one!, at(7)));
    const later = await lookBack(live, 1);
    later.timeline.forEach(({ fences }) => answersOf(fences));
    expect(later.timeline.map(({ from }) => from)).toEqual([-Infinity, at(5), at(7)]);
    expect(timeline.map(({ fences }) => answersOf(fences))).toEqual(before);
  });
});

describe('what is read', () => {
  /** Rows that came from the database. */
  async function rowsRead(work: (tx: Queryable) => Promise<unknown>): Promise<number> {
    let rows = 0;
    await inTenant((tx) =>
      work({
        ...tx,
        async query(text: string, values?: unknown[]) {
          const result = await tx.query(text, values);
          rows += result.rows.length;
          return result;
        },
      } as Queryable),
    );
    return rows;
  }

  test('after one edit it is one fence, and its editions', async () => {
    const live = createLiveFences();
    const known = await draw(60);
    await lookBack(live, -5);
    await inTenant((tx) => changeFence(tx, mine, known[7]!, { geometry: anywhere() }, at(1)));
    const revision = await inTenant((tx) => fenceRevision(tx, mine));
    expect(await rowsRead((tx) => live.at(tx, mine, revision))).toBe(1);
    expect(await rowsRead((tx) => live.timeline(tx, mine, revision, at(-5)))).toBe(2);
    expect(await rowsRead((tx) => live.timeline(tx, mine, revision, at(-5)))).toBe(0);
  });

  test('a hundred who ask at once after a start read all fences once', async () => {
    await draw(20);
    const live = createLiveFences();
    const revision = await inTenant((tx) => fenceRevision(tx, mine));
    const ask = () => rowsRead((tx) => live.at(tx, mine, revision));
    const rows = await Promise.all(Array.from({ length: 100 }, ask));
    expect(rows.reduce((sum, each) => sum + each)).toBe(20);
  });

  test('a first load that fails does not fail those who waited for it', async () => {
    await draw(3);
    const live = createLiveFences();
    const broken = { query: () => Promise.reject(new Error('gone')) } as unknown as Queryable;
    const failing = live.at(broken, mine, 1);
    const waiting = read(live);
    await expect(failing).rejects.toThrow('gone');
    expect((await waiting).index.size).toBe(3);
  });

  test('where editions are forgotten all is read anew, or a fence that went would stay', async () => {
    const live = createLiveFences();
    const [one] = await draw(3);
    await lookBack(live, -5);
    await inTenant((tx) => removeFence(tx, mine, one!, at(1)));
    expect(await forgetVersions(db, at(2))).toBeGreaterThan(0);
    expect((await read(live)).index.size).toBe(2);
    await makeFence(db, mine);
    expect((await read(live)).index.size).toBe(3);
    expect((await lookBack(live, 10)).timeline.at(-1)?.fences.size).toBe(3);
  });
});

describe('revisions', () => {
  const revisionOf = () => inTenant((tx) => fenceRevision(tx, mine));

  test('one transaction makes one, however much it writes; what fails makes none', async () => {
    await draw(30);
    expect(await revisionOf()).toBe(1);
    const [a, b] = await draw(2);
    expect(await revisionOf()).toBe(2);
    await inTenant(async (tx) => {
      await removeFence(tx, mine, a!, at(1));
      throw new Error('undone');
    }).catch(() => null);
    expect(await revisionOf()).toBe(2);
    await db.query('delete from fences where id = $1', [b]);
    expect(await revisionOf()).toBe(3);
    const { rows } = await db.query<{ ahead: number }>(
      `select count(*) as ahead from fences where merchant_id = $1 and revision not in (1, 2)`,
      [mine],
    );
    expect(rows[0]?.ahead).toBe(0);
  });

  describe('with many writers at once', () => {
    let stop: () => void = () => undefined;
    afterEach(() => stop());

    test('who sees a revision sees all of it and of those before', async () => {
      const live = createLiveFences();
      const known = await draw(20);
      let going = true;
      stop = () => (going = false);
      const shape = anywhere();
      const write = async (i: number) => {
        const id = known[i % known.length]!;
        // Past every lock of the application's own.
        if (i % 3 === 0) return makeFence(db, mine, { name: `by ${i}`, shape });
        const to = i % 3 === 1 ? 'not active' : 'active';
        const set = `update fences set active = ${to}, version = version + 1, updated_at = $2 where id = $1`;
        return inTenant((tx) => tx.query(set, [id, new Date(at(i))]));
      };
      const writing = Promise.all(
        [0, 1, 2].map(async (writer) => {
          for (let i = 0; i < 25; i++) await write(3 * i + writer);
        }),
      ).finally(stop);
      let looks = 0;
      while (going) {
        // One snapshot tells what stands at a revision, and the index is asked for just that.
        const work = async (tx: Queryable) => {
          const { index } = await live.at(tx, mine, await fenceRevision(tx, mine));
          const { rows } = await tx.query<{ id: string; version: number }>(
            'select id, version from fences where merchant_id = $1 and active order by id',
            [mine],
          );
          expect(index.all().map(({ id, version }) => ({ id, version }))).toEqual(rows);
        };
        await db.tx(work, { tenant: mine, isolation: 'repeatable read' });
        looks++;
      }
      await writing;
      expect(looks).toBeGreaterThan(3);
      const [followed, fresh] = [await read(live), await read(createLiveFences())];
      expect(answersOf(followed.index)).toEqual(answersOf(fresh.index));
    }, 60_000);
  });
});

test('edits one by one and all at once give one index', () => {
  const shape = (i: number) =>
    ({ type: 'Circle', lon: -0.128 + i / 500, lat: 51.508, radius: 30 }) as const;
  const fence = (i: number, more = {}) => ({ id: `f${i}`, name: '', shape: shape(i), ...more });
  const revisions = createRevisions(Array.from({ length: 50 }, (_, i) => fence(i)));
  const changes = new Map(
    Array.from({ length: 400 }, (_, i) => [`f${i}`, i % 7 === 0 ? null : fence(i, { floor: '1' })]),
  );
  const view = revisions.change(changes);
  const wanted = [...changes.values()].filter((definition) => definition !== null);
  expect(answersOf(view)).toEqual(answersOf(createFenceIndex(wanted)));
});
