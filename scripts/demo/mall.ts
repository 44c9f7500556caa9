/** PURE. The demo's mall: a ground floor to the west, an upper floor over the car park to the east. */
import type { Feature, FeatureCollection, Polygon } from 'geojson';

/** Metres east and north of the mall's south-west corner. */
export interface Spot {
  x: number;
  y: number;
}

export interface Shop {
  name: string;
  category: string;
  floor: '1' | '2';
  /** West, south, east, north in metres. */
  box: readonly [number, number, number, number];
}

const origin = { lon: 4.4828, lat: 51.9173 };
const metresPerDegree = 111_320;

export const mallName = 'Harbour Mall';
export const mallBox = [0, 0, 180, 90] as const;

export const shops: readonly Shop[] = [
  { name: 'Anchor Books', category: 'books', floor: '1', box: [0, 52, 28, 90] },
  { name: 'Lumen Optics', category: 'optics', floor: '1', box: [28, 52, 50, 90] },
  { name: 'Shoe Harbour', category: 'shoes', floor: '1', box: [50, 52, 82, 90] },
  { name: 'Tea and Tide', category: 'café', floor: '1', box: [82, 52, 110, 90] },
  { name: 'Market Hall', category: 'groceries', floor: '1', box: [0, 0, 40, 38] },
  { name: 'Pharmacy North', category: 'health', floor: '1', box: [40, 0, 62, 38] },
  { name: 'Cameo Cosmetics', category: 'beauty', floor: '1', box: [62, 0, 86, 38] },
  { name: 'Toy Boat', category: 'toys', floor: '1', box: [86, 0, 110, 38] },
  { name: 'Food Court', category: 'food', floor: '2', box: [116, 52, 150, 90] },
  { name: 'Lantern Cinema', category: 'cinema', floor: '2', box: [150, 52, 180, 90] },
  { name: 'Sports Loft', category: 'sports', floor: '2', box: [116, 0, 146, 38] },
  { name: 'Games Attic', category: 'games', floor: '2', box: [146, 0, 180, 38] },
];

export const entrance: Spot = { x: -12, y: 45 };
/** Where people come from and go to: far enough that leaving is leaving. */
export const tramStop: Spot = { x: -170, y: 45 };
/** The corridor runs the whole length at this height. */
export const corridorY = 45;

export function toLonLat({ x, y }: Spot): { lon: number; lat: number } {
  return {
    lon: origin.lon + x / (metresPerDegree * Math.cos((origin.lat * Math.PI) / 180)),
    lat: origin.lat + y / metresPerDegree,
  };
}

function outline([west, south, east, north]: readonly [number, number, number, number]): Polygon {
  const corners = [
    { x: west, y: south },
    { x: east, y: south },
    { x: east, y: north },
    { x: west, y: north },
    { x: west, y: south },
  ].map(toLonLat);
  return { type: 'Polygon', coordinates: [corners.map(({ lon, lat }) => [lon, lat])] };
}

function feature(
  id: string,
  name: string,
  polygon: Polygon,
  properties: Record<string, unknown>,
): Feature {
  return { type: 'Feature', id, properties: { name, ...properties }, geometry: polygon };
}

/** The mall and its shops, ready for the fence import; `parent` names the mall's id in here. */
export function mallFences(): FeatureCollection {
  const mall = feature('mall', mallName, outline(mallBox), {
    category: 'mall',
    minDwellSeconds: 300,
  });
  const inside = shops.map(({ name, category, floor, box }) =>
    feature(name, name, outline(box), { parent: 'mall', floor, category, minDwellSeconds: 180 }),
  );
  return { type: 'FeatureCollection', features: [mall, ...inside] };
}

export const centre = toLonLat({ x: 90, y: 45 });
