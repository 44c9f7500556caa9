/** PURE. What is odd about a fence that is taken all the same. */
import type { FenceDefinition, Ring, Shape } from './fence.ts';
import type { FenceWarning } from './fence-fault.ts';
import type { Metres } from './lonlat.ts';
import { outlineOf, polygonsOf } from './outline.ts';
import { polarRing } from './polar.ts';
import { partsOverlap } from './rings.ts';

/** A circle smaller than this, or another shape of less area, is smaller than a phone's error. */
export const SMALL: Metres = 15;

/** Degrees: whoever spans more is not worth measuring. */
const SPAN = 0.1;

function spans(ring: Ring): boolean {
  const [lon0, lat0] = ring[0] ?? [0, 0];
  return ring.some(([lon, lat]) => Math.abs(lon - lon0) > SPAN || Math.abs(lat - lat0) > SPAN);
}

function isSmall(shape: Shape): boolean {
  if (shape.type === 'Circle') return shape.radius < SMALL;
  if (shape.type === 'Polygon' || shape.type === 'MultiPolygon') {
    return (
      !polygonsOf(shape).flat().some(spans) && outlineOf(shape).squareMetres < Math.PI * SMALL ** 2
    );
  }
  return shape.type === 'Corridor' && shape.width < SMALL;
}

/** Half round the earth and more in one edge: it is read the short way, over the antimeridian. */
function isLong(ring: Ring): boolean {
  if (polarRing(ring)) return false;
  return ring.some(([lon], i) => i > 0 && Math.abs(lon - (ring[i - 1]?.[0] ?? lon)) > 180);
}

export function warningsOf({ shape, radio }: FenceDefinition): FenceWarning[] {
  const warnings: FenceWarning[] = [];
  if (!radio && isSmall(shape)) {
    const message =
      'positions alone seldom tell that somebody is in so small a place: add what is heard there';
    warnings.push({ code: 'small-without-radio', message });
  }
  if (shape.type === 'MultiPolygon' && partsOverlap(shape.coordinates)) {
    const message = 'parts of the multipolygon overlap; shared ground counts once';
    warnings.push({ code: 'overlapping-parts', message });
  }
  if (shape.type !== 'Circle' && polygonsOf(shape).flat().some(isLong)) {
    const message = 'an edge spans more than 180° and is read the short way, over the antimeridian';
    warnings.push({ code: 'long-edge', message });
  }
  return warnings;
}
