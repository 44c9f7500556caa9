/** PURE. Geometry of the console's drawings: bars per hour with a line over them, and small curves. */

export interface HourBar {
  hour: number;
  now: number;
  before: number;
  /** Range of `now`; none when it is exact. */
  low?: number;
  high?: number;
}

/** Ranges too narrow to be seen are not drawn. */
const SEEN = 3;

export interface Bar extends HourBar {
  /** Left edge, width and centre in per cent of the drawing. */
  x: number;
  width: number;
  middle: number;
  y: number;
  height: number;
  /** Where last week's line passes. */
  lineY: number;
  /** Ends of the range over the bar; null when there is none to see. */
  range: { from: number; to: number } | null;
  /** Whether its label is shown on a narrow screen too. */
  major: boolean;
  /** The hour that is still running. */
  open: boolean;
}

export interface HourChart {
  height: number;
  base: number;
  bars: Bar[];
  /** Horizontal rules with their value. */
  rules: { y: number; value: number }[];
}

const top = 12;
const base = 196;
/** Left of it stand the values of the rules, per cent. */
const margin = 5;
/** Visits before this hour are of the night. */
const NIGHT_ENDS = 5;

/**
 * Vertical measures are pixels, horizontal ones per cent: the drawing then stretches with the page
 * while its letters keep their size. Quiet hours fall away at both ends, unless somebody came in the
 * night: then it is the whole day, midnight to midnight.
 */
export function hourChart(hours: readonly HourBar[], running: number | null): HourChart {
  const shown = opening(hours);
  const ceiling = niceCeiling(
    Math.max(1, ...shown.flatMap((one) => [one.now, one.high ?? 0, one.before])),
  );
  const y = (value: number): number => round(base - (value / ceiling) * (base - top));
  const slot = (100 - margin) / shown.length;
  const bars = shown.map((one, index) => ({
    ...one,
    x: round(margin + index * slot + slot * 0.16),
    width: round(slot * 0.68),
    middle: round(margin + index * slot + slot / 2),
    y: y(one.now),
    height: round(base - y(one.now)),
    lineY: y(one.before),
    range: rangeOf(y(one.low ?? one.now), y(one.high ?? one.now)),
    major: one.hour % 3 === 0,
    open: one.hour === running,
  }));
  const rules = [0, 0.5, 1].map((share) => ({ y: y(share * ceiling), value: share * ceiling }));
  return { height: base + 24, base, bars, rules };
}

function rangeOf(from: number, to: number): Bar['range'] {
  return from - to < SEEN ? null : { from, to };
}

function opening(hours: readonly HourBar[]): HourBar[] {
  const busy = hours.filter((one) => one.now > 0 || one.before > 0).map((one) => one.hour);
  if (busy.some((hour) => hour < NIGHT_ENDS)) return [...hours];
  const first = Math.min(9, ...busy.map((hour) => hour - 1));
  const last = Math.max(18, ...busy.map((hour) => hour + 1));
  return hours.filter((one) => one.hour >= first && one.hour <= last);
}

/** The next of 2, 4, 6, 8, 10, 12, 16, 20, 30, 40, 50 …: half of it is a whole number too. */
export function niceCeiling(value: number): number {
  for (let ten = 1; ; ten *= 10) {
    const steps = ten === 1 ? [2, 4, 6, 8, 10, 12, 16] : [2, 3, 4, 5, 6, 8, 10, 12, 16];
    const fit = steps.find((step) => step * ten >= value);
    if (fit !== undefined) return fit * ten;
  }
}

export interface Curve {
  /** `x,y x,y …` in a box of 100 by 32. */
  line: string;
  area: string;
}

/** Days without a figure are stepped over. Null when there are not two points to join. */
export function curve(values: readonly (number | null)[]): Curve | null {
  const known = values
    .map((value, index) => ({ value, index }))
    .filter((one): one is { value: number; index: number } => one.value !== null);
  if (known.length < 2 || known.every((one) => one.value === 0)) return null;
  const most = Math.max(...known.map((one) => one.value));
  const points = known.map(({ value, index }) => {
    const x = (index / (values.length - 1)) * 100;
    return `${round(x)},${round(30 - (value / most) * 27)}`;
  });
  const first = points[0]?.split(',')[0] ?? '0';
  const last = points.at(-1)?.split(',')[0] ?? '100';
  return { line: points.join(' '), area: `${first},32 ${points.join(' ')} ${last},32` };
}

/** Relative change, or null where there was too little before to compare with. */
export function change(now: number | null, before: number | null): number | null {
  if (now === null || before === null || before < 1) return null;
  return now / before - 1;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
