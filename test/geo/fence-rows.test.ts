/** Rows say of fences what the fences say of themselves, whatever was added, replaced and taken out. */
import { expect, test } from '@jest/globals';
import type { FenceDefinition } from '../../geo/fence.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { MARKS, MEMBER, ROW } from '../../geo/fence-rows.ts';
import { massInRow, massWithin } from '../../geo/mass.ts';
import { randomFrom } from '../../scripts/lib/random.ts';
import { PLAN_ORIGIN, rectangle } from '../support/stays.ts';

test('rows follow every edit: order, mass and membership', () => {
  const random = randomFrom(8);
  const shop = (i: number): FenceDefinition =>
    rectangle(`f${i}`, PLAN_ORIGIN, [200 * random(), 200 * random(), 9 + 30 * random(), 12], {});
  const index = createFenceIndex(Array.from({ length: 30 }, (_, i) => shop(2 * i)));
  const slots: number[] = [];
  const [lon0, lat0] = PLAN_ORIGIN;
  for (let edit = 0; edit < 200; edit++) {
    const id = Math.floor(80 * random());
    if (random() < 0.3) index.remove(`f${id}`);
    else if (random() < 0.2) {
      const members = [`f${id}`, `f${id + 1}`];
      const shape = { type: 'Composite', of: 'any', members } as const;
      index.add({ id: `c${id % 7}`, name: 'c', shape });
    } else index.add(shop(id));
    const west = lon0 + 0.002 * random();
    const box = { minX: west, minY: lat0, maxX: west + 0.001, maxY: lat0 + 0.001 };
    const near = index.touching(box);
    const count = index.slots(box, 1024, slots);
    const found = slots.slice(0, count).map((slot) => index.rows.fences[slot]);
    expect(found.map((fence) => fence?.id)).toEqual(near.map(({ id: name }) => name));
    for (const fence of near) {
      const at = [west, lat0 + 5e-4, 1e-4, 1e-4, 1e-3] as const;
      expect(massInRow(index.rows, fence.slot, ...at)).toBe(massWithin(fence, ...at));
      const marks = index.rows.numbers[fence.slot * ROW + MARKS] as number;
      expect((marks & MEMBER) !== 0).toBe(index.compositesOf(fence.id).length > 0);
    }
  }
});
