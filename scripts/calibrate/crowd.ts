/** Labels from a made-up crowd: its truth is known because it was made. */
import type { NoiseKind } from '../../geo/crowd.ts';
import type { Policy } from '../../geo/policy.ts';
import { makeCrowd } from '../../geo/crowd.ts';
import { labelCrowd } from '../../geo/labels.ts';
import { randomFrom } from '../lib/random.ts';
import type { Source } from './labelled.ts';

export function fromCrowd(
  { seed, people, noise }: { seed: number; people: number; noise: NoiseKind },
  policy: Policy,
): Source {
  const labels = labelCrowd(makeCrowd(randomFrom(seed), { people, noise }), policy);
  const share = Math.round((labels.found / Math.max(1, labels.stays)) * 100);
  return {
    title: `${people} made-up people, ${noise} errors, seed ${seed}`,
    note: `${share} % of ${labels.stays} true stays in shops were found`,
    faults: [],
    rows: labels.rows.map(({ visit, signs, here, truth }) => ({
      score: visit.score,
      truth,
      about: 'visit',
      here,
      signs,
    })),
  };
}
