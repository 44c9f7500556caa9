/** What the server told of the span; the mirror of server/console/why-data.ts. */
import type { LonLat } from '../map/base.ts';
import type { Texts } from '../page/data.ts';

export type Mark = 'used' | 'noted' | 'refused';

export interface WhyFence {
  id: string;
  name: string;
  shape:
    | { type: 'Polygon'; coordinates: number[][][] }
    | { type: 'MultiPolygon'; coordinates: number[][][][] }
    | { type: 'LineString'; coordinates: number[][] }
    | null;
  visited: boolean;
  best: number;
}

export interface WhyPing {
  t: number;
  at: LonLat;
  accuracy: number | null;
  mark: Mark;
  verdict: number;
  says: number[];
  events: number[];
  fused: { at: LonLat; sigma: number; still: number } | null;
  fences: [fence: number, p: number, none: number, phase: string, says: number][];
}

export interface WhyData {
  texts: string[];
  fences: WhyFence[];
  pings: WhyPing[];
  visits: { fence: number; from: number; to: number | null; band: string }[];
  words: Texts;
  own: Texts;
  language: string;
  timezone: string;
  from: number;
  to: number;
}

export type Say = (key: string, values?: Record<string, string | number>) => string;

/** Fences with a line of their own in the strip and a colour on the map. */
export const MAX_LINES = 4;

/** The fences worth a line: those told of first that were ever believed in. */
export function lined(data: WhyData): number[] {
  return data.fences
    .map((fence, i) => ({ i, best: fence.best }))
    .filter(({ best }) => best >= 0.05)
    .slice(0, MAX_LINES)
    .map(({ i }) => i);
}
