/** PURE. What a visit's score is made of and how it stands, in the reader's words. */
import type { Factor, Visit } from '../../geo/visit.ts';
import type { Format } from './format.ts';
import type { Translate } from './texts.ts';

export interface FactorLine {
  name: string;
  words: string;
  value: number;
  /** The words are the engine's own, in English: the visit is of a release that kept no more. */
  plain: boolean;
}

type Tell = (visit: Visit, value: number, t: Translate, f: Format) => string;

const tellers: Record<string, Tell> = {
  place: ({ evidence, pings, bestAccuracy }, value, t, f) =>
    evidence.length > 0
      ? t('visit.words.proof', { kinds: evidenceWords(evidence, t) })
      : t('visit.words.place', {
          count: pings,
          share: f.percent(value),
          metres: f.number(Math.max(1, bestAccuracy)),
        }),
  stay: ({ dwell }, _value, t, f) =>
    dwell.upper === null
      ? t('visit.words.stayOpen', { least: f.precise(dwell.lower) })
      : t('visit.words.stay', { least: f.precise(dwell.lower), most: f.precise(dwell.upper) }),
  motion: (visit, value, t, f) => {
    if (visit.evidence.length > 0) return t('visit.words.motionProof');
    // Only of a wide place it does not matter how much of a stay was seen.
    const wide = visit.factors.find(({ name }) => name === 'coverage')?.weight === 0;
    return wide ? t('visit.words.wide') : t('visit.words.motion', { share: f.percent(value) });
  },
  coverage: ({ longestGapSeconds }, value, t, f) =>
    t('visit.words.coverage', { share: f.percent(value), gap: f.precise(longestGapSeconds) }),
  trust: ({ distrust }, _value, t) => t(`visit.words.trust.${distrust[0] ?? 'none'}`),
};

export const evidenceWords = (kinds: Visit['evidence'], t: Translate): string =>
  kinds.map((kind) => t(`why.kind.${kind}`)).join(t('visit.words.and'));

/** Empty when the parts were not kept. */
export function factorLines(visit: Visit, t: Translate, f: Format): FactorLine[] {
  const factors: readonly Factor[] = visit.factors ?? [];
  const whole = Array.isArray(visit.evidence) && Array.isArray(visit.distrust);
  return factors.map(({ name, value, text }) => {
    const tell = whole ? tellers[name] : undefined;
    return {
      name: t([`visit.names.${name}`, 'visit.factor']),
      words: tell ? tell(visit, value, t, f) : text,
      value,
      plain: !tell,
    };
  });
}
