/** PURE. The outline of everything near a line in the plane: a union of capsules, one per edge. */

/** Plane coordinates in metres. */
interface Spot {
  readonly x: number;
  readonly y: number;
}

interface Capsule {
  readonly a: Spot;
  readonly b: Spot;
  readonly r: number;
  readonly length: number;
  /** Unit vector from a to b. */
  readonly u: Spot;
}

/** Along the boundary with the capsule to its left: a side by metres, a round end by radians. */
interface Piece {
  readonly from: Spot;
  /** Set for a round end: its middle and the angle at which it starts. */
  readonly around: { readonly middle: Spot; readonly r: number; readonly angle: number } | null;
  readonly u: Spot;
  readonly size: number;
}

/** Part of a piece that no other capsule covers. */
interface Stretch {
  readonly piece: Piece;
  readonly start: number;
  readonly end: number;
}

/** Angle between the corners of a round end: they stay within 0.05 % of the arc. */
const CORNER = 2 * Math.acos(1 - 5e-4);
/** Each capsule's radius is made a little different, so that no two boundaries lie on each other. */
const UNEQUAL = 1e-7;
const GOLDEN = 0.618_033_988_749_895;
/** As a share of the radius: stretches shorter than this are nothing, gaps smaller than this close. */
const NOTHING = 1e-10;
const CLOSE = 1e-4;

function capsulesOf(line: readonly Spot[], radius: number, salt: number): Capsule[] {
  const capsules: Capsule[] = [];
  for (let i = 1; i < line.length; i++) {
    const [a, b] = [line[i - 1] as Spot, line[i] as Spot];
    const length = Math.hypot(b.x - a.x, b.y - a.y);
    if (length < 1e-6) continue;
    const r = radius * (1 + UNEQUAL * (((capsules.length + salt) * GOLDEN) % 1));
    capsules.push({ a, b, r, length, u: { x: (b.x - a.x) / length, y: (b.y - a.y) / length } });
  }
  return capsules;
}

/** Right side, end at b, left side, end at a: once round, counter-clockwise. */
function piecesOf({ a, b, r, length, u }: Capsule): Piece[] {
  const right = { x: r * u.y, y: -r * u.x };
  const back = { x: -u.x, y: -u.y };
  const angle = Math.atan2(right.y, right.x);
  const end = (middle: Spot, at: number): Piece => ({
    from: { x: middle.x + r * Math.cos(at), y: middle.y + r * Math.sin(at) },
    around: { middle, r, angle: at },
    u,
    size: Math.PI,
  });
  return [
    { from: { x: a.x + right.x, y: a.y + right.y }, around: null, u, size: length },
    end(b, angle),
    { from: { x: b.x - right.x, y: b.y - right.y }, around: null, u: back, size: length },
    end(a, angle + Math.PI),
  ];
}

function spotAt({ from, around, u }: Piece, t: number): Spot {
  if (!around) return { x: from.x + t * u.x, y: from.y + t * u.y };
  const { middle, r, angle } = around;
  return { x: middle.x + r * Math.cos(angle + t), y: middle.y + r * Math.sin(angle + t) };
}

function holds({ a, r, length, u }: Capsule, p: Spot): boolean {
  const [dx, dy] = [p.x - a.x, p.y - a.y];
  const along = Math.min(length, Math.max(0, dx * u.x + dy * u.y));
  return (dx - along * u.x) ** 2 + (dy - along * u.y) ** 2 < r * r;
}

/** Where a side meets a capsule's boundary (its lines and circles drawn on without end). */
function meetsOfSide({ from, u }: Piece, other: Capsule, out: number[]): void {
  for (const c of [other.a, other.b]) {
    const along = (c.x - from.x) * u.x + (c.y - from.y) * u.y;
    const off = (c.x - from.x) * u.y - (c.y - from.y) * u.x;
    const rest = other.r * other.r - off * off;
    if (rest > 0) out.push(along - Math.sqrt(rest), along + Math.sqrt(rest));
  }
  const slant = u.x * other.u.y - u.y * other.u.x;
  if (slant === 0) return;
  const off = (from.x - other.a.x) * other.u.y - (from.y - other.a.y) * other.u.x;
  out.push((other.r - off) / slant, (-other.r - off) / slant);
}

function meetsOfEnd(piece: Piece, other: Capsule, out: number[]): void {
  const { middle, r, angle } = piece.around as NonNullable<Piece['around']>;
  const at = (towards: number, half: number): void => {
    for (const meet of [towards - half, towards + half]) {
      const t = (meet - angle) % (2 * Math.PI);
      out.push(t < 0 ? t + 2 * Math.PI : t);
    }
  };
  for (const c of [other.a, other.b]) {
    const [dx, dy] = [c.x - middle.x, c.y - middle.y];
    const d = Math.hypot(dx, dy);
    const cos = (r * r + d * d - other.r * other.r) / (2 * r * d);
    if (Math.abs(cos) < 1) at(Math.atan2(dy, dx), Math.acos(cos));
  }
  const off = (middle.x - other.a.x) * other.u.y - (middle.y - other.a.y) * other.u.x;
  for (const side of [other.r, -other.r]) {
    const cos = (side - off) / r;
    if (Math.abs(cos) < 1) at(Math.atan2(-other.u.x, other.u.y), Math.acos(cos));
  }
}

/** What of a piece the other capsules leave uncovered. */
function uncovered(piece: Piece, others: readonly Capsule[], radius: number): Stretch[] {
  const nothing = piece.around ? NOTHING : NOTHING * radius;
  let left: [number, number][] = [[0, piece.size]];
  for (const other of others) {
    const meets: number[] = [];
    if (piece.around) meetsOfEnd(piece, other, meets);
    else meetsOfSide(piece, other, meets);
    const cuts = meets.filter((t) => t > 0 && t < piece.size).toSorted((x, y) => x - y);
    cuts.push(piece.size);
    let start = 0;
    for (const end of cuts) {
      if (holds(other, spotAt(piece, (start + end) / 2))) left = without(left, start, end, nothing);
      start = end;
    }
    if (left.length === 0) break;
  }
  return left.map(([start, end]) => ({ piece, start, end }));
}

function without(
  left: readonly [number, number][],
  start: number,
  end: number,
  nothing: number,
): [number, number][] {
  const rest: [number, number][] = [];
  for (const [from, to] of left) {
    if (Math.min(to, start) - from > nothing) rest.push([from, Math.min(to, start)]);
    if (to - Math.max(from, end) > nothing) rest.push([Math.max(from, end), to]);
  }
  return rest;
}

const near = (k: Capsule, l: Capsule): boolean => {
  const reach = k.r + l.r;
  return (
    Math.min(k.a.x, k.b.x) - reach <= Math.max(l.a.x, l.b.x) &&
    Math.min(l.a.x, l.b.x) - reach <= Math.max(k.a.x, k.b.x) &&
    Math.min(k.a.y, k.b.y) - reach <= Math.max(l.a.y, l.b.y) &&
    Math.min(l.a.y, l.b.y) - reach <= Math.max(k.a.y, k.b.y)
  );
};

/** x, y of the corners from the stretch's start up to, not including, its end. */
function corners({ piece, start, end }: Stretch, out: number[]): void {
  const steps = piece.around ? Math.ceil((end - start) / CORNER) : 1;
  for (let i = 0; i < steps; i++) {
    const { x, y } = spotAt(piece, start + (i * (end - start)) / steps);
    out.push(x, y);
  }
}

interface Starts {
  /** Takes the free stretch that starts nearest to a spot, within `reach`; −1 without one. */
  take(spot: Spot, reach: number): number;
}

/** Sorted by x: a look-up reads the few that start in the same narrow strip. */
function startsOf(stretches: readonly Stretch[]): Starts {
  const spots = stretches.map(({ piece, start }) => spotAt(piece, start));
  const order = [...spots.keys()].toSorted((i, j) => (spots[i] as Spot).x - (spots[j] as Spot).x);
  const taken = new Uint8Array(spots.length);
  const spotOf = (place: number): Spot => spots[order[place] as number] as Spot;
  const firstFrom = (x: number): number => {
    let [low, high] = [0, order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (spotOf(middle).x < x) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    take: ({ x, y }, reach) => {
      let [best, found] = [reach, -1];
      for (let p = firstFrom(x - reach); p < order.length && spotOf(p).x <= x + reach; p++) {
        const gap = Math.hypot(spotOf(p).x - x, spotOf(p).y - y);
        const at = order[p] as number;
        if (gap <= best && taken[at] === 0) [best, found] = [gap, at];
      }
      if (found >= 0) taken[found] = 1;
      return found;
    },
  };
}

/** Stretches end to end as closed rings; null when an end finds no start. */
function stitched(stretches: readonly Stretch[], radius: number): number[][] | null {
  const starts = startsOf(stretches);
  const done = new Set<number>();
  const rings: number[][] = [];
  for (const first of stretches.keys()) {
    if (done.has(first)) continue;
    const ring: number[] = [];
    let at = first;
    do {
      const stretch = stretches[at] as Stretch;
      corners(stretch, ring);
      at = starts.take(spotAt(stretch.piece, stretch.end), CLOSE * radius);
      if (at < 0) return null;
      done.add(at);
    } while (at !== first);
    ring.push(ring[0] as number, ring[1] as number);
    rings.push(ring);
  }
  return rings;
}

const TRIES = 4;
/** Stretches of boundary: a line that folds into thousands of meshes is a net, not a corridor. */
const MAX_STRETCHES = 10_000;

/** Null when there are too many. */
function boundary(capsules: readonly Capsule[], radius: number): Stretch[] | null {
  const stretches: Stretch[] = [];
  for (const capsule of capsules) {
    const others = capsules.filter((other) => other !== capsule && near(capsule, other));
    for (const piece of piecesOf(capsule)) stretches.push(...uncovered(piece, others, radius));
    if (stretches.length > MAX_STRETCHES) return null;
  }
  return stretches;
}

/**
 * Rings (x, y in turns, closed; counter-clockwise the outer one, clockwise the holes) of all that
 * lies within `radius` of the line, to 0.05 % of it. The work grows with the square of the edges
 * that lie within a diameter of each other, and the line may cross and retrace itself. Null when
 * the line has no length or folds into thousands of meshes.
 */
export function outlineAround(line: readonly Spot[], radius: number): number[][] | null {
  for (let salt = 0; salt < TRIES; salt++) {
    const capsules = capsulesOf(line, radius, salt);
    const stretches = boundary(capsules, radius);
    if (stretches === null || stretches.length === 0) return null;
    const rings = stitched(stretches, radius);
    if (rings) return rings;
  }
  return null;
}
