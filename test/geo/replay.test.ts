/** The replay command as people run it: files in, JSON lines and exit codes out. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomFrom } from '../../scripts/lib/random.ts';
import { trackFixtures } from '../support/tracks.ts';

const ROOT = join(import.meta.dirname, '../..');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'replay-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

function replay(...args: string[]): { code: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/replay.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

const rows = (out: string): Record<string, unknown>[] =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const fixture = trackFixtures().find((f) => f.name === 'two-shops')!;
const features = fixture.fences.map(({ id, name, parent, shape }) => ({
  type: 'Feature',
  id,
  properties: { name, ...(parent ? { parent } : {}) },
  geometry: shape,
}));
const fences = (): string =>
  put('fences.geojson', JSON.stringify({ type: 'FeatureCollection', features }));
const lines = fixture.pings.flatMap((ping) =>
  ['ann', 'bob'].map((device) => JSON.stringify({ device, ...ping })),
);

describe('a recording', () => {
  test('gives transitions, visits and a summary', () => {
    const { code, out, err } = replay(
      '--fences',
      fences(),
      '--pings',
      put('p.jsonl', lines.join('\n')),
    );
    expect(err).toBe('');
    expect(code).toBe(0);
    const told = rows(out);
    const kinds = told.map((row) => row.type);
    expect(kinds.at(-1)).toBe('summary');
    expect(kinds.lastIndexOf('left')).toBeLessThan(kinds.indexOf('visit'));
    const visits = told.filter((row) => row.type === 'visit');
    expect(visits.filter((v) => v.device === 'ann').map((v) => v.fence)).toEqual([
      'mall',
      's0',
      's3',
    ]);
    for (const visit of visits) {
      expect(Object.keys(visit)).toEqual(
        expect.arrayContaining([
          'id',
          'device',
          'fence',
          'status',
          'score',
          'band',
          'entry',
          'exit',
          'dwell',
          'pings',
          'alternates',
          'factors',
        ]),
      );
      expect(visit.status).toBe('final');
    }
    expect(told.find((row) => row.type === 'entered')).toMatchObject({
      device: 'ann',
      fence: 'mall',
      at: expect.stringMatching(/^2026-05-04T09:0\d:\d\d\.000Z$/),
      detectedAt: expect.any(String),
      p: expect.any(Number),
    });
    expect(told.at(-1)).toEqual({
      type: 'summary',
      pings: lines.length,
      accepted: lines.length,
      refused: {},
      transitions: told.filter((row) => row.type !== 'visit' && row.type !== 'summary').length,
      visits: visits.length,
    });
  });

  test('the order of the lines does not matter, to the byte', () => {
    const random = randomFrom(4);
    const shuffled = lines
      .map((line) => ({ line, key: random() }))
      .toSorted((a, b) => a.key - b.key);
    const first = replay('--fences', fences(), '--pings', put('a.jsonl', lines.join('\n')));
    const second = replay(
      '--fences',
      fences(),
      '--pings',
      put('b.jsonl', shuffled.map((s) => s.line).join('\r\n')),
    );
    expect(second.out).toBe(first.out);
  });

  test('bad lines are named and counted, never fatal', () => {
    const bad = [
      'not json',
      '[]',
      '{"device":"ann"}',
      '{"device":"","t":1,"lon":1,"lat":1,"acc":1}',
      '{"device":"ann","t":"now","lon":1,"lat":1,"acc":1}',
      '{"device":"ann","t":1e300,"lon":1,"lat":1,"acc":1}',
      '{"device":"ann","t":0,"lon":8.5,"lat":147,"acc":1}',
      '{"device":"ann","t":0,"lon":8.5,"lat":47,"acc":9000}',
      '{"device":"cid","t":0,"lon":8.5,"lat":47,"acc":9,"mock":true}',
      '{"device":"cid","t":1,"lon":8.5,"lat":47,"acc":9,"accKind":"p50"}',
      lines[0] ?? '',
    ];
    const { code, out, err } = replay(
      '--fences',
      fences(),
      '--pings',
      put('bad.jsonl', [...bad, '', ...lines].join('\n')),
    );
    expect(code).toBe(0);
    expect(err).toContain('line 1: not-json');
    expect(err).toContain('line 7: out-of-range');
    expect(rows(out).at(-1)).toMatchObject({
      pings: lines.length + bad.length,
      accepted: lines.length,
      refused: {
        'not-json': 1,
        'not-an-object': 1,
        'bad-field': 5,
        'out-of-range': 1,
        inaccurate: 1,
        mock: 1,
        duplicate: 1,
      },
    });
  });

  test('a fence that cannot be read is named, the others serve', () => {
    const broken = {
      type: 'Feature',
      id: 'open',
      properties: {},
      geometry: {
        type: 'Polygon',
        coordinates: [
          [
            [8, 47],
            [9, 47],
            [9, 48],
            [8, 48],
          ],
        ],
      },
    };
    const file = put(
      'f2.geojson',
      JSON.stringify({ type: 'FeatureCollection', features: [broken, ...features] }),
    );
    const { code, out, err } = replay(
      '--fences',
      file,
      '--pings',
      put('p.jsonl', lines.join('\n')),
    );
    expect(code).toBe(0);
    expect(err).toContain('fence 1 (open): not-closed');
    expect(rows(out).at(-1)).toMatchObject({ visits: 6 });
  });

  test('a policy changes the outcome', () => {
    const policy = put('policy.json', '{"minDwellSeconds": 900}');
    const { out } = replay(
      '--fences',
      fences(),
      '--pings',
      put('p.jsonl', lines.join('\n')),
      '--policy',
      policy,
    );
    const fencesVisited = rows(out)
      .filter((row) => row.type === 'visit')
      .map((v) => v.fence);
    expect(new Set(fencesVisited)).toEqual(new Set(['mall']));
  });
});

describe('what cannot be read at all: one line and exit code 2', () => {
  test.each<[string, () => string[]]>([
    ['no fences file', () => ['--fences', join(folder, 'none'), '--pings', put('p.jsonl', '')]],
    ['no pings file', () => ['--fences', fences(), '--pings', join(folder, 'none')]],
    ['a folder', () => ['--fences', fences(), '--pings', folder]],
    ['fences that are not JSON', () => ['--fences', put('x', '{'), '--pings', put('p.jsonl', '')]],
    [
      'fences that are not GeoJSON',
      () => ['--fences', put('x', '[]'), '--pings', put('p.jsonl', '')],
    ],
    [
      'a wrong policy',
      () => ['--fences', fences(), '--pings', put('p.jsonl', ''), '--policy', put('y', '{"a":1}')],
    ],
    ['no arguments', () => []],
  ])('%s', (_, args) => {
    const { code, out, err } = replay(...args());
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  test('an empty recording is not an error', () => {
    const { code, out } = replay('--fences', fences(), '--pings', put('empty.jsonl', ''));
    expect(code).toBe(0);
    expect(rows(out)).toEqual([
      { type: 'summary', pings: 0, accepted: 0, refused: {}, transitions: 0, visits: 0 },
    ]);
  });
});
