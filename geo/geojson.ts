/** PURE. GeoJSON from outside into fence definitions, or a named refusal that says what to mend. */
import type { FenceDefinition, Position, Ring, Shape } from './fence.ts';
import type { Metres } from './lonlat.ts';
import { contains } from './contains.ts';
import { compileFence } from './fence.ts';
import { lonLatFault, wrapLon } from './lonlat.ts';
import { polygonsOf } from './outline.ts';
import { findSelfCrossing } from './self-crossing.ts';

export const MAX_VERTICES = 10_000;
export const MIN_RADIUS: Metres = 3;
export const MAX_RADIUS: Metres = 10_000;
export const MAX_FENCES = 100_000;
const MAX_TEXT = 200;

export type FenceFault =
  | 'not-a-feature'
  | 'not-a-collection'
  | 'too-many-fences'
  | 'unsupported-type'
  | 'bad-id'
  | 'duplicate-id'
  | 'bad-name'
  | 'bad-parent'
  | 'bad-property'
  | 'bad-coordinates'
  | 'not-finite'
  | 'out-of-range'
  | 'swapped-axes'
  | 'too-few-points'
  | 'too-many-vertices'
  | 'not-closed'
  | 'no-area'
  | 'self-crossing'
  | 'hole-outside'
  | 'encloses-pole'
  | 'radius-out-of-range';

export type FenceResult =
  | { readonly ok: true; readonly fence: FenceDefinition }
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
}

export interface FenceOptions {
  /** Used when the feature carries none. */
  readonly id?: string;
  /**
   * [west, south, east, north] the fence should touch. A fence outside whose swapped axes would lie
   * inside is refused as swapped.
   */
  readonly expected?: readonly [number, number, number, number];
}

/** How faults travel inside this file; never leaves it. */
class Fault extends Error {
  readonly code: FenceFault;
  constructor(code: FenceFault, message: string) {
    super(message);
    this.code = code;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function identifier(value: unknown, code: FenceFault, what: string): string {
  const text = typeof value === 'number' && Number.isFinite(value) ? String(value) : value;
  if (typeof text !== 'string' || text.length === 0 || text.length > MAX_TEXT) {
    throw new Fault(code, `${what} must be a text of 1 to ${MAX_TEXT} characters or a number`);
  }
  return text;
}

function position(value: unknown, where: string): Position {
  if (!Array.isArray(value) || value.length < 2) {
    throw new Fault('bad-coordinates', `${where} is not a [longitude, latitude] pair`);
  }
  const [lon, lat] = value as unknown[];
  const fault = lonLatFault(lon, lat);
  if (fault === 'not-finite') throw new Fault(fault, `${where} is not a pair of finite numbers`);
  const [x, y] = [lon as number, lat as number];
  if (fault === 'out-of-range') {
    if (Math.abs(y) > 90 && Math.abs(y) <= 180 && Math.abs(x) <= 90) {
      throw new Fault('swapped-axes', `${where} reads ${x}, ${y}: GeoJSON has longitude first`);
    }
    throw new Fault(fault, `${where} reads ${x}, ${y}: longitude ±180, latitude ±90`);
  }
  return [x, y];
}

/** Twice the area in square degrees, about two square millimetres. */
const LEAST_AREA = 2e-13;

function crossed(what: string, [lon, lat]: readonly [number, number]): Fault {
  return new Fault('self-crossing', `${what} crosses itself near ${lon}, ${lat}`);
}

function ringOf(value: unknown, where: string): Ring {
  if (!Array.isArray(value)) throw new Fault('bad-coordinates', `${where} is not a list`);
  if (value.length < 4) throw new Fault('too-few-points', `${where} needs at least 4 positions`);
  const ring = value.map((p, i) => position(p, `${where}, position ${i + 1}`));
  const [first, last] = [ring[0] as Position, ring.at(-1) as Position];
  if (first[0] !== last[0] || first[1] !== last[1]) {
    throw new Fault('not-closed', `${where} does not end where it began`);
  }
  let turn = 0;
  let area = 0;
  let swept = 0;
  let x = 0;
  for (let i = 1; i < ring.length; i++) {
    const [a, b] = [ring[i - 1] as Position, ring[i] as Position];
    const step = wrapLon(b[0] - a[0]);
    const piece = x * (b[1] - first[1]) - (x + step) * (a[1] - first[1]);
    area += piece;
    swept += Math.abs(piece);
    x += step;
    turn += step;
  }
  if (Math.abs(turn) > 180) throw new Fault('encloses-pole', `${where} goes round a pole`);
  if (Math.abs(area) < LEAST_AREA) {
    // The two halves of a symmetric bow tie cancel out: that outline crosses itself.
    const crossing = swept < LEAST_AREA ? null : findSelfCrossing([ring]);
    if (crossing) throw crossed(where, crossing);
    throw new Fault('no-area', `${where} encloses no area`);
  }
  return ring;
}

/** No deeper than a multipolygon goes: a bomb of brackets must not exhaust the stack. */
function countVertices(value: unknown, depth = 0): number {
  if (!Array.isArray(value) || depth > 4) return 0;
  if (typeof value[0] === 'number') return 1;
  let sum = 0;
  for (const item of value) {
    sum += countVertices(item, depth + 1);
    if (sum > MAX_VERTICES) break;
  }
  return sum;
}

function polygonOf(value: unknown, where: string): readonly Ring[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new Fault('bad-coordinates', `${where} has no ring`);
  }
  const rings = value.map((ring, i) =>
    ringOf(ring, i === 0 ? `${where}outer ring` : `${where}hole ${i}`),
  );
  const crossing = findSelfCrossing(rings);
  if (crossing) throw crossed(`${where}the outline`, crossing);
  const outer = compileFence({
    id: '',
    name: '',
    shape: { type: 'Polygon', coordinates: [rings[0] as Ring] },
  });
  for (const [i, hole] of rings.slice(1).entries()) {
    if (!hole.every(([lon, lat]) => contains(outer, wrapLon(lon), lat))) {
      throw new Fault('hole-outside', `${where}hole ${i + 1} is not inside the outer ring`);
    }
  }
  return rings;
}

function circleOf(geometry: Record<string, unknown>, radius: unknown): Shape {
  const [lon, lat] = position(geometry.coordinates, 'the centre');
  if (typeof radius !== 'number' || !Number.isFinite(radius)) {
    throw new Fault('radius-out-of-range', 'a circle is a Point with a number "radius" in metres');
  }
  if (radius < MIN_RADIUS || radius > MAX_RADIUS) {
    throw new Fault('radius-out-of-range', `the radius must be ${MIN_RADIUS} to ${MAX_RADIUS} m`);
  }
  if (Math.abs(lat) + radius / 111_000 > 89.9) {
    throw new Fault('encloses-pole', 'the circle reaches a pole');
  }
  return { type: 'Circle', lon, lat, radius };
}

function shapeOf(geometry: unknown, properties: Record<string, unknown>): Shape {
  if (!isObject(geometry)) throw new Fault('unsupported-type', 'the feature has no geometry');
  const { type, coordinates } = geometry;
  if (type === 'Point') return circleOf(geometry, properties.radius);
  if (type !== 'Polygon' && type !== 'MultiPolygon') {
    throw new Fault(
      'unsupported-type',
      'a fence is a Polygon, a MultiPolygon or a Point with radius',
    );
  }
  if (countVertices(coordinates) > MAX_VERTICES) {
    throw new Fault('too-many-vertices', `more than ${MAX_VERTICES} vertices`);
  }
  if (type === 'Polygon') return { type, coordinates: polygonOf(coordinates, '') };
  if (!Array.isArray(coordinates) || coordinates.length === 0) {
    throw new Fault('bad-coordinates', 'the multipolygon is empty');
  }
  return { type, coordinates: coordinates.map((p, i) => polygonOf(p, `part ${i + 1}, `)) };
}

function firstPosition(shape: Shape): Position {
  if (shape.type === 'Circle') return [shape.lon, shape.lat];
  const ring = polygonsOf(shape)[0]?.[0];
  return ring?.[0] ?? [0, 0];
}

function checkExpected(shape: Shape, expected: FenceOptions['expected']): void {
  if (!expected) return;
  const [west, south, east, north] = expected;
  const within = (lon: number, lat: number): boolean =>
    lon >= west && lon <= east && lat >= south && lat <= north;
  const [lon, lat] = firstPosition(shape);
  if (!within(lon, lat) && within(lat, lon)) {
    throw new Fault('swapped-axes', `${lon}, ${lat} lies far away, ${lat}, ${lon} does not`);
  }
}

function wholeNumber(value: unknown, name: string, least: number, most: number): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw new Fault('bad-property', `${name} must be a whole number, ${least} to ${most}`);
  }
  return value as number;
}

const given = (value: unknown): boolean => value !== undefined && value !== null;

function definitionOf(feature: unknown, options: FenceOptions): FenceDefinition {
  if (!isObject(feature) || feature.type !== 'Feature') {
    throw new Fault('not-a-feature', 'not a GeoJSON Feature');
  }
  const properties = isObject(feature.properties) ? feature.properties : {};
  const id = identifier(feature.id ?? properties.id ?? options.id, 'bad-id', 'the id');
  const name = given(properties.name) ? properties.name : id;
  if (typeof name !== 'string' || name.length > MAX_TEXT) {
    throw new Fault('bad-name', `the name must be a text of at most ${MAX_TEXT} characters`);
  }
  const { parent, version, minDwellSeconds, floor } = properties;
  const above = given(parent) ? identifier(parent, 'bad-parent', 'the parent') : null;
  if (above === id) throw new Fault('bad-parent', 'a fence cannot be its own parent');
  const shape = shapeOf(feature.geometry, properties);
  checkExpected(shape, options.expected);
  return {
    id,
    name,
    shape,
    ...(above === null ? {} : { parent: above }),
    ...(given(version) ? { version: wholeNumber(version, 'version', 1, 2 ** 31) } : {}),
    ...(given(minDwellSeconds)
      ? { minDwellSeconds: wholeNumber(minDwellSeconds, 'minDwellSeconds', 0, 86_400) }
      : {}),
    ...(given(floor) ? { floor: identifier(floor, 'bad-property', 'the floor') } : {}),
  };
}

/** One GeoJSON Feature as a fence. Never throws. */
export function parseFence(feature: unknown, options: FenceOptions = {}): FenceResult {
  try {
    return { ok: true, fence: definitionOf(feature, options) };
  } catch (error) {
    if (error instanceof Fault) return { ok: false, code: error.code, message: error.message };
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
});

/** A FeatureCollection (or a lone Feature): what could be read, and what could not and why. */
export function parseFences(collection: unknown, options: FenceOptions = {}): ParsedFences {
  if (!isObject(collection)) return refuse('not-a-collection', 'not a GeoJSON object');
  const features = collection.type === 'Feature' ? [collection] : collection.features;
  if (!Array.isArray(features)) return refuse('not-a-collection', 'not a FeatureCollection');
  if (features.length > MAX_FENCES) return refuse('too-many-fences', `more than ${MAX_FENCES}`);
  const fences = new Map<string, FenceDefinition>();
  const refused: FenceRefusal[] = [];
  features.forEach((feature: unknown, index) => {
    const result = parseFence(feature, options);
    if (!result.ok) {
      refused.push({ index, id: idOf(feature), code: result.code, message: result.message });
    } else if (fences.has(result.fence.id)) {
      const message = 'an earlier fence has the same id';
      refused.push({ index, id: result.fence.id, code: 'duplicate-id', message });
    } else fences.set(result.fence.id, result.fence);
  });
  return { fences: [...fences.values()], refused };
}
