/** An index that differs by a few fences answers as one built whole. */
import { describe, expect, test } from '@jest/globals';
import type { Fence, FenceDefinition } from '../../geo/fence.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { overlay } from '../../server/fences/overlay.ts';
import { randomFrom } from '../../scripts/lib/random.ts';

const random = randomFrom(11);
const METRE = 1 / 111_320;
const between = (from: number, to: number): number => from + (to - from) * random();

function square(id: string): FenceDefinition {
  const [west, south] = [between(0, 300) * METRE, between(0, 300) * METRE];
  const side = between(5, 120) * METRE;
  const coordinates = [
    [
      [west, south],
      [west + side, south],
      [west + side, south + side],
      [west, south + side],
      [west, south],
    ] as const,
  ];
  return { id, name: id, shape: { type: 'Polygon', coordinates } };
}

function anyFence(id: string, i: number): FenceDefinition {
  const [lon, lat] = [between(0, 300) * METRE, between(0, 300) * METRE];
  if (i % 7 === 1) return { id, name: id, shape: { type: 'Radio' }, radio: [`qr:${i % 3}`] };
  if (i % 7 === 2) {
    const coordinates = [[lon, lat] as const, [lon + 50 * METRE, lat] as const];
    return { id, name: id, shape: { type: 'Tripwire', coordinates, direction: 'both' } };
  }
  if (i % 7 === 3) {
    const members = [`f${i - 1}`, `f${i + 1}`];
    return { id, name: id, shape: { type: 'Composite', of: 'any', members } };
  }
  if (i % 7 === 4) return { id, name: id, shape: { type: 'Circle', lon, lat, radius: 20 } };
  return square(id);
}

const ids = (fences: readonly Fence[]): string[] => fences.map(({ id }) => id);

function answers(index: FenceIndex, lon: number, lat: number) {
  const box = { minX: lon, minY: lat, maxX: lon + 40 * METRE, maxY: lat + 40 * METRE };
  return {
    candidates: ids(index.candidates(lon, lat, 25)),
    containing: ids(index.containing(lon, lat)),
    touching: ids(index.touching(box)),
    wires: ids(index.wires(box)),
    kin: index.containing(lon, lat).map((fence) => index.kin(fence)),
    siblings: index.containing(lon, lat).map((fence) => ids(index.siblings(fence))),
  };
}

const before = Array.from({ length: 70 }, (_, i) => anyFence(`f${i}`, i));
// Some go, some change their shape or kind, some are new.
const gone = new Set(['f0', 'f2', 'f5', 'f22', 'f24']);
const changed = ['f6', 'f7', 'f8', 'f9', 'f10'].map((id, i) => anyFence(id, i));
const fresh = ['n1', 'n2', 'n3', 'n4'].map((id, i) => anyFence(id, i + 3));
const replaced = new Set([...gone, ...changed.map(({ id }) => id)]);
const whole = createFenceIndex([
  ...before.filter(({ id }) => !replaced.has(id)),
  ...changed,
  ...fresh,
]);
const laid = overlay(createFenceIndex(before), replaced, [...changed, ...fresh]);

describe('an overlay', () => {
  test('answers every question about a place as a whole index does', () => {
    for (let i = 0; i < 300; i++) {
      const [lon, lat] = [between(-20, 400) * METRE, between(-20, 400) * METRE];
      expect(answers(laid, lon, lat)).toEqual(answers(whole, lon, lat));
    }
  });

  test('and every question by name', () => {
    expect(laid.size).toBe(whole.size);
    expect(ids(laid.all())).toEqual(ids(whole.all()));
    for (let i = 0; i < 72; i++) {
      expect(laid.get(`f${i}`)?.definition).toEqual(whole.get(`f${i}`)?.definition);
      expect(ids(laid.compositesOf(`f${i}`))).toEqual(ids(whole.compositesOf(`f${i}`)));
    }
    for (const key of ['qr:0', 'qr:1', 'qr:2', 'qr:3']) {
      expect(ids(laid.hearing(key))).toEqual(ids(whole.hearing(key)));
    }
  });

  test('cannot be changed: it shows what was', () => {
    expect(() => laid.remove('f1')).toThrow('past');
    expect(() => laid.add(square('x'))).toThrow('past');
  });
});
