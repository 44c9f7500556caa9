/** PURE. A made-up crowd with the truth: what phones report, and who was where from when to when. */
import type { Ping } from './engine.ts';
import type { FenceDefinition } from './fence.ts';
import type { Millis } from './lonlat.ts';
import type { Sighting } from './crowd-phone.ts';
import type { Habits, Way } from './crowd-walk.ts';
import type { NoiseKind } from './crowd-phone.ts';
import type { Strip, Town } from './crowd-town.ts';
import type { Draw } from './draw.ts';
import { makeTown, placeAt } from './crowd-town.ts';
import { sightingsOf } from './crowd-phone.ts';
import { usualHabits, walkThrough } from './crowd-walk.ts';
import { drawFrom } from './draw.ts';

export type { NoiseKind } from './crowd-phone.ts';
export type { Habits } from './crowd-walk.ts';

/** Somebody truly was inside a fence. */
export interface Presence {
  readonly fence: string;
  readonly from: Millis;
  readonly to: Millis;
}

export interface Person {
  readonly device: string;
  readonly pings: readonly Ping[];
  readonly presences: readonly Presence[];
}

export interface Crowd {
  readonly fences: readonly FenceDefinition[];
  readonly people: readonly Person[];
}

export interface CrowdOptions {
  readonly people: number;
  readonly noise: NoiseKind;
  /** What people do; as in a usual town unless said. */
  readonly habits?: Habits;
  /** When the first of them sets out. */
  readonly start?: Millis;
}

/** People who share a town. Each town is new: nothing can be learned of one floor plan. */
const PER_TOWN = 60;
const START: Millis = Date.UTC(2026, 4, 4, 9);

/** The same random numbers give the same crowd. */
export function makeCrowd(random: () => number, options: CrowdOptions): Crowd {
  const draw = drawFrom(random);
  const fences: FenceDefinition[] = [];
  const people: Person[] = [];
  for (let n = 0; people.length < options.people; n++) {
    // Towns lie ten kilometres apart, so that nobody is near two of them.
    const origin = { lon: 8 + (n % 100) * 0.15, lat: 47 - Math.floor(n / 100) * 0.1 };
    const town = makeTown(`t${n}`, origin, draw);
    fences.push(...town.fences);
    const here = Math.min(PER_TOWN, options.people - people.length);
    for (let i = 0; i < here; i++) {
      people.push(makePerson(`t${n}-${i}`, town, n, options, draw));
    }
  }
  return { fences, people };
}

function makePerson(
  device: string,
  town: Town,
  number: number,
  options: CrowdOptions,
  draw: Draw,
): Person {
  const [mall, street] = town.strips as readonly [Strip, Strip];
  const way = walkThrough(draw.chance(0.75) ? mall : street, options.habits ?? usualHabits, draw);
  const start = Math.round((options.start ?? START) + draw.between(0, 8 * 3_600_000));
  const seen = sightingsOf(way, options.noise, number, draw);
  return {
    device,
    pings: seen.map((one, i) => pingOf(one, i, way, seen, town, start)),
    presences: way.stretches.map((s) => ({
      fence: s.fence,
      from: start + s.from * 1000,
      to: start + s.to * 1000,
    })),
  };
}

/** A fix as the engine takes it; a sign-in since the last one comes with it. */
function pingOf(
  one: Sighting,
  i: number,
  way: Way,
  seen: readonly Sighting[],
  town: Town,
  start: Millis,
): Ping {
  const [lon, lat] = placeAt(town.origin, one);
  const since = seen[i - 1]?.second ?? one.second;
  const signed = way.signIns.find((s) => s.second > since && s.second <= one.second);
  // A sign-in is known at once: one that waits for a fix for minutes is no evidence for that fix.
  const evidence = signed && one.second - signed.second < 60 ? signed.fence : null;
  return {
    t: Math.round(start + one.second * 1000),
    key: `k${i}`,
    lon,
    lat,
    acc: Math.round(one.acc * 10) / 10,
    ...(one.speed === undefined ? {} : { speed: one.speed }),
    ...(one.still === undefined ? {} : { still: one.still }),
    ...(evidence === null ? {} : { evidence: { fence: evidence, kind: 'portal_login' as const } }),
  };
}
