/** Who may import whom: the law of ARCHITECTURE.md as one table, checked edge by edge. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '..');

/** Folder or single file → what it may import: own-project areas, then npm packages (`*` ends a prefix). */
const law: Record<string, { areas: string[]; packages: string[] }> = {
  geo: { areas: ['geo'], packages: ['rbush', '@turf/*', 'gcoord', 'geojson'] },
  portal: {
    areas: ['portal'],
    packages: ['node:*', 'express', 'ejs', 'zod', 'i18next', 'qrcode', 'openid-client', 'ws'],
  },

  'server/config.ts': { areas: [], packages: ['node:*', 'zod'] },
  'server/errors.ts': { areas: [], packages: [] },
  'server/ids.ts': { areas: [], packages: ['node:*'] },
  'server/log.ts': { areas: [], packages: ['pino'] },
  'server/db': {
    areas: ['server/db'],
    packages: [
      'node:*',
      'pg',
      'pg-types',
      '@electric-sql/pglite',
      '@electric-sql/pglite/*',
      '@electric-sql/pglite-postgis',
    ],
  },
  'server/events': {
    areas: ['server/events', 'server/db', 'server/ids.ts', 'server/log.ts'],
    packages: [],
  },
  'server/http': {
    areas: ['server/http', 'server/db', 'server/errors.ts', 'server/ids.ts', 'server/log.ts'],
    packages: ['node:*', 'express', 'zod', 'prom-client', 'rate-limiter-flexible'],
  },

  // Features: the shared base above, geo, stores, and only the neighbours named here.
  'server/stores': feature([], ['pngjs']),
  'server/staff': feature([], ['@node-rs/argon2', 'rate-limiter-flexible']),
  'server/devices': feature([], ['qrcode']),
  'server/fences': feature([], ['@tmcw/togeojson', '@xmldom/xmldom', 'geojson']),
  'server/visits': feature([]),
  'server/pings': feature(['fences', 'visits', 'devices'], ['mqtt', '@noble/ciphers/*']),
  'server/consents': feature(['messages']),
  'server/sessions': feature([]),
  'server/messages': feature([], ['nodemailer']),
  'server/codes': feature(['messages'], ['libphonenumber-js', 'libphonenumber-js/*']),
  'server/access-vouchers': feature(['codes'], ['rate-limiter-flexible']),
  'server/members': feature(['codes']),
  'server/approvals': feature([]),
  'server/links': feature(['codes']),
  'server/guests': feature([
    'consents',
    'sessions',
    'access-vouchers',
    'codes',
    'members',
    'approvals',
    'messages',
  ]),
  'server/retention': feature(['guests', 'sessions']),
  'server/selfservice': feature(
    ['consents', 'guests', 'codes', 'sessions', 'messages'],
    ['rate-limiter-flexible'],
  ),
  'server/offers': feature(['consents', 'codes'], ['rate-limiter-flexible']),
  'server/rules': feature(['offers', 'consents']),
  'server/analytics': feature([]),
  'server/realtime': feature([], ['socket.io']),
  'server/jobs': feature([]),
  'server/console': feature(
    [
      'access-vouchers',
      'analytics',
      'consents',
      'devices',
      'fences',
      'guests',
      'messages',
      'offers',
      'rules',
      'sessions',
      'staff',
      'visits',
      'codes',
      'members',
      'approvals',
    ],
    ['express', 'ejs', 'helmet', 'i18next', 'qrcode', 'esbuild', 'pngjs'],
  ),
  'server/console/browser': {
    areas: ['server/console/browser', 'server/console/shared'],
    packages: [
      'leaflet',
      'leaflet/*',
      '@geoman-io/leaflet-geoman-free',
      '@geoman-io/leaflet-geoman-free/*',
      'socket.io-client',
      'geojson',
    ],
  },

  // The composition root knows everybody; only main, scripts and tests know it.
  'server/app.ts': {
    areas: ['server', 'portal', 'geo'],
    packages: ['node:*', 'express', 'helmet'],
  },
  'server/compose': { areas: ['server', 'geo'], packages: [] },
  'server/version.ts': { areas: [], packages: ['node:*'] },
  'server/main.ts': {
    areas: ['server/app.ts', 'server/config.ts', 'server/log.ts'],
    packages: ['node:*'],
  },
  scripts: { areas: ['geo', 'portal', 'server', 'scripts'], packages: ['*'] },
  test: { areas: ['geo', 'portal', 'server', 'scripts', 'test'], packages: ['*'] },
};

function feature(
  neighbours: string[],
  packages: string[] = [],
): { areas: string[]; packages: string[] } {
  return {
    areas: [
      'geo',
      'server/db',
      'server/events',
      'server/http',
      'server/errors.ts',
      'server/ids.ts',
      'server/log.ts',
      // Nearly everything happens at a store; it knows nobody itself.
      'server/stores',
      ...neighbours.map((name) => `server/${name}`),
    ],
    packages: ['node:*', 'zod', ...packages],
  };
}

interface Edge {
  from: string;
  to: string;
}

/** Every module a source text names: static, type-only, re-exported, bare and dynamic imports. */
function importsOf(text: string): string[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  const patterns = [
    /^\s*(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^\s*import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]/g,
    /\brequire\(\s*['"]([^'"]+)['"]/g,
  ];
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1]!));
}

function sourceFiles(folder: string): string[] {
  return readdirSync(path.join(root, folder)).flatMap((name) => {
    const file = `${folder}/${name}`;
    if (statSync(path.join(root, file)).isDirectory()) return sourceFiles(file);
    return /\.(ts|mjs)$/.test(name) ? [file] : [];
  });
}

const files = ['geo', 'portal', 'server', 'scripts', 'test'].flatMap(sourceFiles);

const edges: Edge[] = files.flatMap((from) =>
  importsOf(readFileSync(path.join(root, from), 'utf8')).map((name) => ({
    from,
    to: name.startsWith('.') ? path.posix.join(path.posix.dirname(from), name) : name,
  })),
);

/** The row of the law that governs a file: the longest key that covers it. */
function rowOf(file: string): string | undefined {
  return Object.keys(law)
    .filter((key) => covers(key, file))
    .toSorted((a, b) => b.length - a.length)[0];
}

function covers(area: string, file: string): boolean {
  return file === area || file.startsWith(`${area}/`);
}

function allows({ from, to }: Edge): boolean {
  const row = rowOf(from);
  if (row === undefined) return false;
  const { areas, packages } = law[row]!;
  const own = /^(geo|portal|server|scripts|test)\//.test(to);
  if (own) return covers(row, to) || areas.some((area) => covers(area, to));
  return packages.some((name) =>
    name.endsWith('*') ? to.startsWith(name.slice(0, -1)) : to === name,
  );
}

describe('the scanner sees what it must', () => {
  test.each([
    ["import type { A } from 'pg';", ['pg']],
    ["import {\n  a,\n  b,\n} from '../server/app.ts';", ['../server/app.ts']],
    ["export { a } from './b.ts';", ['./b.ts']],
    ["export * from './b.ts';", ['./b.ts']],
    ["import 'side-effect';", ['side-effect']],
    ["const a = await import('pg');", ['pg']],
    ["// import 'pg';\n/* import 'pg'; */", []],
  ])('%s', (text, expected) => {
    expect(importsOf(text)).toEqual(expected);
  });

  test.each([
    ['geo/bad.ts', 'pg'],
    ['geo/bad.ts', 'server/errors.ts'],
    ['geo/bad.ts', 'node:fs'],
    ['portal/bad.ts', 'server/ids.ts'],
    ['portal/bad.ts', 'geo/engine.ts'],
    ['server/offers/bad.ts', 'server/pings/ingest.ts'],
    ['server/offers/bad.ts', 'pg'],
    ['server/stores/bad.ts', 'socket.io'],
    ['server/stores/bad.ts', 'portal/ports.ts'],
    ['server/db/bad.ts', 'server/stores/queries.ts'],
    ['server/unknown/bad.ts', 'zod'],
  ])('%s may not import %s', (from, to) => {
    expect(allows({ from, to })).toBe(false);
  });
});

describe('every edge is lawful', () => {
  test('each file has a row', () => {
    expect(files.filter((file) => rowOf(file) === undefined)).toEqual([]);
  });

  test.each(Object.keys(law))('%s', (row) => {
    const broken = edges.filter((edge) => rowOf(edge.from) === row && !allows(edge));
    expect(broken.map(({ from, to }) => `${from} may not import ${to}`)).toEqual([]);
  });
});

describe('habits that imports do not show', () => {
  const text = (file: string) => readFileSync(path.join(root, file), 'utf8');
  const code = files.filter((file) => !file.startsWith('test/'));

  test('geo reads no clock and draws no random number', () => {
    const offenders = code.filter(
      (file) =>
        file.startsWith('geo/') &&
        /\bDate\.now\b|new Date\(\)|\bMath\.random\b|performance\./.test(text(file)),
    );
    expect(offenders).toEqual([]);
  });

  test('only server/config.ts and scripts read the environment', () => {
    const offenders = code.filter(
      (file) =>
        /^(geo|portal|server)\//.test(file) &&
        file !== 'server/config.ts' &&
        /\bprocess\.env\b/.test(text(file)),
    );
    expect(offenders).toEqual([]);
  });

  test('SQL lives in queries.ts files, analytics, the outbox and db', () => {
    const sql = /[`'"]\s*(select|insert into|update|delete from|with \w+ as)\s/;
    const home = /(queries\.ts|^server\/(db|analytics)\/|^server\/events\/outbox\.ts)/;
    const offenders = code.filter(
      (file) =>
        file.startsWith('server/') &&
        !file.endsWith('queries.ts') &&
        !home.test(file) &&
        sql.test(text(file)),
    );
    expect(offenders).toEqual([]);
  });

  test('files stay readable: at most 400 lines', () => {
    expect(code.filter((file) => text(file).split('\n').length > 401)).toEqual([]);
  });
});
