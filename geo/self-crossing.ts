/** PURE. Whether the rings of one polygon cross themselves or each other. */
import RBush from 'rbush';
import type { Position, Ring } from './fence.ts';
import { wrapLon } from './lonlat.ts';

interface Segment {
  readonly minX: number;
  readonly minY: number;
  readonly maxX: number;
  readonly maxY: number;
  readonly ax: number;
  readonly ay: number;
  readonly bx: number;
  readonly by: number;
  readonly ring: number;
  readonly at: number;
}

function segmentsOf(rings: readonly Ring[]): Segment[] {
  const origin = rings[0]?.[0]?.[0] ?? 0;
  const segments: Segment[] = [];
  rings.forEach((ring, r) => {
    let ax = wrapLon((ring[0] as Position)[0] - origin);
    for (let i = 1; i < ring.length; i++) {
      const [lonA, ay] = ring[i - 1] as Position;
      const [lonB, by] = ring[i] as Position;
      const bx = ax + wrapLon(lonB - lonA);
      if (bx !== ax || ay !== by) {
        segments.push({
          minX: Math.min(ax, bx),
          minY: Math.min(ay, by),
          maxX: Math.max(ax, bx),
          maxY: Math.max(ay, by),
          ax,
          ay,
          bx,
          by,
          ring: r,
          at: i,
        });
      }
      ax = bx;
    }
  });
  return segments;
}

/** Sign of the turn a → b → c; 0 within rounding of the coordinates. */
function turn(ax: number, ay: number, bx: number, by: number, cx: number, cy: number): number {
  const cross = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
  const size = Math.abs((bx - ax) * (cy - ay)) + Math.abs((by - ay) * (cx - ax));
  // Subtraction loses about 1e-14 degrees of each operand, which the sides then multiply.
  const reach = Math.abs(bx - ax) + Math.abs(by - ay) + Math.abs(cx - ax) + Math.abs(cy - ay);
  return Math.abs(cross) <= 1e-15 * size + 4e-14 * reach ? 0 : Math.sign(cross);
}

/** A proper crossing: each segment's ends lie strictly on both sides of the other. Touching is fine. */
function cross(s: Segment, t: Segment): boolean {
  const a = turn(s.ax, s.ay, s.bx, s.by, t.ax, t.ay);
  const b = turn(s.ax, s.ay, s.bx, s.by, t.bx, t.by);
  if (a * b >= 0) return false;
  const c = turn(t.ax, t.ay, t.bx, t.by, s.ax, s.ay);
  const d = turn(t.ax, t.ay, t.bx, t.by, s.bx, s.by);
  return c * d < 0;
}

/**
 * A vertex near which two edges cross, or null. Rings may touch at points, as drawn plans do; the
 * tree keeps ten thousand vertices at some milliseconds where comparing all pairs takes seconds.
 */
export function findSelfCrossing(rings: readonly Ring[]): Position | null {
  const segments = segmentsOf(rings);
  const tree = new RBush<Segment>(16);
  tree.load(segments);
  for (const segment of segments) {
    for (const other of tree.search(segment)) {
      if (other.ring < segment.ring || (other.ring === segment.ring && other.at <= segment.at))
        continue;
      if (cross(segment, other)) return (rings[segment.ring] as Ring)[segment.at - 1] ?? null;
    }
  }
  return null;
}
