/** PURE. Whether rings (or open lines) on one flat map cross themselves or each other. */
import RBush from 'rbush';

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
  /** Place among all segments, and of the one that goes on from this one's end; −1 at a line's end. */
  readonly at: number;
  readonly next: number;
}

/** Degrees, less than a micrometre: the same vertex, reached along two ways of adding. */
const SAME = 1e-12;

function segmentsOf(rings: readonly (readonly number[])[]): Segment[] {
  const segments: Segment[] = [];
  rings.forEach((xy, ring) => {
    const edges: number[] = [];
    for (let i = 2; i < xy.length; i += 2) {
      if (xy[i] !== xy[i - 2] || xy[i + 1] !== xy[i - 1]) edges.push(i);
    }
    const first = segments.length;
    const closed = xy[0] === xy.at(-2) && xy[1] === xy.at(-1);
    edges.forEach((i, k) => {
      const [ax, ay] = [xy[i - 2] as number, xy[i - 1] as number];
      const [bx, by] = [xy[i] as number, xy[i + 1] as number];
      segments.push({
        minX: Math.min(ax, bx),
        minY: Math.min(ay, by),
        maxX: Math.max(ax, bx),
        maxY: Math.max(ay, by),
        ax,
        ay,
        bx,
        by,
        ring,
        at: first + k,
        next: k + 1 < edges.length || closed ? first + ((k + 1) % edges.length) : -1,
      });
    });
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

/** A proper crossing: each segment's ends lie strictly on both sides of the other. */
function cross(s: Segment, t: Segment): boolean {
  const a = turn(s.ax, s.ay, s.bx, s.by, t.ax, t.ay);
  const b = turn(s.ax, s.ay, s.bx, s.by, t.bx, t.by);
  if (a * b >= 0) return false;
  const c = turn(t.ax, t.ay, t.bx, t.by, s.ax, s.ay);
  const d = turn(t.ax, t.ay, t.bx, t.by, s.bx, s.by);
  return c * d < 0;
}

const same = (ax: number, ay: number, bx: number, by: number): boolean =>
  Math.abs(ax - bx) <= SAME && Math.abs(ay - by) <= SAME;

/** Counter-clockwise from one direction to another, 0 to 2π. */
function swing(from: number, to: number): number {
  const d = (to - from) % (2 * Math.PI);
  return d < 0 ? d + 2 * Math.PI : d;
}

/**
 * Where s ends on t: does the way through that point lead to t's other side? Rings may touch there
 * and turn back, and may run along each other for a while.
 */
function passesThrough(s: Segment, t: Segment, segments: readonly Segment[]): boolean {
  const { bx: x, by: y } = s;
  if (same(x, y, t.ax, t.ay)) return false;
  const atEnd = same(x, y, t.bx, t.by);
  if (!atEnd) {
    if (x < t.minX - SAME || x > t.maxX + SAME || y < t.minY - SAME || y > t.maxY + SAME)
      return false;
    if (turn(t.ax, t.ay, t.bx, t.by, x, y) !== 0) return false;
  }
  const on = segments[s.next];
  const beyond = atEnd ? segments[t.next] : t;
  if (!on || !beyond || on === t || beyond === s) return false;
  const angle = (px: number, py: number): number => Math.atan2(py - y, px - x);
  const from = angle(s.ax, s.ay);
  const width = swing(from, angle(on.bx, on.by));
  const one = swing(from, angle(t.ax, t.ay));
  const two = swing(from, angle(beyond.bx, beyond.by));
  const along = [one, two].some((d) => Math.min(d, 2 * Math.PI - d, Math.abs(d - width)) < ALONG);
  return !along && one < width !== two < width;
}

/** Radians: directions nearer than this run along each other. */
const ALONG = 1e-7;

/**
 * A vertex (x, y) near which two edges cross, or null. Rings may touch, as drawn plans do; the tree
 * keeps ten thousand vertices at some milliseconds where comparing all pairs takes seconds. With
 * `groups` (one number per ring) only rings of different groups are compared.
 */
export function findSelfCrossing(
  rings: readonly (readonly number[])[],
  groups?: readonly number[],
): readonly [number, number] | null {
  const segments = segmentsOf(rings);
  const tree = new RBush<Segment>(16);
  tree.load([...segments]);
  for (const segment of segments) {
    for (const other of tree.search(segment)) {
      if (other === segment) continue;
      if (groups && groups[other.ring] === groups[segment.ring]) continue;
      if (
        (other.at > segment.at && cross(segment, other)) ||
        passesThrough(segment, other, segments)
      )
        return [segment.ax, segment.ay];
    }
  }
  return null;
}
