/** PURE. How far a point is from a fence's edge, and how big a circle fits inside the fence. */
import type { Fence } from './fence.ts';
import type { Metres } from './lonlat.ts';
import { contains } from './contains.ts';
import { METRES_PER_DEGREE, metresPerLonDegree, planeDistance } from './distance.ts';
import { relativeLon } from './fence.ts';
import { wrapLon } from './lonlat.ts';

/** Metres to the nearest edge, whichever side of it the point is on. */
export function edgeDistance(fence: Fence, lon: number, lat: number): Metres {
  if (fence.radius !== null) {
    return Math.abs(planeDistance(fence.lon0, fence.lat0, lon, lat) - fence.radius);
  }
  return Math.sqrt(edgeDistanceSquared(fence, relativeLon(fence, lon), lat - fence.lat0));
}

function edgeDistanceSquared(fence: Fence, px: number, py: number): number {
  const { xy, rings } = fence;
  const kx = metresPerLonDegree(fence.lat0 + py);
  let best = Infinity;
  for (let r = 0; r + 1 < rings.length; r++) {
    const last = (rings[r + 1] as number) - 1;
    for (let i = rings[r] as number; i < last; i++) {
      const ax = ((xy[2 * i] as number) - px) * kx;
      const ay = ((xy[2 * i + 1] as number) - py) * METRES_PER_DEGREE;
      const dx = ((xy[2 * i + 2] as number) - px) * kx - ax;
      const dy = ((xy[2 * i + 3] as number) - py) * METRES_PER_DEGREE - ay;
      const length = dx * dx + dy * dy;
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, -(ax * dx + ay * dy) / length));
      const x = ax + along * dx;
      const y = ay + along * dy;
      const d = x * x + y * y;
      if (d < best) best = d;
    }
  }
  return best;
}

interface Cell {
  x: number;
  y: number;
  half: number;
  depth: number;
}

const inradii = new WeakMap<Fence, Metres>();

/**
 * Radius of the largest circle inside the fence, to 5 % (polylabel's search by quarters). Worked
 * out on the first question and remembered beside the fence: most fences are never asked.
 */
export function inradius(fence: Fence): Metres {
  if (fence.radius !== null) return fence.radius;
  const known = inradii.get(fence);
  if (known !== undefined) return known;
  const value = searchInradius(fence);
  inradii.set(fence, value);
  return value;
}

function searchInradius(fence: Fence): Metres {
  const { box } = fence;
  const kx = metresPerLonDegree(fence.lat0 + (box.minY + box.maxY) / 2);
  const width = (box.maxX - box.minX) * kx;
  const height = (box.maxY - box.minY) * METRES_PER_DEGREE;
  const side = Math.max(Math.min(width, height), Math.max(width, height) / 16, 0.01);
  const cellAt = (x: number, y: number, half: number): Cell => {
    const px = box.minX + x / kx;
    const py = box.minY + y / METRES_PER_DEGREE;
    const distance = Math.sqrt(edgeDistanceSquared(fence, px, py));
    const inside = contains(fence, wrapLon(fence.lon0 + px), fence.lat0 + py);
    return { x, y, half, depth: inside ? distance : -distance };
  };
  let cells: Cell[] = [];
  for (let x = side / 2; x < width + side / 2; x += side) {
    for (let y = side / 2; y < height + side / 2; y += side) cells.push(cellAt(x, y, side / 2));
  }
  let best = Math.max(0, ...cells.map((cell) => cell.depth));
  for (let round = 0; round < 7 && cells.length > 0; round++) {
    const next: Cell[] = [];
    for (const cell of cells) {
      if (cell.depth + cell.half * Math.SQRT2 <= best * 1.05) continue;
      const h = cell.half / 2;
      for (const [sx, sy] of QUARTERS) next.push(cellAt(cell.x + sx * h, cell.y + sy * h, h));
    }
    for (const cell of next) if (cell.depth > best) best = cell.depth;
    cells = next.toSorted((a, b) => b.depth - a.depth).slice(0, 256);
  }
  return best;
}

const QUARTERS = [
  [-1, -1],
  [1, -1],
  [-1, 1],
  [1, 1],
] as const;
