/** PURE. What a feature says it is, and whether its geometry agrees. */
import type { Properties } from './properties.ts';
import { faulty, given } from './fence-fault.ts';

/** `polygon`, `circle`, `isochrone` and `beacon` are other words for what the geometry tells. */
const GEOMETRIES = {
  area: ['Polygon', 'MultiPolygon'],
  polygon: ['Polygon', 'MultiPolygon'],
  isochrone: ['Polygon', 'MultiPolygon'],
  circle: ['Point'],
  corridor: ['LineString'],
  tripwire: ['LineString'],
  radio: [],
  beacon: [],
  composite: [],
} as const;

type Kind = keyof typeof GEOMETRIES;

const KINDS = Object.keys(GEOMETRIES) as Kind[];

function named(value: unknown): Kind | null {
  if (!given(value)) return null;
  const kind = KINDS.find((each) => each === value);
  if (!kind) throw faulty('bad-kind', `the kind is one of ${KINDS.join(', ')}`);
  return kind;
}

/** Of a feature without geometry; null when it does not say. */
export function kindOf(value: unknown): 'radio' | 'composite' | null {
  const kind = named(value);
  if (kind === null || kind === 'composite') return kind;
  if (kind === 'radio' || kind === 'beacon') return 'radio';
  throw faulty('bad-kind', `a ${kind} needs a ${GEOMETRIES[kind].join(' or ')} geometry`);
}

export function requireKind(value: unknown, geometry: unknown): void {
  const kind = named(value);
  if (kind === null) return;
  const fitting: readonly string[] = GEOMETRIES[kind];
  if (fitting.includes(geometry as string)) return;
  const message =
    fitting.length === 0
      ? `a ${kind} has no ground of its own: leave the geometry null`
      : `a ${kind} is a ${fitting.join(' or ')}, not a ${String(geometry).slice(0, 40)}`;
  throw faulty('bad-kind', message);
}

const number = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value);

/**
 * The name to give an isochrone that has none, or null for every other feature. Said by
 * `kind: "isochrone"` or `source: "isochrone"`, or told by its maker: Valhalla and Mapbox write
 * `contour` (minutes, or kilometres with `metric: "distance"`), openrouteservice `group_index` and
 * `value` (seconds or metres; it does not say which, so the name does not either).
 */
export function isochroneName(properties: Properties): string | null {
  const { kind, source, contour, metric, value, group_index: group } = properties;
  if (given(source) && source !== 'isochrone') {
    throw faulty('bad-property', 'the source is isochrone or left out');
  }
  if (number(contour)) return `${contour} ${metric === 'distance' ? 'km' : 'min'}`;
  if (number(group) && number(value)) return `Isochrone ${value}`;
  return kind === 'isochrone' || source === 'isochrone' ? 'Isochrone' : null;
}
