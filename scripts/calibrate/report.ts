/** PURE. The report in words and numbers, for people or as JSON. */
import type { Fitted, Part } from '../../geo/score-fit.ts';
import { brierScore, logLoss, reliability, worstGap } from '../../geo/calibration.ts';
import type { Source } from './labelled.ts';

/** Bins with fewer claims say little: their gap is not held against anybody. */
export const ENOUGH = 50;

export function report({ title, note, rows }: Source, json: boolean): string {
  const claims = rows.map(({ score, truth }) => ({ p: score, truth }));
  const bins = reliability(claims);
  const expected = claims.reduce((sum, { p }) => sum + p, 0);
  const variance = claims.reduce((sum, { p }) => sum + p * (1 - p), 0);
  const observed = claims.filter(({ truth }) => truth === 1).length;
  const figures = {
    title,
    ...(note === undefined ? {} : { note }),
    claims: claims.length,
    brier: round(brierScore(claims)),
    logLoss: round(logLoss(claims)),
    worstGap: round(worstGap(bins, ENOUGH)),
    expected: round(expected),
    plusMinus: round(1.96 * Math.sqrt(variance)),
    observed,
    bins,
  };
  if (json) return `${JSON.stringify(figures)}\n`;
  const lines = bins.map(
    (bin) =>
      `${bin.from.toFixed(1)}-${bin.to.toFixed(1)} ${String(bin.n).padStart(7)}  ${share(bin.claimed)}  ${share(bin.observed)}  ${interval(bin.low, bin.high)}`,
  );
  return [
    note === undefined ? title : `${title}; ${note}`,
    '',
    'claimed        n  mean   true   95 % of it',
    ...lines,
    '',
    `${figures.claims} claims; Brier score ${figures.brier}, log loss ${figures.logLoss}`,
    `greatest gap of a bin with ${ENOUGH} claims or more: ${figures.worstGap}`,
    `visits expected: ${expected.toFixed(0)} ± ${figures.plusMinus.toFixed(0)}; true: ${observed}`,
    '',
  ].join('\n');
}

const round = (value: number): number => Math.round(value * 1e4) / 1e4;
const share = (value: number | null): string => (value === null ? '    –' : value.toFixed(3));
const interval = (low: number | null, high: number | null): string =>
  low === null || high === null ? '' : `${low.toFixed(2)} to ${high.toFixed(2)}`;

/** The weights as they are pasted into geo/score-model.ts, then how sure each is. */
export function fitText({ model, errors, cases }: Fitted): string {
  const part = (name: Part): string[] => [
    errors[name]
      ? `  // ${cases[name]} cases; standard errors ${JSON.stringify(errors[name])}`
      : `  // only ${cases[name]} cases: left as it was`,
    `  ${name}: ${JSON.stringify(model[name])
      .replaceAll('"', '')
      .replaceAll(/([:,])/g, '$1 ')},`,
  ];
  return [
    'export const scoreModel: ScoreModel = {',
    `  version: ${model.version},`,
    ...part('here'),
    ...part('longShop'),
    ...part('longHall'),
    '};',
    '',
  ].join('\n');
}
