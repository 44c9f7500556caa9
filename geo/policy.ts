/** PURE. Every number the engine is judged by, with its default, and how to override some of them. */

/** Where a default comes from stands in docs/engine.md. Times are seconds, lengths metres. */
export interface Policy {
  /** Fixes worse than this (68 % radius) are refused. */
  readonly maxAccuracyMetres: number;
  /** Taken as the 68 % radius of a fix that reports none, or none that can be. */
  readonly unknownAccuracyMetres: number;
  /** No fix is better than this indoors, whatever it claims. */
  readonly minAccuracyMetres: number;
  /** Fixes sooner after the last say nothing new. */
  readonly minGapSeconds: number;
  /** A jump faster than this waits for a second fix that agrees; faster than the next, for two. */
  readonly doubtSpeed: number;
  readonly rejectSpeed: number;
  /** Correlation time of position errors: ten fixes in ten seconds are not ten proofs. */
  readonly correlationSeconds: number;
  /** How much likelier somebody standing is on a square metre of a shop than on one beside it. */
  readonly standingDensity: number;
  /** The same for somebody walking. */
  readonly walkingDensity: number;
  /** The same for halls, standing or walking: more people are in a mall than on as much pavement. */
  readonly wideDensity: number;
  /** A reported speed from here on is walking. */
  readonly walkingSpeed: number;
  /** Prior odds of a fence outside its opening hours, against the same fence when open. */
  readonly closedOdds: number;
  /** Time constant with which belief in a radio set fades after it was last heard. */
  readonly radioMemorySeconds: number;
  readonly candidateAt: number;
  readonly enterAt: number;
  /** Added to the two above where the fix is twice as coarse as the fence is deep. */
  readonly coarseCaution: number;
  readonly enterSeconds: number;
  readonly enterPings: number;
  readonly releaseAt: number;
  readonly immediateAt: number;
  readonly immediateInradiusMetres: number;
  readonly leaveAt: number;
  readonly exitAt: number;
  readonly leaveSeconds: number;
  readonly reopenSeconds: number;
  readonly minDwellSeconds: number;
  readonly tierSeconds: readonly number[];
  readonly staleSeconds: number;
  readonly timeoutSeconds: number;
  readonly crossSeconds: number;
  /** Fastest on foot, for tightening the bounds of entry and exit. */
  readonly footSpeed: number;
  readonly highScore: number;
  readonly mediumScore: number;
  readonly lowScore: number;
}

export const defaultPolicy: Policy = {
  maxAccuracyMetres: 250,
  unknownAccuracyMetres: 65,
  minAccuracyMetres: 3,
  minGapSeconds: 0.5,
  doubtSpeed: 70,
  rejectSpeed: 340,
  correlationSeconds: 20,
  standingDensity: 6,
  walkingDensity: 0.5,
  wideDensity: 6,
  walkingSpeed: 0.7,
  closedOdds: 0.2,
  radioMemorySeconds: 180,
  candidateAt: 0.52,
  enterAt: 0.6,
  coarseCaution: 0.1,
  enterSeconds: 45,
  enterPings: 2,
  releaseAt: 0.44,
  immediateAt: 0.85,
  immediateInradiusMetres: 50,
  leaveAt: 0.25,
  exitAt: 0.15,
  leaveSeconds: 60,
  reopenSeconds: 120,
  minDwellSeconds: 180,
  tierSeconds: [300, 900, 1800, 3600],
  staleSeconds: 900,
  timeoutSeconds: 1800,
  crossSeconds: 120,
  footSpeed: 2.5,
  highScore: 0.8,
  mediumScore: 0.5,
  lowScore: 0.2,
};

export type PolicyResult =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly code: PolicyFault; readonly message: string };
export type PolicyFault =
  'not-an-object' | 'unknown-key' | 'wrong-type' | 'out-of-range' | 'out-of-order';

/** Least and greatest accepted value of each number. */
const RANGES: { readonly [K in Exclude<keyof Policy, 'tierSeconds'>]: readonly [number, number] } =
  {
    maxAccuracyMetres: [5, 1000],
    unknownAccuracyMetres: [5, 1000],
    minAccuracyMetres: [0.5, 50],
    minGapSeconds: [0, 60],
    doubtSpeed: [5, 1000],
    rejectSpeed: [5, 10_000],
    correlationSeconds: [0.1, 600],
    standingDensity: [0.01, 100],
    walkingDensity: [0.01, 100],
    wideDensity: [0.01, 100],
    walkingSpeed: [0.1, 10],
    closedOdds: [0.1, 1],
    radioMemorySeconds: [10, 3600],
    candidateAt: [0.3, 0.999],
    enterAt: [0.3, 0.999],
    coarseCaution: [0, 0.3],
    enterSeconds: [0, 3600],
    enterPings: [1, 100],
    releaseAt: [0.05, 0.999],
    immediateAt: [0.3, 0.999],
    immediateInradiusMetres: [1, 100_000],
    leaveAt: [0.01, 0.9],
    exitAt: [0.001, 0.9],
    leaveSeconds: [0, 3600],
    reopenSeconds: [0, 3600],
    minDwellSeconds: [0, 86_400],
    staleSeconds: [10, 86_400],
    timeoutSeconds: [10, 86_400],
    crossSeconds: [0, 3600],
    footSpeed: [0.5, 50],
    highScore: [0, 1],
    mediumScore: [0, 1],
    lowScore: [0, 1],
  };

/** Pairs that must not be the wrong way round. */
const ORDERED: readonly (readonly [keyof Policy, keyof Policy])[] = [
  ['exitAt', 'leaveAt'],
  ['leaveAt', 'releaseAt'],
  ['releaseAt', 'candidateAt'],
  ['candidateAt', 'enterAt'],
  ['walkingDensity', 'standingDensity'],
  ['doubtSpeed', 'rejectSpeed'],
  ['staleSeconds', 'timeoutSeconds'],
  ['lowScore', 'mediumScore'],
  ['mediumScore', 'highScore'],
];

const fail = (code: PolicyFault, message: string): PolicyResult => ({ ok: false, code, message });

function tierFault(value: unknown): PolicyResult | null {
  if (!Array.isArray(value) || value.length > 20) {
    return fail('wrong-type', 'tierSeconds must be a list of at most 20 numbers');
  }
  for (const [i, tier] of value.entries()) {
    if (typeof tier !== 'number' || !Number.isFinite(tier)) {
      return fail('wrong-type', 'tierSeconds must hold numbers');
    }
    if (tier <= 0 || tier > 604_800) return fail('out-of-range', 'tierSeconds: 0 to 604800');
    if (i > 0 && tier <= value[i - 1]) return fail('out-of-order', 'tierSeconds must increase');
  }
  return null;
}

/** The default policy with some numbers replaced, or a named refusal. Unknown keys are refused. */
export function parsePolicy(json: unknown): PolicyResult {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return fail('not-an-object', 'a policy is a JSON object');
  }
  const policy: Record<string, unknown> = { ...defaultPolicy };
  for (const [key, value] of Object.entries(json)) {
    if (key === 'tierSeconds') {
      const fault = tierFault(value);
      if (fault) return fault;
      policy[key] = value;
      continue;
    }
    if (!Object.hasOwn(RANGES, key)) return fail('unknown-key', `no such setting: ${key}`);
    const [least, most] = RANGES[key as keyof typeof RANGES];
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      return fail('wrong-type', `${key} must be a number`);
    }
    if (value < least || value > most) return fail('out-of-range', `${key}: ${least} to ${most}`);
    policy[key] = value;
  }
  const parsed = policy as unknown as Policy;
  for (const [low, high] of ORDERED) {
    if ((parsed[low] as number) > (parsed[high] as number)) {
      return fail('out-of-order', `${low} must not be above ${high}`);
    }
  }
  return { ok: true, policy: parsed };
}
