/** Beliefs over time: a line for each fence that counts, the thresholds, and a mark for every position. */
import { lined } from './model.ts';
import type { WhyData } from './model.ts';

export interface Strip {
  show(index: number): void;
}

const NS = 'http://www.w3.org/2000/svg';
/** Drawing units; the picture stretches with its box. */
const WIDTH = 1000;
const HEIGHT = 100;
const GAP_MS = 15 * 60_000;

function part(name: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

export function createStrip(
  box: HTMLElement,
  data: WhyData,
  choose: (index: number) => void,
): Strip {
  const first = data.pings[0]?.t ?? data.from;
  const last = data.pings.at(-1)?.t ?? data.to;
  const x = (t: number): number => ((t - first) / Math.max(1, last - first)) * WIDTH;
  const svg = part('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none' });
  const lines = lined(data);
  for (const p of [0, 0.5, 1]) {
    const y = (1 - p) * HEIGHT;
    svg.append(part('line', { x1: 0, x2: WIDTH, y1: y, y2: y, class: 'strip-grid' }));
  }
  lines.forEach((fence, i) => {
    const name = `strip-line why-line-${i + 1}`;
    svg.append(part('path', { d: pathOf(data, fence, x), class: name }));
  });
  const cursor = part('line', { y1: 0, y2: HEIGHT, class: 'strip-cursor' });
  svg.append(cursor);
  box.append(namesOf(data, lines), visitsOf(data, lines, x), svg, marksOf(data, x));
  svg.addEventListener('click', (event) => {
    const { left, width } = svg.getBoundingClientRect();
    const wanted = first + ((event.clientX - left) / width) * (last - first);
    choose(nearest(data, wanted));
  });
  return {
    show(index) {
      const at = x(data.pings[index]?.t ?? first);
      cursor.setAttribute('x1', String(at));
      cursor.setAttribute('x2', String(at));
    },
  };
}

/** Belief in one fence; where it is not told of it is nothing, and after a long silence unknown. */
function pathOf(data: WhyData, fence: number, x: (t: number) => number): string {
  let path = '';
  let before: number | null = null;
  for (const { t, mark, fences } of data.pings) {
    if (mark === 'refused') continue;
    const p = fences.find(([id]) => id === fence)?.[1] ?? 0;
    const move = before === null || t - before > GAP_MS ? 'M' : 'L';
    path += `${move}${x(t).toFixed(1)} ${((1 - p) * HEIGHT).toFixed(1)}`;
    before = t;
  }
  return path;
}

function namesOf(data: WhyData, lines: readonly number[]): HTMLElement {
  const names = document.createElement('ul');
  names.className = 'strip-names';
  lines.forEach((fence, i) => {
    const item = document.createElement('li');
    item.className = `why-line-${i + 1}`;
    item.textContent = data.fences[fence]?.name ?? '';
    names.append(item);
  });
  return names;
}

/** Above the lines a bar for each visit, a row for each fence that has one. */
function visitsOf(
  { visits, pings, to }: WhyData,
  lines: readonly number[],
  x: (t: number) => number,
): SVGElement {
  const rows = lines.filter((fence) => visits.some((visit) => visit.fence === fence));
  const height = rows.length * 2;
  const svg = part('svg', {
    viewBox: `0 0 ${WIDTH} ${Math.max(1, height)}`,
    preserveAspectRatio: 'none',
    class: `strip-visits strip-visits--${rows.length}`,
  });
  for (const visit of visits) {
    const row = rows.indexOf(visit.fence);
    const from = Math.max(0, x(visit.from));
    const end = Math.min(WIDTH, x(visit.to ?? pings.at(-1)?.t ?? to));
    if (row < 0 || end <= from) continue;
    const name = `why-line-${lines.indexOf(visit.fence) + 1}`;
    svg.append(part('rect', { x: from, y: row * 2, width: end - from, height: 1.4, class: name }));
  }
  return svg;
}

/** Every position, in a row of its own below the lines: below when used, above when not. */
function marksOf(data: WhyData, x: (t: number) => number): SVGElement {
  const svg = part('svg', {
    viewBox: `0 0 ${WIDTH} 10`,
    preserveAspectRatio: 'none',
    class: 'strip-marks',
  });
  for (const { t, mark } of data.pings) {
    const [y1, y2] = mark === 'used' ? [5, 10] : [0, 10];
    svg.append(
      part('line', { x1: x(t), x2: x(t), y1, y2, class: `strip-mark strip-mark--${mark}` }),
    );
  }
  return svg;
}

function nearest({ pings }: WhyData, t: number): number {
  let best = 0;
  pings.forEach((ping, i) => {
    if (Math.abs(ping.t - t) < Math.abs((pings[best]?.t ?? 0) - t)) best = i;
  });
  return best;
}
