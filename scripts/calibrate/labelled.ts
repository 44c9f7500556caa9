/** A labelled visit, as the calibration tool reads and writes it. */
import type { Signs } from '../../geo/score-model.ts';

export interface Labelled {
  /** Claimed probability, 0 to 1. */
  readonly score: number;
  /** 1 when what was claimed is true. */
  readonly truth: 0 | 1;
  /** What the score claims: a visit, or only to have been there because nobody knows how long. */
  readonly about: 'visit' | 'here';
  /** 1 when the device truly was there, however briefly; needed for a fit. */
  readonly here?: 0 | 1;
  /** What the visit showed; needed for a fit. */
  readonly signs?: Signs;
}

export interface Source {
  readonly rows: readonly Labelled[];
  /** Lines that could not be used, each with its number and reason. */
  readonly faults: readonly string[];
  readonly title: string;
  /** What else is worth knowing of where they come from. */
  readonly note?: string;
}
