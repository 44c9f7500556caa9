/** The whole engine, ping by ping, for a mixed crowd in a city of malls; and what it remembers of each. */
import type { DeviceState, Ping } from '../../geo/engine.ts';
import type { City, Mall } from './geo-town.ts';
import { defaultPolicy, initialState, step } from '../../geo/engine.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { normalFrom } from '../lib/random.ts';
import { at } from './geo-town.ts';
import { median, percentile } from './measure.ts';

export interface StepRow {
  readonly fences: number;
  readonly devices: number;
  readonly pings: number;
  readonly perSecond: number;
  readonly transitions: number;
  /** Bytes of state as JSON, of devices that follow no fence and of those that do. */
  readonly idle: { readonly devices: number; readonly median: number; readonly p99: number };
  readonly busy: { readonly devices: number; readonly median: number; readonly p99: number };
}

/** What the crowd is, in the words the bench prints. */
export const CROWD =
  'a tenth in malls (half standing in a shop, half walking past), a fiftieth along street shops, ' +
  'six tenths walking and the rest riding where no fence is near; a ping each 10 to 30 s, ' +
  '6 to 20 m accuracy, AR(1) noise of 20 s';

interface Walker {
  state: DeviceState;
  readonly mall: Mall;
  readonly kind: 'shop' | 'aisle' | 'street' | 'walk' | 'ride';
  readonly speed: number;
  readonly acc: number;
  readonly period: number;
  x: number;
  y: number;
  heading: number;
  t: number;
  ex: number;
  ey: number;
}

const CORRELATION = 20;
const START = 1_700_000_000_000;

function walkerIn(city: City, i: number, random: () => number): Walker {
  const share = random();
  const mall = city.malls[Math.floor(random() * city.malls.length)] as Mall;
  const common = {
    mall,
    state: initialState(`device-${i}`),
    acc: 6 + 14 * random() ** 2,
    period: 10 + Math.floor(21 * random()),
    heading: 6.28 * random(),
    t: START + Math.floor(30_000 * random()),
    ex: 0,
    ey: 0,
  };
  const [x, y] = [mall.x + 120 * random(), mall.y + 100 * random()];
  if (share < 0.05) return { ...common, kind: 'shop', speed: 0, x, y };
  if (share < 0.1) return { ...common, kind: 'aisle', speed: 1, x, y };
  if (share < 0.12) {
    return {
      ...common,
      kind: 'street',
      speed: 1.2,
      x: mall.x - 500 + 280 * random(),
      y: mall.y + 697,
    };
  }
  const anywhere = { x: city.side * random(), y: city.side * random() };
  if (share < 0.72) return { ...common, kind: 'walk', speed: 1.3, ...anywhere };
  return { ...common, kind: 'ride', speed: 8, ...anywhere };
}

/** Moves on, turning a little; people in a mall keep to its 120 m by 100 m. */
function move(walker: Walker, city: City, random: () => number): void {
  const metres = walker.speed * walker.period;
  walker.heading += (random() - 0.5) * (walker.kind === 'aisle' ? 3 : 0.6);
  if (walker.kind === 'street') walker.heading = random() < 0.5 ? 0 : Math.PI;
  walker.x += metres * Math.cos(walker.heading);
  walker.y += metres * Math.sin(walker.heading);
  if (walker.kind === 'aisle') {
    walker.x = Math.min(walker.mall.x + 120, Math.max(walker.mall.x, walker.x));
    walker.y = Math.min(walker.mall.y + 100, Math.max(walker.mall.y, walker.y));
  }
  walker.x = Math.min(city.side, Math.max(0, walker.x));
  walker.y = Math.min(city.side, Math.max(0, walker.y));
}

function nextPing(walker: Walker, city: City, random: () => number): Ping {
  move(walker, city, random);
  walker.t += walker.period * 1000;
  const keep = Math.exp(-walker.period / CORRELATION);
  const sigma = walker.acc / 1.5096;
  const fresh = sigma * Math.sqrt(1 - keep * keep);
  walker.ex = keep * walker.ex + fresh * normalFrom(random);
  walker.ey = keep * walker.ey + fresh * normalFrom(random);
  const [lon, lat] = at(walker.x + walker.ex, walker.y + walker.ey);
  return { t: walker.t, lon, lat, acc: walker.acc };
}

/** The first third of the rounds warms the machine and the fences' kin; the median of the rest counts. */
export function benchSteps(
  city: City,
  devices: number,
  rounds: number,
  random: () => number,
): StepRow {
  const fences = createFenceIndex(city.fences);
  const crowd = Array.from({ length: devices }, (_, i) => walkerIn(city, i, random));
  const rates: number[] = [];
  let transitions = 0;
  for (let round = 0; round < rounds; round++) {
    const pings = crowd.map((walker) => nextPing(walker, city, random));
    const start = performance.now();
    crowd.forEach((walker, i) => {
      const result = step(walker.state, pings[i] as Ping, fences, defaultPolicy);
      walker.state = result.state;
      transitions += result.transitions.length;
    });
    if (round * 3 >= rounds) rates.push((devices * 1000) / (performance.now() - start));
  }
  return {
    fences: city.fences.length,
    devices,
    pings: devices * rates.length,
    perSecond: Math.round(median(rates)),
    transitions,
    idle: weigh(crowd.filter(({ state }) => state.fences.length === 0)),
    busy: weigh(crowd.filter(({ state }) => state.fences.length > 0)),
  };
}

function weigh(crowd: readonly Walker[]) {
  const bytes = crowd.map(({ state }) => Buffer.byteLength(JSON.stringify(state)));
  return { devices: bytes.length, median: median(bytes), p99: percentile(bytes, 0.99) };
}
