/** Fences as Leaflet layers and back: a circle is a GeoJSON Point with a radius in metres. */
import L from 'leaflet';
import { middleOf } from './middle.ts';

export type Geometry =
  | { type: 'Point'; coordinates: number[] }
  | { type: 'Polygon'; coordinates: number[][][] }
  | { type: 'MultiPolygon'; coordinates: number[][][][] };

export interface ShapeOnMap {
  geometry: Geometry;
  /** Metres; only with a Point. */
  radius: number | null;
}

export type FenceLayer = L.Circle | L.Polygon;

/** About 1 cm. */
const DIGITS = 7;
const round = (value: number): number => Number(value.toFixed(DIGITS));

export function toLayer(shape: ShapeOnMap, options: L.PathOptions): FenceLayer {
  const { geometry, radius } = shape;
  if (geometry.type === 'Point') {
    const [lon = 0, lat = 0] = geometry.coordinates;
    return L.circle([lat, lon], { ...options, radius: radius ?? 10 });
  }
  const depth = geometry.type === 'Polygon' ? 1 : 2;
  return L.polygon(L.GeoJSON.coordsToLatLngs(geometry.coordinates, depth), options);
}

export function fromLayer(layer: FenceLayer): ShapeOnMap {
  if (layer instanceof L.Circle) {
    const { lng, lat } = layer.getLatLng();
    const geometry: Geometry = { type: 'Point', coordinates: [round(lng), round(lat)] };
    return { geometry, radius: Math.round(layer.getRadius() * 10) / 10 };
  }
  const { geometry } = layer.toGeoJSON(DIGITS);
  return { geometry, radius: null };
}

const PLANE_ZOOM = 20;

/** Where the fence's label stands. */
export function labelPlace(map: L.Map, layer: FenceLayer): L.LatLng {
  if (layer instanceof L.Circle) return layer.getLatLng();
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
  return { width: Math.abs(b.x - a.x), height: Math.abs(b.y - a.y) };
}

/** Everything the shapes cover; needs no map. */
export function boundsOf(shapes: readonly ShapeOnMap[]): L.LatLngBounds {
  const all = L.latLngBounds([]);
  for (const { geometry, radius } of shapes) {
    if (geometry.type === 'Point') {
      const [lon = 0, lat = 0] = geometry.coordinates;
      all.extend(L.latLng(lat, lon).toBounds(2 * (radius ?? 10)));
    } else {
      const rings = geometry.coordinates.flat(geometry.type === 'Polygon' ? 1 : 2) as number[][];
      for (const [lon = 0, lat = 0] of rings) all.extend([lat, lon]);
    }
  }
  return all;
}
