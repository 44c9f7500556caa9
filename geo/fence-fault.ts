/** PURE. The names of everything that can be wrong with a fence from outside, and how one is thrown. */

/** Stable: callers show and test them. docs/fences.md says of each what to mend. */
export const FENCE_FAULTS = [
  'not-a-feature',
  'not-a-collection',
  'too-many-fences',
  'unsupported-type',
  'bad-kind',
  'bad-id',
  'duplicate-id',
  'bad-name',
  'bad-parent',
  'bad-property',
  'bad-hours',
  'bad-radio',
  'too-many-keys',
  'bad-members',
  'too-many-members',
  'bad-datum',
  'datum-elsewhere',
  'bad-coordinates',
  'not-finite',
  'out-of-range',
  'swapped-axes',
  'too-few-points',
  'too-many-vertices',
  'not-closed',
  'no-area',
  'self-crossing',
  'hole-outside',
  'nested-holes',
  'encloses-pole',
  'near-pole',
  'radius-out-of-range',
  'width-out-of-range',
  'bare-line',
  'no-length',
  'line-too-long',
] as const;

export type FenceFault = (typeof FENCE_FAULTS)[number];

/** What is taken all the same, and still odd. */
export const FENCE_WARNINGS = ['small-without-radio', 'overlapping-parts', 'long-edge'] as const;

export interface FenceWarning {
  readonly code: (typeof FENCE_WARNINGS)[number];
  readonly message: string;
}

type Fault = Error & { readonly fault: FenceFault };

/** Thrown inside the parser only; `parseFence` turns it into a result. */
export function faulty(fault: FenceFault, message: string): Fault {
  return Object.assign(new Error(message), { fault });
}

export function isFaulty(error: unknown): error is Fault {
  return error instanceof Error && 'fault' in error;
}

/** A property that is there; null counts as left out, as exports write it. */
export const given = (value: unknown): boolean => value !== undefined && value !== null;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
