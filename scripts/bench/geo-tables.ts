/** PURE. The geo bench's report as plain tables. */
import type { GeoReport } from '../bench-geo.ts';
import { CROWD } from './geo-steps.ts';

const thousands = (n: number): string => n.toLocaleString('en-US');

function table(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const all = [head, ...rows];
  const widths = head.map((_, c) => Math.max(...all.map((row) => (row[c] ?? '').length)));
  const lines = all.map((row) =>
    row
      .map((cell, c) =>
        /^[\d,.]/.test(cell) || c === 0
          ? cell.padStart(widths[c] ?? 0)
          : cell.padEnd(widths[c] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return `${title}\n\n${lines.join('\n')}\n`;
}

export function geoTables(report: GeoReport): string {
  const { machine, seed, edits } = report;
  return [
    `${machine.cpu}, node ${machine.node}, ${machine.versions}, seed ${seed}; one core\n`,
    lookupTable(report),
    buildTable(report),
    table(
      `one fence in a live index of ${thousands(edits.fences)}, with the lookups after it, ms`,
      ['edit', 'median', 'p99', 'max'],
      (['add', 'remove'] as const).map((name) => {
        const { median, p99, max } = edits[name];
        return [name, String(median), String(p99), String(max)];
      }),
    ),
    stepTable(report),
    besideTable(report),
  ].join('\n');
}

function lookupTable({ lookups }: GeoReport): string {
  return table(
    'lookups per second: which fences hold a point (medians of alternating rounds)',
    ['fences', 'of', 'engine', 'per second', 'slowest', 'fastest', 'same', 'times the faster'],
    lookups.map((row) => [
      thousands(row.fences),
      row.land,
      row.engine,
      thousands(row.perSecond),
      ...row.range.map(thousands),
      row.sameAnswers ? 'yes' : 'NO',
      row.times === undefined ? '' : row.times.toFixed(1),
    ]),
  );
}

function buildTable({ builds }: GeoReport): string {
  return table(
    'building the index, then its cover; answers compared with the robust predicate',
    [
      'fences',
      'of',
      'index ms',
      'cover ms',
      'index B/fence',
      'cover B/fence',
      'points',
      'different',
    ],
    builds.map((row) => [
      thousands(row.fences),
      row.land,
      ...[row.index, row.cover, row.indexBytes, row.coverBytes, row.compared, row.different].map(
        thousands,
      ),
    ]),
  );
}

function stepTable({ steps }: GeoReport): string {
  const bytes = (of: { devices: number; median: number; p99: number }) =>
    `${thousands(of.median)} / ${thousands(of.p99)} (${thousands(of.devices)})`;
  return table(
    `whole step() per second, one core; the crowd: ${CROWD}`,
    ['fences', 'devices', 'per second', 'idle state B, median / p99', 'busy state B, median / p99'],
    steps.map((row) => [
      thousands(row.fences),
      thousands(row.devices),
      thousands(row.perSecond),
      bytes(row.idle),
      bytes(row.busy),
    ]),
  );
}

function besideTable({ postgis, tile38 }: GeoReport): string {
  const rows: string[][] = [];
  if (typeof postgis === 'string') rows.push(['PostGIS', postgis]);
  else {
    for (const row of postgis) {
      const same = row.sameAnswers ? 'same answers' : 'OTHER ANSWERS';
      rows.push([`PostGIS ${row.version}`, thousands(row.fences), thousands(row.perSecond), same]);
    }
  }
  if (typeof tile38 === 'string') rows.push(['Tile38', tile38]);
  else {
    for (const row of tile38) {
      const what = 'SET against channel fences, pipelined';
      rows.push([`Tile38 ${row.version}`, thousands(row.fences), thousands(row.perSecond), what]);
    }
  }
  return table(
    'beside it, on its own server: the same join, a thousand points at a time',
    ['engine', 'fences', 'points per second', ''],
    rows,
  );
}
