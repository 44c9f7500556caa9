/** PURE. What made-up people do in a made-up town: their way, second by second, and where they truly were. */
import type { Draw } from './draw.ts';
import type { Room, Spot, Strip } from './crowd-town.ts';

/** Where somebody is at a second; between two of them on the straight line. */
export interface Waypoint extends Spot {
  readonly second: number;
}

/** True presence in a fence, seconds. */
export interface Stretch {
  readonly fence: string;
  readonly from: number;
  readonly to: number;
}

/** A sign-in at a fence's network. */
export interface SignIn {
  readonly fence: string;
  readonly second: number;
}

export interface Way {
  readonly points: readonly Waypoint[];
  readonly stretches: readonly Stretch[];
  readonly signIns: readonly SignIn[];
}

/** Shares of what people do next. They decide how often a doubtful visit was one after all. */
export interface Habits {
  /** Goes into a shop and stays: minutes, log-normal. */
  readonly visit: number;
  /** Looks in for seconds. */
  readonly glance: number;
  /** Stands in the corridor or on the pavement: waiting, on the phone, at a window. */
  readonly stand: number;
  /** Walks on past some shops. */
  readonly pass: number;
}

export const usualHabits: Habits = { visit: 0.42, glance: 0.1, stand: 0.14, pass: 0.34 };

interface Walker {
  readonly strip: Strip;
  readonly draw: Draw;
  readonly pace: number;
  at: Waypoint;
  readonly points: Waypoint[];
  readonly stretches: Stretch[];
  readonly signIns: SignIn[];
}

function go(w: Walker, to: Spot, pace = w.pace): void {
  const far = Math.hypot(to.x - w.at.x, to.y - w.at.y);
  w.at = { ...to, second: w.at.second + Math.max(0.1, far / pace) };
  w.points.push(w.at);
}

function stand(w: Walker, seconds: number): void {
  w.at = { ...w.at, second: w.at.second + seconds };
  w.points.push(w.at);
}

const within = (low: number, high: number, draw: Draw): number => {
  const rim = Math.min(0.7, (high - low) / 4);
  return draw.between(low + rim, high - rim);
};

const onStrip = (w: Walker, x: number): Spot => ({
  x,
  y: within(w.strip.south, w.strip.north, w.draw),
});

function inRoom(room: Room, draw: Draw): Spot {
  return { x: within(room.west, room.east, draw), y: within(room.south, room.north, draw) };
}

/** In through the door, about in the room for so long, out again. */
function enter(w: Walker, room: Room, seconds: number): void {
  const { draw } = w;
  go(w, room.front);
  go(w, room.door);
  const from = w.at.second;
  if (room.fence && room.wifi && seconds > 60 && draw.chance(0.3)) {
    w.signIns.push({ fence: room.fence, second: from + draw.between(10, 60) });
  }
  const until = from + seconds;
  go(w, inRoom(room, draw), 0.8);
  while (w.at.second < until) {
    stand(w, room.seated ? until - w.at.second + 1 : draw.exponential(40));
    if (w.at.second < until) go(w, inRoom(room, draw), 0.6);
  }
  go(w, room.door, 0.8);
  if (room.fence) w.stretches.push({ fence: room.fence, from, to: w.at.second });
  go(w, room.front);
}

function wait(w: Walker): void {
  const { draw, strip } = w;
  const near = strip.rooms[Math.floor(draw.uniform() * strip.rooms.length)];
  // Half of those who wait do so right before a shop's window.
  go(w, near && draw.chance(0.5) ? near.front : onStrip(w, draw.between(strip.west, strip.east)));
  // A shop's network reaches the corridor: some sign in without going in.
  if (near?.fence && near.wifi && draw.chance(0.02)) {
    w.signIns.push({ fence: near.fence, second: w.at.second + draw.between(5, 30) });
  }
  stand(w, Math.min(900, 90 * Math.exp(0.9 * draw.normal())));
}

function doSomething(w: Walker, habits: Habits): void {
  const { draw, strip } = w;
  const room = strip.rooms[Math.floor(draw.uniform() * strip.rooms.length)];
  let dice = draw.uniform() * (habits.visit + habits.glance + habits.stand + habits.pass);
  if (room && (dice -= habits.visit) < 0) {
    enter(w, room, Math.min(4500, 300 * Math.exp(0.95 * draw.normal())));
  } else if (room && (dice -= habits.glance) < 0) {
    enter(w, room, draw.between(10, 100));
  } else if ((dice -= habits.stand) < 0) {
    wait(w);
  } else {
    go(w, onStrip(w, draw.between(strip.west, strip.east)));
  }
}

/** One person's way through a strip, from outside it to outside it. */
export function walkThrough(strip: Strip, habits: Habits, draw: Draw): Way {
  const westward = draw.chance(0.5);
  const middle = (strip.south + strip.north) / 2;
  const [start, far] = westward ? [strip.east, strip.west] : [strip.west, strip.east];
  const outward = westward ? 1 : -1;
  const first = { x: start + outward * draw.between(20, 90), y: middle, second: 0 };
  const w: Walker = {
    strip,
    draw,
    pace: draw.between(0.8, 1.6),
    at: first,
    points: [first],
    stretches: [],
    signIns: [],
  };
  go(w, onStrip(w, start));
  const entered = w.at.second;
  const deeds = 1 + Math.floor(draw.exponential(2));
  for (let i = 0; i < deeds; i++) doSomething(w, habits);
  const exit = draw.chance(0.5) ? far : start;
  go(w, onStrip(w, exit));
  if (strip.hall) w.stretches.push({ fence: strip.hall, from: entered, to: w.at.second });
  go(w, { x: exit + (exit === strip.west ? -1 : 1) * draw.between(20, 90), y: middle });
  return { points: w.points, stretches: w.stretches, signIns: w.signIns };
}

/** Where somebody is at a second; before the first waypoint and after the last, there. */
export function positionAt(points: readonly Waypoint[], second: number, from = 0): [Spot, number] {
  let i = from;
  while (i + 1 < points.length && (points[i + 1] as Waypoint).second < second) i++;
  const a = points[i] as Waypoint;
  const b = points[i + 1] ?? a;
  const span = b.second - a.second;
  const share = span <= 0 ? 0 : Math.min(1, Math.max(0, (second - a.second) / span));
  return [{ x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share }, i];
}
