/** PURE. How much ground a drawn outline covers, exact enough to tell a kiosk from a hall. */

type Point = readonly number[];

const METRES_PER_DEGREE = 111_320;

/** Square metres within one ring of [lon, lat], on the plane that touches the earth there. */
function ringArea(ring: readonly Point[]): number {
  const [lon0 = 0, lat0 = 0] = ring[0] ?? [];
  const east = METRES_PER_DEGREE * Math.cos((lat0 * Math.PI) / 180);
  // Over the antimeridian a ring may jump by a whole turn.
  const x = (lon = 0): number => (((lon - lon0 + 540) % 360) - 180) * east;
  const y = (lat = 0): number => (lat - lat0) * METRES_PER_DEGREE;
  let twice = 0;
  for (const [i, [lon, lat]] of ring.entries()) {
    const [nextLon, nextLat] = ring[(i + 1) % ring.length] ?? [];
    twice += x(lon) * y(nextLat) - x(nextLon) * y(lat);
  }
  return Math.abs(twice) / 2;
}

/** Square metres of a polygon or several, holes taken out. */
export function groundArea(polygons: readonly (readonly (readonly Point[])[])[]): number {
  return polygons.reduce((sum, [outer = [], ...holes]) => {
    const out = holes.reduce((all, hole) => all + ringArea(hole), 0);
    return sum + Math.max(0, ringArea(outer) - out);
  }, 0);
}
