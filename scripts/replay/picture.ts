/** PURE. A replay as GeoJSON for any map viewer: fences, tracks and visits, coloured by simplestyle properties. */
import type { Feature, FeatureCollection, Geometry, Position } from 'geojson';
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Band, Visit } from '../../geo/visit.ts';
import type { Sourced } from './files.ts';
import type { Outcome } from './judge.ts';
import type { Fence } from '../../geo/fence.ts';
import { drawnOf } from '../../geo/drawn.ts';
import { wrapLon } from '../../geo/lonlat.ts';

/** Where a device was taken to be after one of its pings. */
export interface TrackPoint {
  readonly t: number;
  readonly lon: number;
  readonly lat: number;
}

/** Okabe and Ito's colours, which those who confuse red and green can tell apart. */
const TRACKS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00'];
const BANDS: Record<Band, string> = {
  high: '#009e73',
  medium: '#e69f00',
  low: '#cc79a7',
  none: '#999999',
};
const FENCE = '#555555';
const REFUSED = '#c0392b';

export function pictureOf(
  fences: FenceIndex,
  out: Outcome,
  tracks: ReadonlyMap<string, readonly TrackPoint[]>,
): FeatureCollection<Geometry | null> {
  const visited = new Set(out.visits.map((visit) => visit.fence));
  return {
    type: 'FeatureCollection',
    features: [
      ...fences.all().map((fence) => fenceFeature(fence, visited.has(fence.id))),
      ...[...tracks].flatMap(([device, points], i) => trackFeatures(device, points, i)),
      ...out.visits.flatMap((visit) => visitFeature(visit, tracks.get(visit.device) ?? [], fences)),
      ...out.refused.flatMap(({ from, reason }) => refusedFeature(from, reason)),
    ],
  };
}

function fenceFeature(fence: Fence, visited: boolean): Feature<Geometry | null> {
  const { id, name, parent, floor } = fence.definition;
  return {
    type: 'Feature',
    id,
    properties: {
      kind: 'fence',
      title: name,
      ...(parent === undefined ? {} : { parent }),
      ...(floor === undefined ? {} : { floor }),
      stroke: FENCE,
      'stroke-width': 1,
      fill: visited ? BANDS.high : FENCE,
      'fill-opacity': visited ? 0.25 : 0.06,
    },
    geometry: drawnOf(fence) as Geometry | null,
  };
}

/** One line, cut where it would run round the earth. */
function trackFeatures(device: string, points: readonly TrackPoint[], i: number): Feature[] {
  if (points.length === 0) return [];
  const parts: Position[][] = [[]];
  let before: TrackPoint | null = null;
  for (const point of points) {
    if (before && Math.abs(point.lon - before.lon) > 180) parts.push([]);
    parts.at(-1)?.push([wrapLon(point.lon), point.lat]);
    before = point;
  }
  const lines = parts.filter((part) => part.length > 1);
  const geometry: Geometry =
    lines.length > 0
      ? { type: 'MultiLineString', coordinates: lines }
      : { type: 'MultiPoint', coordinates: parts.flat() };
  const stroke = TRACKS[i % TRACKS.length];
  const properties = {
    kind: 'track',
    title: device,
    stroke,
    'stroke-width': 2,
    'marker-color': stroke,
  };
  return [{ type: 'Feature', properties, geometry }];
}

/** The part of the track that was spent there; a visit without one stands in its fence's middle. */
function visitFeature(visit: Visit, track: readonly TrackPoint[], fences: FenceIndex): Feature[] {
  const until = visit.exit?.earliest ?? visit.exit?.estimate ?? Infinity;
  const from = visit.entry.latest ?? visit.entry.estimate;
  const there = track.filter(({ t }) => t >= from && t <= until);
  if (there.length === 0) return [];
  const name = fences.get(visit.fence)?.definition.name ?? visit.fence;
  const colour = BANDS[visit.band];
  const properties = {
    kind: 'visit',
    title: `${name}: ${Math.round(visit.dwell.estimate / 60)} min, ${visit.band}`,
    description: visit.factors
      .map((factor) => `${factor.name} ${factor.value}: ${factor.text}`)
      .join('\n'),
    device: visit.device,
    fence: visit.fence,
    score: visit.score,
    entry: new Date(visit.entry.estimate).toISOString(),
    exit: visit.exit && new Date(visit.exit.estimate).toISOString(),
    stroke: colour,
    'stroke-width': 5,
    'stroke-opacity': 0.7,
    'marker-color': colour,
  };
  const coordinates = there.map(({ lon, lat }): Position => [wrapLon(lon), lat]);
  const geometry: Geometry =
    coordinates.length > 1
      ? { type: 'LineString', coordinates }
      : { type: 'MultiPoint', coordinates };
  return [{ type: 'Feature', id: visit.id, properties, geometry }];
}

function refusedFeature({ device, ping }: Sourced, reason: string): Feature[] {
  if (!(Math.abs(ping.lon) <= 180 && Math.abs(ping.lat) <= 90)) return [];
  return [
    {
      type: 'Feature',
      properties: {
        kind: 'refused',
        title: reason,
        device,
        at: new Date(ping.t).toISOString(),
        'marker-color': REFUSED,
        'marker-size': 'small',
      },
      geometry: { type: 'Point', coordinates: [ping.lon, ping.lat] },
    },
  ];
}
