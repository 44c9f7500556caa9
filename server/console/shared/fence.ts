/** PURE. A fence as the console's pages know it: what is shown, typed and drawn. */

export const fenceKinds = ['area', 'circle', 'corridor', 'tripwire', 'radio', 'composite'] as const;
export type FenceKind = (typeof fenceKinds)[number];
export type Datum = 'wgs84' | 'gcj02' | 'bd09';
export type Direction = 'left' | 'right' | 'both';

export type FenceGeometry =
  | { type: 'Point'; coordinates: number[] }
  | { type: 'LineString'; coordinates: number[][] }
  | { type: 'Polygon'; coordinates: number[][][] }
  | { type: 'MultiPolygon'; coordinates: number[][][][] };

/** [opens, closes] in minutes after midnight. */
export type OpenSpan = readonly [number, number];
export interface OpeningHours {
  /** IANA name. */
  timezone: string;
  /** Monday first. */
  week: readonly (readonly OpenSpan[])[];
}

/** Everything a person sets. */
export interface FenceValue {
  name: string;
  kind: FenceKind;
  floor: string | null;
  parentId: string | null;
  category: string | null;
  minDwellSeconds: number;
  active: boolean;
  /** In `datum`, as it was drawn. Null for sets of radios and for composites. */
  geometry: FenceGeometry | null;
  /** Metres, circles only. */
  radius: number | null;
  /** Metres, corridors only. */
  width: number | null;
  /** Tripwires only. */
  direction: Direction | null;
  /** Fence ids, composites only. */
  members: readonly string[] | null;
  of: 'any' | 'all' | null;
  /** Keys such as `bssid:…`; any kind may have them. */
  radio: readonly string[] | null;
  priority: number;
  cooldownSeconds: number;
  hours: OpeningHours | null;
  datum: Datum;
}

export interface StoredFence extends FenceValue {
  id: string;
  /** Rises when its ground changes; 0 until saved. */
  version: number;
}

/** A fence of a kind with nothing set yet. */
export function blankFence(kind: FenceKind): FenceValue {
  return {
    name: '',
    kind,
    floor: null,
    parentId: null,
    category: null,
    minDwellSeconds: 180,
    active: true,
    geometry: null,
    radius: null,
    width: kind === 'corridor' ? 4 : null,
    direction: kind === 'tripwire' ? 'both' : null,
    members: kind === 'composite' ? [] : null,
    of: kind === 'composite' ? 'any' : null,
    radio: null,
    priority: 0,
    cooldownSeconds: 0,
    hours: null,
    datum: 'wgs84',
  };
}

/** Kinds that are drawn on the map. */
export const isDrawn = (kind: FenceKind): boolean => kind !== 'radio' && kind !== 'composite';
