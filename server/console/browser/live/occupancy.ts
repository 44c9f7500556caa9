/** Fences tinted by how many people are in them now, with the number, one floor at a time. */
import L from 'leaflet';
import type { FenceLabel } from '../map/labels.ts';
import { addLabel } from '../map/labels.ts';
import type { FenceLayer, ShapeOnMap } from '../map/shapes.ts';
import { fitWidth, toLayer } from '../map/shapes.ts';

export interface LiveFence extends ShapeOnMap {
  id: string;
  name: string;
  floor: string | null;
  parentId: string | null;
  count: number;
}

export interface OccupancyMap {
  /** Numbers by fence id; a fence not named has nobody. */
  update(counts: Record<string, number>): void;
  showFloor(floor: string | null): void;
  pulse(fenceId: string): void;
  /** Bounds of everything shown. */
  bounds(): L.LatLngBounds;
}

/** Steps of the viridis scale; 0 is kept for "nobody". */
const STEPS = 5;

/** 0 for nobody, else 1..5 in equal shares of the fullest fence (of at least five people). */
export function tint(count: number, fullest: number): number {
  if (count <= 0) return 0;
  return Math.max(1, Math.min(STEPS, Math.ceil((STEPS * count) / Math.max(STEPS, fullest))));
}

interface Shown {
  fence: LiveFence;
  layer: FenceLayer;
  label: FenceLabel | null;
  /** Holds other fences: an outline, never a tint that would cover its shops. */
  outer: boolean;
}

export function showOccupancy(
  map: L.Map,
  fences: readonly LiveFence[],
  describe: (fence: LiveFence, count: number) => string,
): OccupancyMap {
  const parents = new Set(fences.map((fence) => fence.parentId));
  const counts = new Map(fences.map((fence) => [fence.id, fence.count]));
  const shown = new Map<string, Shown>();
  const clear = (): void => {
    for (const { layer, label } of shown.values()) {
      label?.remove();
      layer.remove();
    }
    shown.clear();
  };
  const paint = (): void => {
    const inner = [...shown.values()].filter(({ outer }) => !outer);
    const fullest = Math.max(0, ...inner.map(({ fence }) => counts.get(fence.id) ?? 0));
    for (const { fence, layer, label, outer } of shown.values()) {
      const count = counts.get(fence.id) ?? 0;
      label?.setCount(count);
      const path = layer.getElement();
      if (path && !outer) path.setAttribute('data-tint', String(tint(count, fullest)));
      path?.setAttribute('aria-label', describe(fence, count));
    }
  };
  map.on('zoomend', () => {
    for (const { fence, layer, label } of shown.values()) {
      fitWidth(map, layer, fence.width);
      label?.refit();
    }
  });
  return {
    update(next) {
      for (const id of counts.keys()) counts.set(id, next[id] ?? 0);
      paint();
    },
    showFloor(floor) {
      clear();
      const visible = fences.filter((fence) => fence.floor === null || fence.floor === floor);
      const outerFirst = visible.toSorted(
        (a, b) => Number(parents.has(b.id)) - Number(parents.has(a.id)),
      );
      for (const fence of outerFirst) {
        const outer = parents.has(fence.id);
        const className = outer ? 'fence fence--outer' : 'fence';
        const layer = toLayer(fence, { className, interactive: false })?.addTo(map);
        if (!layer) continue;
        fitWidth(map, layer, fence.width);
        layer.getElement()?.setAttribute('role', 'img');
        const label = outer ? null : addLabel(map, layer, fence.name);
        shown.set(fence.id, { fence, layer, label, outer });
      }
      paint();
    },
    pulse(fenceId) {
      shown.get(fenceId)?.label?.pulse();
    },
    bounds() {
      const all = L.latLngBounds([]);
      for (const { layer } of shown.values()) all.extend(layer.getBounds());
      return all;
    },
  };
}
