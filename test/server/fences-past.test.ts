/** The past of fences: every edition with its time, and which fences stood when. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import type { FenceChange } from '../../server/fences/input.ts';
import { changeFence, createFence, removeFence } from '../../server/fences/change.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { fenceById, fenceRevision } from '../../server/fences/queries.ts';
import { forgetVersions } from '../../server/fences/versions-queries.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeDevice, makeFence, makeMerchant, makeVisit } from '../support/make.ts';

let held: TestDatabase;
let db: Database;
let mine: string;

const MINUTE = 60_000;
const at = (minutes: number): number => NOON + minutes * MINUTE;
const box = (west: number) => ({
  type: 'Polygon',
  coordinates: [
    [
      [west, 51.507],
      [west + 0.001, 51.507],
      [west + 0.001, 51.508],
      [west, 51.508],
      [west, 51.507],
    ],
  ],
});
const HERE = -0.128;
const THERE = -0.126;

const create = (minute: number, name: string, west = HERE) =>
  db.tx((tx) => createFence(tx, mine, { name, geometry: box(west) }, at(minute)), { tenant: mine });
const change = (minute: number, id: string, what: FenceChange) =>
  db.tx((tx) => changeFence(tx, mine, id, what, at(minute)), { tenant: mine });
const remove = (minute: number, id: string) =>
  db.tx((tx) => removeFence(tx, mine, id, at(minute)), { tenant: mine });

/** Each edition as [from, to] in minutes after noon. */
async function editions(id: string): Promise<(number | null)[][]> {
  const { rows } = await db.query<{ valid_from: Date; valid_to: Date | null }>(
    'select valid_from, valid_to from fence_versions where fence_id = $1 order by valid_from',
    [id],
  );
  const minutes = (date: Date | null) => date && (date.getTime() - NOON) / MINUTE;
  return rows.map((row) => [minutes(row.valid_from), minutes(row.valid_to)]);
}

/** Names of the fences that hold the middle of `west`'s box, epoch by epoch. */
async function epochs(fromMinute: number, west = HERE, live = createLiveFences()) {
  const read = await db.tx(
    async (tx) => live.timeline(tx, mine, await fenceRevision(tx, mine), at(fromMinute)),
    { tenant: mine },
  );
  return read.timeline.map(({ from, fences }) => [
    from === -Infinity ? 'before' : (from - NOON) / MINUTE,
    fences.containing(west + 0.0005, 51.5075).map((fence) => fence.definition.name),
  ]);
}

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
});
afterAll(() => held?.release());
beforeEach(async () => {
  mine = (await makeMerchant(db)).id;
});

describe('editions', () => {
  test('follow what the engine sees, not what people read', async () => {
    const { id } = await create(0, 'Shoes');
    await change(1, id, { name: 'Bags', category: 'leather' });
    await change(2, id, { geometry: box(THERE) });
    await change(3, id, { minDwellSeconds: 60 });
    await change(4, id, { active: false });
    await change(5, id, { name: 'Belts' });
    await change(6, id, { active: true });
    expect(await editions(id)).toEqual([
      [0, 2],
      [2, 3],
      [3, 4],
      [6, null],
    ]);
  });

  test('end when a fence goes, visited or not', async () => {
    const [visited, bare] = [await create(0, 'Visited'), await create(0, 'Bare')];
    const device = await makeDevice(db, mine);
    await makeVisit(db, { merchantId: mine, fenceId: visited.id, deviceId: device.id });
    await remove(5, visited.id);
    await remove(6, bare.id);
    expect(await editions(visited.id)).toEqual([[0, 5]]);
    expect(await editions(bare.id)).toEqual([[0, 6]]);
  });

  test('of one instant are one, and a clock set back never ends one before it began', async () => {
    const { id } = await create(0, 'Shoes');
    await change(0, id, { geometry: box(THERE) });
    expect(await editions(id)).toEqual([[0, null]]);
    await change(4, id, { geometry: box(HERE) });
    await change(2, id, { geometry: box(THERE) });
    expect(await editions(id)).toEqual([
      [0, 4],
      [4, null],
    ]);
  });

  test('are kept for children whose parent goes', async () => {
    const mall = await create(0, 'Mall');
    const shop = await create(1, 'Shop');
    await change(2, shop.id, { parentId: mall.id });
    await remove(3, mall.id);
    expect(await editions(shop.id)).toEqual([
      [1, 2],
      [2, 3],
      [3, null],
    ]);
  });

  test('say since when the present version is in force', async () => {
    const { id } = await create(0, 'Shoes');
    const since = async () => {
      const row = await db.tx((tx) => fenceById(tx, mine, id), { tenant: mine });
      return ((row?.changed_at.getTime() ?? 0) - NOON) / MINUTE;
    };
    expect(await since()).toBe(0);
    await change(1, id, { name: 'Bags', minDwellSeconds: 30 });
    expect(await since()).toBe(0);
    await change(2, id, { floor: '2' });
    expect(await since()).toBe(2);
    await change(3, id, { active: false });
    expect(await since()).toBe(2);
    await change(4, id, { active: true });
    expect(await since()).toBe(4);
  });

  test('are forgotten with the pings that they judged', async () => {
    const [standing, gone] = [await create(0, 'Shoes'), await create(0, 'Bags', THERE)];
    await change(10, standing.id, { minDwellSeconds: 60 });
    await remove(20, gone.id);
    await forgetVersions(db, at(15));
    expect(await editions(standing.id)).toEqual([[10, null]]);
    expect(await editions(gone.id)).toEqual([[0, 20]]);
    await forgetVersions(db, at(25));
    expect(await editions(gone.id)).toEqual([]);
  });

  test('cannot be read by another merchant', async () => {
    const { id } = await create(0, 'Shoes');
    const theirs = (await makeMerchant(db)).id;
    const read = 'select 1 from fence_versions where fence_id = $1';
    const count = (tenant: string) =>
      db.tx(async (tx) => (await tx.query(read, [id])).rowCount, { tenant });
    expect([await count(mine), await count(theirs)]).toEqual([1, 0]);
  });
});

describe('which fences stood when', () => {
  test('one epoch when nothing changed since', async () => {
    await create(0, 'Shoes');
    expect(await epochs(1)).toEqual([['before', ['Shoes']]]);
    expect(await epochs(0)).toEqual([['before', ['Shoes']]]);
  });

  test('one more for each moment of change', async () => {
    const shoes = await create(0, 'Shoes');
    await create(10, 'Bags', THERE);
    await change(20, shoes.id, { geometry: box(THERE) });
    await change(25, shoes.id, { name: 'Boots' });
    await remove(30, shoes.id);
    expect(await epochs(5)).toEqual([
      ['before', ['Shoes']],
      [10, ['Shoes']],
      [20, []],
      [30, []],
    ]);
    expect(await epochs(5, THERE)).toEqual(
      [
        ['before', []],
        [10, ['Bags']],
        [20, ['Shoes', 'Bags'].toSorted()],
        [30, ['Bags']],
      ].map(([from, names]) => [from, expect.arrayContaining(names as string[])]),
    );
    expect(await epochs(-60)).toEqual([
      ['before', []],
      [0, ['Shoes']],
      [10, ['Shoes']],
      [20, []],
      [30, []],
    ]);
    expect(await epochs(24)).toEqual([
      ['before', []],
      [30, []],
    ]);
  });

  test('held indexes serve later looks and notice later changes', async () => {
    const live = createLiveFences();
    const shoes = await create(0, 'Shoes');
    expect(await epochs(-5, HERE, live)).toEqual([
      ['before', []],
      [0, ['Shoes']],
    ]);
    await change(7, shoes.id, { active: false });
    expect(await epochs(-5, HERE, live)).toEqual([
      ['before', []],
      [0, ['Shoes']],
      [7, []],
    ]);
    expect(await epochs(3, HERE, live)).toEqual([
      ['before', ['Shoes']],
      [7, []],
    ]);
    expect(await epochs(8, HERE, live)).toEqual([['before', []]]);
    // Further back than a look ever read.
    expect(await epochs(-3000, HERE, live)).toHaveLength(3);
  });

  test('a past fence is judged as it was defined then', async () => {
    const { id } = await create(0, 'Shoes');
    await change(5, id, { minDwellSeconds: 30, floor: '3' });
    const live = createLiveFences();
    const { timeline } = await db.tx(
      async (tx) => live.timeline(tx, mine, await fenceRevision(tx, mine), at(1)),
      { tenant: mine },
    );
    expect(timeline.map(({ fences }) => fences.get(id)?.definition)).toEqual([
      expect.objectContaining({ version: 1, minDwellSeconds: 180, changedAt: at(0) }),
      expect.objectContaining({ version: 2, minDwellSeconds: 30, floor: '3', changedAt: at(5) }),
    ]);
  });

  test('names of retired fences are still known', async () => {
    const fence = await makeFence(db, mine, { name: 'Gone', active: false });
    const { metas } = await db.tx(
      async (tx) => createLiveFences().timeline(tx, mine, await fenceRevision(tx, mine), NOON),
      { tenant: mine },
    );
    expect(metas.get(fence.id)?.name).toBe('Gone');
  });
});
