/** The replay command as people run it: files in, JSON lines and exit codes out. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeatureCollection } from 'geojson';
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

describe('beside the lines', () => {
  const plain = (): ReturnType<typeof replay> =>
    replay('--fences', fences(), '--pings', put('p.jsonl', lines.join('\n')));

  test('--explain says why on standard error and leaves the lines as they are', () => {
    const { code, out, err } = replay(
      '--fences',
      fences(),
      '--pings',
      put('p.jsonl', lines.join('\n')),
      '--explain',
      'ann',
    );
    expect(code).toBe(0);
    expect(out).toBe(plain().out);
    expect(err).toMatch(/^Why: ann, \d+ pings\n/);
    expect(err).toMatch(/Believed 0\.\d+; needs 45 s, \d+ s so far\./);
    expect(err).toMatch(/\nShop 0: There is a visit: score 0\.\d+, band high\.\n/);
  });

  test('--out draws fences, tracks, visits and refused pings', () => {
    const file = join(folder, 'picture.geojson');
    const mock = JSON.stringify({ device: 'ann', t: 0, lon: 8.5, lat: 47, acc: 9, mock: true });
    const pings = put('p.jsonl', [...lines, mock].join('\n'));
    expect(replay('--fences', fences(), '--pings', pings, '--out', file).code).toBe(0);
    const { features: drawn } = JSON.parse(readFileSync(file, 'utf8')) as FeatureCollection;
    const kinds = drawn.map((feature) => feature.properties?.['kind'] as string);
    const count = (kind: string): number => kinds.filter((each) => each === kind).length;
    expect([count('fence'), count('track'), count('visit'), count('refused')]).toEqual([
      features.length,
      2,
      6,
      1,
    ]);
    for (const { properties } of drawn) {
      const colour = properties?.['stroke'] ?? properties?.['marker-color'];
      expect(colour).toMatch(/^#[0-9a-f]{6}$/);
    }
    const bounds = drawn.find((feature) => feature.id === 's0')?.properties;
    expect(bounds).toMatchObject({ title: 'Shop 0', fill: '#009e73' });
  });

  test('a picture that cannot be written is one line and exit code 2', () => {
    const file = join(folder, 'no', 'such', 'folder.geojson');
    const pings = put('p.jsonl', lines.join('\n'));
    const { code, err } = replay('--fences', fences(), '--pings', pings, '--out', file);
    expect(code).toBe(2);
    expect(err.trim()).toBe(`replay: cannot write ${file}: ENOENT`);
  });
});

describe('--against another policy', () => {
  const against = (policy: string): Record<string, unknown>[] =>
    rows(
      replay(
        '--fences',
        fences(),
        '--pings',
        put('p.jsonl', lines.join('\n')),
        '--against',
        put('other.json', policy),
      ).out,
    );

  test('the same policy changes nothing', () => {
    expect(against('{}')).toEqual([{ type: 'difference', added: 0, lost: 0, changed: 0, same: 6 }]);
  });

  test('a stricter one loses visits, and says which', () => {
    const told = against('{"minDwellSeconds": 900}');
    expect(told.at(-1)).toEqual({ type: 'difference', added: 0, lost: 4, changed: 0, same: 2 });
    expect(told.filter((row) => row.type === 'lost').map((row) => row.fence)).toEqual([
      's0',
      's3',
      's0',
      's3',
    ]);
  });
});

describe('pings with signals and keys', () => {
  const radio = {
    type: 'Feature',
    id: 'wifi',
    properties: { name: 'WiFi', kind: 'radio', radio: ['bssid:aa:bb:cc:dd:ee:ff'] },
    geometry: null,
  };

  test('a device is where it hears the fence, whatever its position says', () => {
    const file = put('r.geojson', JSON.stringify({ type: 'FeatureCollection', features: [radio] }));
    const heard = Array.from({ length: 20 }, (_, i) =>
      JSON.stringify({
        device: 'ann',
        t: 1_700_000_000_000 + i * 30_000,
        lon: 8.5,
        lat: 47,
        acc: 90,
        heard: ['bssid:AA:BB:CC:DD:EE:FF'],
      }),
    );
    const { out } = replay('--fences', file, '--pings', put('h.jsonl', heard.join('\n')));
    expect(
      rows(out)
        .filter((row) => row.type === 'visit')
        .map((row) => row.fence),
    ).toEqual(['wifi']);
  });

  test('of two at one instant the key says which comes first', () => {
    const [first] = fixture.pings;
    const two = (a: string, b: string): string =>
      [
        { device: 'ann', ...first, key: a },
        { device: 'ann', ...first, lon: first!.lon + 1e-5, key: b },
      ]
        .map((row) => JSON.stringify(row))
        .join('\n');
    const refusedLine = (text: string): string =>
      replay('--fences', fences(), '--pings', put('k.jsonl', text)).err.trim();
    expect(refusedLine(two('a', 'b'))).toMatch(/^line 2: /);
    expect(refusedLine(two('b', 'a'))).toMatch(/^line 1: /);
  });

  test.each(['"heard":"x"', '"heard":[1]', '"key":7'])('refuses %s', (field) => {
    const line = `{"device":"ann","t":0,"lon":8,"lat":47,${field}}`;
    const { out } = replay('--fences', fences(), '--pings', put('f.jsonl', line));
    expect(rows(out).at(-1)).toMatchObject({ refused: { 'bad-field': 1 } });
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
    [
      'a wrong policy to hold against',
      () => ['--fences', fences(), '--pings', put('p.jsonl', ''), '--against', put('y', '{"a":1}')],
    ],
    [
      'reasons for a device that is not in it',
      () => ['--fences', fences(), '--pings', put('p.jsonl', lines[0]!), '--explain', 'nobody'],
    ],
    ['no arguments', () => []],
  ])('%s', (_, args) => {
    const { code, out, err } = replay(...args());
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  test('a byte order mark does not matter', () => {
    const marked = put('marked.geojson', `\uFEFF${readFileSync(fences(), 'utf8')}`);
    const { code, err } = replay('--fences', marked, '--pings', put('one.jsonl', lines[0]!));
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('an empty recording is not an error', () => {
    const { code, out } = replay('--fences', fences(), '--pings', put('empty.jsonl', ''));
    expect(code).toBe(0);
    expect(rows(out)).toEqual([
      { type: 'summary', pings: 0, accepted: 0, refused: {}, transitions: 0, visits: 0 },
    ]);
  });
});
