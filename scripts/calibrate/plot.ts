/** PURE. The reliability plot as an SVG: claimed against true, with intervals, and how many claims there are. */
import type { Bin } from '../../geo/calibration.ts';
import { brierScore, reliability } from '../../geo/calibration.ts';
import type { Labelled } from './labelled.ts';

const WIDTH = 560;
const HEIGHT = 640;
const LEFT = 72;
const SIDE = 440;
const TOP = 72;
/** Bars of the counts stand under the plot. */
const COUNTS = { top: TOP + SIDE + 24, height: 56 };

const INK = '#1c1f24';
const QUIET = '#6b7280';
const RULE = '#e5e7eb';
const BLUE = '#0072b2';
const SKY = '#56b4e9';

const x = (p: number): number => round(LEFT + p * SIDE);
const y = (p: number): number => round(TOP + (1 - p) * SIDE);
const round = (value: number): number => Math.round(value * 10) / 10;
const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export function plot(rows: readonly Labelled[], title: string): string {
  const claims = rows.map(({ score, truth }) => ({ p: score, truth }));
  const bins = reliability(claims);
  const words = `Reliability of ${claims.length} claimed visits. Brier score ${brierScore(claims).toFixed(3)}.`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="12" fill="${INK}">`,
    `<title id="t">${escape(words)}</title>`,
    `<desc id="d">${escape(described(bins))}</desc>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="28" font-size="16" font-weight="600">Of visits claimed with p, how many were real?</text>`,
    `<text x="${LEFT}" y="48" fill="${QUIET}">${escape(title)}</text>`,
    ...axes(),
    ...bins.flatMap(point),
    ...counts(bins),
    '</svg>',
    '',
  ].join('\n');
}

function described(bins: readonly Bin[]): string {
  const known = bins.filter((bin) => bin.claimed !== null && bin.observed !== null);
  return known
    .map(
      (bin) => `claimed ${bin.claimed?.toFixed(2)}, true ${bin.observed?.toFixed(2)} of ${bin.n}`,
    )
    .join('; ');
}

function axes(): string[] {
  const marks = [0, 0.2, 0.4, 0.6, 0.8, 1];
  const rules = marks.flatMap((p) => [
    `<line x1="${x(0)}" x2="${x(1)}" y1="${y(p)}" y2="${y(p)}" stroke="${RULE}"/>`,
    `<line x1="${x(p)}" x2="${x(p)}" y1="${y(0)}" y2="${y(1)}" stroke="${RULE}"/>`,
    `<text x="${LEFT - 10}" y="${y(p) + 4}" text-anchor="end">${p.toFixed(1)}</text>`,
    `<text x="${x(p)}" y="${COUNTS.top + COUNTS.height + 18}" text-anchor="middle">${p.toFixed(1)}</text>`,
  ]);
  const band = `${x(0)},${y(0.07)} ${x(0.93)},${y(1)} ${x(1)},${y(1)} ${x(1)},${y(0.93)} ${x(0.07)},${y(0)} ${x(0)},${y(0)}`;
  return [
    ...rules,
    `<polygon points="${band}" fill="${SKY}" opacity="0.16"/>`,
    `<line x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}" stroke="${QUIET}" stroke-dasharray="4 4"/>`,
    `<rect x="${x(0.03)}" y="${y(0.97)}" width="14" height="14" fill="${SKY}" opacity="0.3"/>`,
    `<text x="${x(0.075)}" y="${y(0.97) + 11}" fill="${QUIET}">within 0.07 of the claim</text>`,
    `<text transform="translate(22 ${y(0.5)}) rotate(-90)" text-anchor="middle" font-weight="600">true share, with its 95 % interval</text>`,
    `<text x="${x(0.5)}" y="${COUNTS.top + COUNTS.height + 40}" text-anchor="middle" font-weight="600">claimed probability (score)</text>`,
  ];
}

function point(bin: Bin): string[] {
  const { claimed, observed, low, high } = bin;
  if (claimed === null || observed === null || low === null || high === null) return [];
  return [
    `<line x1="${x(claimed)}" x2="${x(claimed)}" y1="${y(low)}" y2="${y(high)}" stroke="${BLUE}" stroke-width="2"/>`,
    `<circle cx="${x(claimed)}" cy="${y(observed)}" r="5" fill="${BLUE}" stroke="#ffffff" stroke-width="1.5"/>`,
  ];
}

/** On a scale of square roots: most claims are sure ones, and the few others must be seen too. */
function counts(bins: readonly Bin[]): string[] {
  const most = Math.max(1, ...bins.map((bin) => bin.n));
  const base = COUNTS.top + COUNTS.height;
  return [
    `<text x="${LEFT - 10}" y="${COUNTS.top + 12}" text-anchor="end" fill="${QUIET}">claims</text>`,
    `<line x1="${x(0)}" x2="${x(1)}" y1="${base}" y2="${base}" stroke="${QUIET}"/>`,
    ...bins.flatMap((bin) => {
      const height = round(Math.sqrt(bin.n / most) * (COUNTS.height - 16));
      return [
        `<rect x="${x(bin.from) + 3}" y="${round(base - height)}" width="${round(SIDE / bins.length - 6)}" height="${height}" rx="2" fill="${SKY}"/>`,
        `<text x="${x((bin.from + bin.to) / 2)}" y="${round(base - height - 4)}" text-anchor="middle" font-size="11">${bin.n}</text>`,
      ];
    }),
  ];
}
