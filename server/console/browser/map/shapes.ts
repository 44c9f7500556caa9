/** Fences as Leaflet layers and back: circles have a radius, corridors a width, both in metres. */
import type { LineString, MultiLineString, MultiPolygon, Polygon } from 'geojson';
import L from 'leaflet';
import type { FenceGeometry, FenceKind } from '../../shared/fence.ts';
import { metresPerPixel } from './grid.ts';
import { middleOf } from './middle.ts';

export type Geometry = FenceGeometry;

export interface ShapeOnMap {
  kind: FenceKind;
  /** Null for what has no ground: it is nowhere on the map. */
  geometry: Geometry | null;
  /** Metres; circles only. */
  radius: number | null;
  /** Metres; corridors only. */
  width: number | null;
}

export type Line = L.Polyline<LineString | MultiLineString | Polygon | MultiPolygon>;
export type FenceLayer = L.Circle | Line;

/** About 1 cm. */
const DIGITS = 7;
const round = (value: number): number => Number(value.toFixed(DIGITS));
/** A narrow passage seen from afar is still a line that can be hit. */
const THINNEST = 3;

/** Null when there is nothing to show. */
export function toLayer(shape: ShapeOnMap, options: L.PathOptions): FenceLayer | null {
  const { geometry, radius } = shape;
  if (geometry === null) return null;
  if (geometry.type === 'Point') {
    const [lon = 0, lat = 0] = geometry.coordinates;
    return L.circle([lat, lon], { ...options, radius: radius ?? 10 });
  }
  if (geometry.type === 'LineString') {
    const className = `${options.className ?? ''} fence--${shape.kind}`;
    const line = L.GeoJSON.coordsToLatLngs(geometry.coordinates, 0) as L.LatLng[];
    return L.polyline(line, { ...options, className, fill: false });
  }
  const depth = geometry.type === 'Polygon' ? 1 : 2;
  return L.polygon(L.GeoJSON.coordsToLatLngs(geometry.coordinates, depth), options);
}

/** Draws a corridor as wide as it is; call again after zooming. */
export function fitWidth(map: L.Map, layer: FenceLayer, width: number | null): void {
  const path = layer.getElement() as SVGElement | undefined;
  if (width === null || !path) return;
  // As a style of its own: the attribute that Leaflet sets gives way to the stylesheet.
  path.style.strokeWidth = String(Math.max(THINNEST, width / metresPerPixel(map)));
}

/** What a layer shows now; its kind is the one it was made of. */
export function fromLayer(layer: FenceLayer): Pick<ShapeOnMap, 'geometry' | 'radius'> {
  if (layer instanceof L.Circle) {
    const { lng, lat } = layer.getLatLng();
    const geometry: Geometry = { type: 'Point', coordinates: [round(lng), round(lat)] };
    return { geometry, radius: Math.round(layer.getRadius() * 10) / 10 };
  }
  const { geometry } = layer.toGeoJSON(DIGITS);
  return { geometry: geometry as Geometry, radius: null };
}

const PLANE_ZOOM = 20;

/** The middle of a line, by its length on the map, and where it is going there. */
export function middleOfLine(
  map: L.Map,
  layer: Line,
): { at: L.LatLng; from: L.Point; to: L.Point } {
  const points = (layer.getLatLngs() as L.LatLng[]).map((at) => map.project(at, PLANE_ZOOM));
  const lengths = points.slice(1).map((point, i) => point.distanceTo(points[i]!));
  let left = lengths.reduce((sum, length) => sum + length, 0) / 2;
  let i = 0;
  while (i < lengths.length - 1 && left > lengths[i]!) left -= lengths[i++]!;
  const [from, to] = [points[i]!, points[i + 1] ?? points[i]!];
  const share = lengths[i] ? left / lengths[i]! : 0;
  const at = L.point(from.x + share * (to.x - from.x), from.y + share * (to.y - from.y));
  return { at: map.unproject(at, PLANE_ZOOM), from, to };
}

/** Where the fence's label stands. */
export function labelPlace(map: L.Map, layer: FenceLayer): L.LatLng {
  if (layer instanceof L.Circle) return layer.getLatLng();
  if (!(layer instanceof L.Polygon)) return middleOfLine(map, layer).at;
  const { geometry } = layer.toGeoJSON(false);
  const polygons = geometry.type === 'MultiPolygon' ? geometry.coordinates : [geometry.coordinates];
  const largest = polygons.toSorted((a, b) => (b[0]?.length ?? 0) - (a[0]?.length ?? 0))[0] ?? [];
  const plane = largest.map((ring) =>
    ring.map(([lon = 0, lat = 0]) => {
      const { x, y } = map.project([lat, lon], PLANE_ZOOM);
      return [x, y] as const;
    }),
  );
  return map.unproject([...middleOf(plane)] as [number, number], PLANE_ZOOM);
}

/** Size of the layer on the screen, in pixels. */
export function pixelSize(map: L.Map, layer: FenceLayer): { width: number; height: number } {
  const bounds = layer.getBounds();
  const a = map.latLngToLayerPoint(bounds.getNorthWest());
  const b = map.latLngToLayerPoint(bounds.getSouthEast());
  // A line has no inside but the width it is drawn with.
  const path = layer instanceof L.Polygon || layer instanceof L.Circle ? null : layer.getElement();
  const stroke = Number.parseFloat((path as SVGElement | undefined)?.style.strokeWidth ?? '') || 0;
  return {
    width: Math.max(stroke, Math.abs(b.x - a.x)),
    height: Math.max(stroke, Math.abs(b.y - a.y)),
  };
}

/** Everything the shapes cover; needs no map. */
export function boundsOf(
  shapes: readonly Pick<ShapeOnMap, 'geometry' | 'radius'>[],
): L.LatLngBounds {
  const all = L.latLngBounds([]);
  for (const { geometry, radius } of shapes) {
    if (geometry === null) continue;
    if (geometry.type === 'Point') {
      const [lon = 0, lat = 0] = geometry.coordinates;
      all.extend(L.latLng(lat, lon).toBounds(2 * (radius ?? 10)));
    } else {
      const depth = { LineString: 0, Polygon: 1, MultiPolygon: 2 }[geometry.type];
      for (const [lon = 0, lat = 0] of geometry.coordinates.flat(depth) as number[][]) {
        all.extend([lat, lon]);
      }
    }
  }
  return all;
}
