/** PURE. Where to write inside a shape: the inner point farthest from its outline. */

type Point = readonly [number, number];

const STEPS = 14;

function inside(rings: readonly (readonly Point[])[], x: number, y: number): boolean {
  let odd = false;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [ax, ay] = ring[i]!;
      const [bx, by] = ring[j]!;
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
    }
  }
  return odd;
}

function toEdge(rings: readonly (readonly Point[])[], x: number, y: number): number {
  let nearest = Infinity;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [ax, ay] = ring[i]!;
      const [bx, by] = ring[j]!;
      const length = (bx - ax) ** 2 + (by - ay) ** 2;
      const along = length === 0 ? 0 : ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length;
      const t = Math.max(0, Math.min(1, along));
      nearest = Math.min(nearest, Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)));
    }
  }
  return nearest;
}

/**
 * Searches a grid over the outer ring's box. A shop's label needs no more exactness than that.
 * Rings are plane coordinates (pixels), the outer one first.
 */
export function middleOf(rings: readonly (readonly Point[])[]): Point {
  const outer = rings[0] ?? [];
  const xs = outer.map(([x]) => x);
  const ys = outer.map(([, y]) => y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  let best: Point = [(left + right) / 2, (top + bottom) / 2];
  let room = inside(rings, ...best) ? toEdge(rings, ...best) * 1.15 : -1;
  for (let i = 1; i < STEPS; i++) {
    for (let j = 1; j < STEPS; j++) {
      const x = left + ((right - left) * i) / STEPS;
      const y = top + ((bottom - top) * j) / STEPS;
      if (!inside(rings, x, y)) continue;
      const gap = toEdge(rings, x, y);
      if (gap > room) {
        room = gap;
        best = [x, y];
      }
    }
  }
  return best;
}
