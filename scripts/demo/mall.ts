/** PURE. The demo's mall: a ground floor to the west, an upper floor over the car park to the east. */
import type { Feature, FeatureCollection, Geometry, LineString, Polygon } from 'geojson';

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

/** A desk in the passage: too small for positions, so it is known by what its beacon says. */
export const parcelDesk: Shop = {
  name: 'Parcel desk',
  category: 'service',
  floor: '1',
  box: [98, 38, 112, 52],
};
export const deskBeacon = { uuid: 'f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f', major: 7, minor: 1 };
export const doorName = 'West door';
export const passageName = 'Passage';

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

function line(...spots: readonly Spot[]): LineString {
  return {
    type: 'LineString',
    coordinates: spots.map(toLonLat).map(({ lon, lat }) => [lon, lat]),
  };
}

function feature<G extends Geometry | null>(
  id: string,
  name: string,
  geometry: G,
  properties: Record<string, unknown>,
): Feature<G> {
  return { type: 'Feature', id, properties: { name, ...properties }, geometry };
}

/** What is no shop: the passage between them, the door people are counted at, the desk with its beacon. */
function around(): Feature<Geometry | null>[] {
  const { uuid, major, minor } = deskBeacon;
  const inMall = { parent: 'mall', floor: '1' };
  return [
    feature(passageName, passageName, line({ x: 4, y: corridorY }, { x: 176, y: corridorY }), {
      ...inMall,
      kind: 'corridor',
      width: 10,
      category: 'passage',
      minDwellSeconds: 300,
    }),
    feature(doorName, doorName, line({ x: 0, y: 28 }, { x: 0, y: 62 }), {
      ...inMall,
      kind: 'tripwire',
      direction: 'both',
      category: 'door',
    }),
    feature(parcelDesk.name, parcelDesk.name, null, {
      ...inMall,
      kind: 'radio',
      radio: [`beacon:${uuid}:${major}:${minor}`],
      category: parcelDesk.category,
      minDwellSeconds: 60,
    }),
  ];
}

/** The mall and what is in it, ready for the fence import; `parent` names the mall's id in here. */
export function mallFences(): FeatureCollection<Geometry | null> {
  const mall = feature('mall', mallName, outline(mallBox), {
    category: 'mall',
    minDwellSeconds: 300,
  });
  const inside = shops.map(({ name, category, floor, box }) =>
    feature(name, name, outline(box), { parent: 'mall', floor, category, minDwellSeconds: 180 }),
  );
  return { type: 'FeatureCollection', features: [mall, ...inside, ...around()] };
}

export const centre = toLonLat({ x: 90, y: 45 });
