/** PURE. GeoJSON from outside into fence definitions, or a named refusal that says what to mend. */
import type { Datum } from './datum.ts';
import type { FenceFault, FenceWarning } from './fence-fault.ts';
import type { CircleShape, FenceDefinition, Position, Shape } from './fence.ts';
import type { Metres } from './lonlat.ts';
import type { Properties } from './properties.ts';
import { isochroneName, kindOf, requireKind } from './fence-kind.ts';
import { faulty, given, isFaulty, isObject } from './fence-fault.ts';
import { warningsOf } from './fence-warnings.ts';
import { lineShapeOf } from './lines.ts';
import { polygonsOf } from './outline.ts';
import { commonOf, datumOf, identifier, membersOf, radioOf } from './properties.ts';
import { MAX_VERTICES, polygonOf, position, requireFewVertices } from './rings.ts';

export type { FenceFault, FenceWarning } from './fence-fault.ts';

const MIN_RADIUS: Metres = 3;
const MAX_RADIUS: Metres = 10_000;
export const MAX_FENCES = 100_000;

export type FenceResult =
  | {
      readonly ok: true;
      readonly fence: FenceDefinition;
      /** What was taken and is still odd. */
      readonly warnings: readonly FenceWarning[];
    }
  | { readonly ok: false; readonly code: FenceFault; readonly message: string };

export interface FenceRefusal {
  /** Place in the collection, from 0; −1 for the collection itself. */
  readonly index: number;
  readonly id: string | null;
  readonly code: FenceFault;
  readonly message: string;
}

export interface ParsedFences {
  readonly fences: readonly FenceDefinition[];
  readonly refused: readonly FenceRefusal[];
  readonly warnings: readonly (FenceWarning & { readonly index: number; readonly id: string })[];
}

export interface FenceOptions {
  /** Used when the feature carries none. */
  readonly id?: string;
  /** Of features that name none; WGS-84 when not given. */
  readonly datum?: Datum;
  /**
   * [west, south, east, north] the fence should touch. A fence outside whose swapped axes would lie
   * inside is refused as swapped.
   */
  readonly expected?: readonly [number, number, number, number];
}

function circleOf(coordinates: unknown, radius: unknown, datum: Datum): CircleShape {
  const [lon, lat] = position(coordinates, 'the centre', datum);
  if (typeof radius !== 'number' || !Number.isFinite(radius)) {
    throw faulty('radius-out-of-range', 'a circle is a Point with a number "radius" in metres');
  }
  if (radius < MIN_RADIUS || radius > MAX_RADIUS) {
    throw faulty('radius-out-of-range', `the radius must be ${MIN_RADIUS} to ${MAX_RADIUS} m`);
  }
  return { type: 'Circle', lon, lat, radius };
}

function groundless(properties: Properties, id: string): Shape {
  const kind = kindOf(properties.kind);
  if (kind === 'composite' || (kind === null && given(properties.members))) {
    const { of } = properties;
    if (given(of) && of !== 'any' && of !== 'all') {
      throw faulty('bad-property', 'a composite is "of": "any" or "all" of its members');
    }
    const members = membersOf(properties.members, id);
    return { type: 'Composite', of: of === 'all' ? 'all' : 'any', members };
  }
  const radio = radioOf(properties.radio);
  if (kind === 'radio' && !radio) {
    throw faulty('bad-radio', 'a radio fence lists what is heard there: "radio"');
  }
  if (kind === 'radio' || (kind === null && radio)) return { type: 'Radio' };
  throw faulty('unsupported-type', 'the feature has no geometry, no "radio" and no "members"');
}

function shapeOf(geometry: unknown, properties: Properties, id: string, datum: Datum): Shape {
  if (!given(geometry)) return groundless(properties, id);
  if (!isObject(geometry)) throw faulty('unsupported-type', 'the geometry is no object');
  const { type, coordinates } = geometry;
  requireKind(properties.kind, type);
  if (type === 'Point') return circleOf(coordinates, properties.radius, datum);
  if (type === 'LineString') return lineShapeOf(coordinates, properties, datum);
  if (type !== 'Polygon' && type !== 'MultiPolygon') {
    const message = 'a fence is a Polygon, MultiPolygon, LineString, Point with radius, or null';
    throw faulty('unsupported-type', message);
  }
  requireFewVertices(coordinates, MAX_VERTICES, 'the fence');
  if (type === 'Polygon') return { type, coordinates: polygonOf(coordinates, '', datum) };
  if (!Array.isArray(coordinates) || coordinates.length === 0) {
    throw faulty('bad-coordinates', 'the multipolygon is empty');
  }
  return { type, coordinates: coordinates.map((p, i) => polygonOf(p, `part ${i + 1}, `, datum)) };
}

function firstPosition(shape: Shape): Position | null {
  if (shape.type === 'Circle') return [shape.lon, shape.lat];
  if (shape.type === 'Corridor' || shape.type === 'Tripwire') return shape.coordinates[0] ?? null;
  return polygonsOf(shape)[0]?.[0]?.[0] ?? null;
}

function checkExpected(shape: Shape, expected: FenceOptions['expected']): void {
  const first = firstPosition(shape);
  if (!expected || !first) return;
  const [west, south, east, north] = expected;
  const within = (lon: number, lat: number): boolean =>
    lon >= west && lon <= east && lat >= south && lat <= north;
  const [lon, lat] = first;
  if (!within(lon, lat) && within(lat, lon)) {
    throw faulty('swapped-axes', `${lon}, ${lat} lies far away, ${lat}, ${lon} does not`);
  }
}

function definitionOf(feature: unknown, options: FenceOptions): FenceDefinition {
  if (!isObject(feature) || feature.type !== 'Feature') {
    throw faulty('not-a-feature', 'not a GeoJSON Feature');
  }
  const properties = isObject(feature.properties) ? feature.properties : {};
  const id = identifier(feature.id ?? properties.id ?? options.id, 'bad-id', 'the id');
  const isochrone = isochroneName(properties);
  const common = commonOf(properties, id, isochrone ?? id);
  const datum = datumOf(properties.datum, options.datum ?? 'wgs84');
  const drawnIn = datum === 'wgs84' ? datumOf(properties.drawnIn, datum) : datum;
  const shape = shapeOf(feature.geometry, properties, id, datum);
  checkExpected(shape, options.expected);
  const isGround = shape.type === 'Polygon' || shape.type === 'MultiPolygon';
  return {
    ...common,
    shape,
    ...(isochrone !== null && isGround ? { source: 'isochrone' as const } : {}),
    ...(drawnIn === 'wgs84' ? {} : { drawnIn }),
  };
}

/** One GeoJSON Feature as a fence. Never throws. */
export function parseFence(feature: unknown, options: FenceOptions = {}): FenceResult {
  try {
    const fence = definitionOf(feature, options);
    return { ok: true, fence, warnings: warningsOf(fence) };
  } catch (error) {
    if (isFaulty(error)) return { ok: false, code: error.fault, message: error.message };
    throw error;
  }
}

const idOf = (feature: unknown): string | null => {
  if (!isObject(feature)) return null;
  const id = feature.id ?? (isObject(feature.properties) ? feature.properties.id : null);
  return typeof id === 'string' || typeof id === 'number' ? String(id) : null;
};

const refuse = (code: FenceFault, message: string): ParsedFences => ({
  fences: [],
  refused: [{ index: -1, id: null, code, message }],
  warnings: [],
});

/** A FeatureCollection (or a lone Feature): what could be read, and what could not and why. */
export function parseFences(collection: unknown, options: FenceOptions = {}): ParsedFences {
  if (!isObject(collection)) return refuse('not-a-collection', 'not a GeoJSON object');
  const features = collection.type === 'Feature' ? [collection] : collection.features;
  if (!Array.isArray(features)) return refuse('not-a-collection', 'not a FeatureCollection');
  if (features.length > MAX_FENCES) return refuse('too-many-fences', `more than ${MAX_FENCES}`);
  const fences = new Map<string, FenceDefinition>();
  const refused: FenceRefusal[] = [];
  const warnings: (FenceWarning & { index: number; id: string })[] = [];
  features.forEach((feature: unknown, index) => {
    const result = parseFence(feature, options);
    if (!result.ok) {
      refused.push({ index, id: idOf(feature), code: result.code, message: result.message });
      return;
    }
    const { id } = result.fence;
    if (fences.has(id)) {
      const message = 'an earlier fence has the same id';
      refused.push({ index, id, code: 'duplicate-id', message });
      return;
    }
    fences.set(id, result.fence);
    for (const warning of result.warnings) warnings.push({ ...warning, index, id });
  });
  return { fences: [...fences.values()], refused, warnings };
}
