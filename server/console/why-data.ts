/** PURE. An explanation in the reader's words: rows for the table, and the same compactly for the script. */
import type { PingView } from '../../geo/explain.ts';
import type { Sentence } from '../../geo/explain-words.ts';
import type { Drawn } from '../../geo/drawn.ts';
import type { Transition } from '../../geo/visit.ts';
import type { Why } from '../visits/why.ts';
import type { Translate } from './texts.ts';
import { drawnOf } from '../../geo/drawn.ts';

export interface Wording {
  t: Translate;
  nameOf: (fence: string) => string;
}

/** A sentence in the reader's language, what it names as people call it. */
export function worded({ code, values }: Sentence, { t, nameOf }: Wording): string {
  const said: Record<string, string | number> = { ...values };
  const name = (key: string, ...lookUp: string[]): void => {
    if (typeof said[key] === 'string') said[key] = t([...lookUp, said[key]]);
  };
  name('factor', `visit.names.${said['factor']}`);
  name('kind', `why.kind.${said['kind']}`);
  name('reason', `why.verdict.${said['reason']}`);
  name('band', `bands.${said['band']}`);
  if (typeof said['fence'] === 'string') said['fence'] = nameOf(said['fence']);
  return t(`why.says.${code}`, said);
}

const verdictText = (verdict: string, t: Translate): string =>
  t([`why.verdict.${verdict}`, 'why.verdict.other']);

export interface Row {
  t: number;
  /** `used`, `noted` or `refused`: how it is drawn. */
  mark: Mark;
  verdict: string;
  accuracy: number | null;
  says: string[];
  fences: { name: string; p: number; says: string }[];
  events: string[];
}
export type Mark = 'used' | 'noted' | 'refused';

const markOf = ({ verdict, says }: PingView): Mark => {
  if (verdict !== 'accepted') return 'refused';
  return says.some(({ code }) => /^note\.(spike|jumped|frozen|ruled)$/.test(code))
    ? 'noted'
    : 'used';
};

/** Fences told of at one ping: the page is to be read, not searched. */
const MAX_FENCES = 5;

export function rowOf(ping: PingView, wording: Wording): Row {
  const { t, nameOf } = wording;
  return {
    t: ping.t,
    mark: markOf(ping),
    verdict: verdictText(ping.verdict, t),
    accuracy: ping.accuracy,
    says: ping.says.map((each) => worded(each, wording)),
    fences: ping.fences.slice(0, MAX_FENCES).map(({ fence, p, says }) => ({
      name: nameOf(fence),
      p,
      says: worded(says, wording),
    })),
    events: ping.transitions.map((each) => eventText(each, wording)),
  };
}

function eventText({ type, fence, tierSeconds = 0 }: Transition, { t, nameOf }: Wording): string {
  const minutes = Math.round(tierSeconds / 60);
  return `${t(`why.event.${type}`, { minutes })}: ${nameOf(fence)}`;
}

/** Texts are numbers into `texts`, fences numbers into `fences`: pings repeat both. */
export interface ScriptData {
  texts: string[];
  fences: { id: string; name: string; shape: Drawn | null; visited: boolean; best: number }[];
  pings: ScriptPing[];
  visits: { fence: number; from: number; to: number | null; band: string }[];
}

export interface ScriptPing {
  t: number;
  at: readonly [lon: number, lat: number];
  accuracy: number | null;
  mark: Mark;
  verdict: number;
  says: number[];
  events: number[];
  fused: { at: readonly [lon: number, lat: number]; sigma: number; still: number } | null;
  /** Fence, belief, belief in none, phase, sentence. */
  fences: (readonly [fence: number, p: number, none: number, phase: string, says: number])[];
}

export function scriptData(why: Why, wording: Wording): ScriptData {
  const texts = interned();
  const ids = why.explanation.fences.map(({ fence }) => fence);
  const place = new Map(ids.map((id, i) => [id, i]));
  return {
    fences: why.explanation.fences.map(({ fence, visited, best }) => {
      const stood = why.fences.get(fence);
      const shape = stood ? drawnOf(stood) : null;
      return { id: fence, name: wording.nameOf(fence), shape, visited, best };
    }),
    pings: why.explanation.pings.map((ping) => scriptPing(ping, wording, texts.of, place)),
    visits: why.visits.flatMap(({ visit }) => {
      const fence = place.get(visit.fence);
      if (fence === undefined || visit.band === 'none') return [];
      const to = visit.exit && visit.exit.estimate;
      return [{ fence, from: visit.entry.estimate, to, band: visit.band }];
    }),
    texts: texts.all,
  };
}

function interned(): { all: string[]; of: (text: string) => number } {
  const all: string[] = [];
  const known = new Map<string, number>();
  return {
    all,
    of: (text) => {
      let i = known.get(text);
      if (i === undefined) known.set(text, (i = all.push(text) - 1));
      return i;
    },
  };
}

const round = (degrees: number): number => Math.round(degrees * 1e7) / 1e7;

function scriptPing(
  ping: PingView,
  wording: Wording,
  textOf: (text: string) => number,
  place: ReadonlyMap<string, number>,
): ScriptPing {
  const row = rowOf(ping, wording);
  return {
    t: ping.t,
    at: [round(ping.lon), round(ping.lat)],
    accuracy: ping.accuracy,
    mark: row.mark,
    verdict: textOf(row.verdict),
    says: row.says.map(textOf),
    events: row.events.map(textOf),
    fused: ping.fused && {
      at: [round(ping.fused.lon), round(ping.fused.lat)],
      sigma: ping.fused.sigma,
      still: ping.fused.pStill,
    },
    fences: ping.fences.slice(0, MAX_FENCES).flatMap(({ fence, p, none, after, says }) => {
      const i = place.get(fence);
      return i === undefined ? [] : [[i, p, none, after, textOf(worded(says, wording))] as const];
    }),
  };
}
