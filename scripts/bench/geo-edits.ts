/** Adding and removing one fence in a live index, with the first lookups after it. */
import type { FenceDefinition } from '../../geo/fence.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { median, percentile } from './measure.ts';
import type { Land } from './geo-town.ts';

export interface EditRow {
  readonly fences: number;
  readonly edits: number;
  /** Milliseconds, the lookups that follow (containing, touching, kin) included. */
  readonly add: { readonly median: number; readonly p99: number; readonly max: number };
  readonly remove: { readonly median: number; readonly p99: number; readonly max: number };
}

/** The index is warm: its cover is built and the kin of every fence it edits is known. */
export function benchEdits({ fences }: Land, edits: number): EditRow {
  const index = createFenceIndex(fences);
  const places = Array.from({ length: edits }, (_, i) => {
    const definition = fences[Math.floor((i * fences.length) / edits)] as FenceDefinition;
    const { lon0, lat0 } = index.get(definition.id) as { lon0: number; lat0: number };
    return { definition, lon0, lat0 };
  });
  const look = (lon: number, lat: number): void => {
    index.containing(lon, lat);
    for (const fence of index.candidates(lon, lat, 25)) index.kin(fence);
  };
  for (const { lon0, lat0 } of places) look(lon0, lat0);
  const adds: number[] = [];
  const removes: number[] = [];
  for (const { definition, lon0, lat0 } of places) {
    const start = performance.now();
    index.remove(definition.id);
    look(lon0, lat0);
    const between = performance.now();
    index.add(definition);
    look(lon0, lat0);
    adds.push(performance.now() - between);
    removes.push(between - start);
  }
  return { fences: fences.length, edits, add: spread(adds), remove: spread(removes) };
}

const spread = (values: readonly number[]) => ({
  median: round(median(values)),
  p99: round(percentile(values, 0.99)),
  max: round(Math.max(...values)),
});

const round = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;
