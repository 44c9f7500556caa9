/** The console's scripts and styles under one content hash: bundled from source, or read as built. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { RequestHandler } from 'express';
import { problem } from '../errors.ts';
import { browserSources, bundle } from './bundle.ts';

export interface Assets {
  /** Address of a file, e.g. `url('live.js')` → `/console/assets/3f2a91c0d4e5/live.js`. */
  url(name: string): string;
  /** Serves every address below `base`; mount it at the root of the app. */
  handler: RequestHandler;
}

interface Served {
  type: string;
  body: Buffer;
  /** Absent where compressing gains nothing. */
  gzip?: Buffer;
}

const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webmanifest': 'application/manifest+json',
};

/**
 * From source the browser modules are bundled when the first file is asked for, so that a process
 * that only serves the API never pays for it.
 */
export function consoleAssets(base = '/console/assets'): Assets {
  const fromSource = import.meta.filename.endsWith('.ts');
  const files = publicFiles();
  const hash = contentHash(files, fromSource);
  let ready: Promise<Map<string, Served>> | undefined;
  const load = (): Promise<Map<string, Served>> => {
    ready ??= loadAll(files, fromSource).catch((error: unknown) => {
      ready = undefined;
      throw error;
    });
    return ready;
  };
  return {
    url: (name) => `${base}/${hash}/${name}`,
    handler: async (request, response, next) => {
      if (!request.path.startsWith(`${base}/`)) {
        next();
        return;
      }
      const [asked, name] = request.path.slice(base.length + 1).split('/');
      const file = name === undefined ? undefined : (await load()).get(name);
      if (!file || (request.method !== 'GET' && request.method !== 'HEAD')) {
        throw problem('not-found');
      }
      // A page from before an upgrade asks with the old hash: it gets the file, but must not keep it.
      const keep = asked === hash ? 'public, max-age=31536000, immutable' : 'no-cache';
      const zipped = file.gzip !== undefined && request.acceptsEncodings('gzip') !== false;
      response.set({ 'Content-Type': file.type, 'Cache-Control': keep, Vary: 'Accept-Encoding' });
      response.set('X-Content-Type-Options', 'nosniff');
      if (zipped) response.set('Content-Encoding', 'gzip');
      response.send(zipped ? file.gzip : file.body);
    },
  };
}

function publicFiles(): Map<string, Buffer> {
  const folder = path.join(import.meta.dirname, 'public');
  if (!existsSync(folder)) return new Map();
  const names = readdirSync(folder).filter((name) => path.extname(name) in types);
  const files = names.map((name) => [name, readFileSync(path.join(folder, name))] as const);
  return new Map([['console.css', styles(folder)] as const, ...files].toSorted(byName));
}

const byName = ([a]: readonly [string, Buffer], [b]: readonly [string, Buffer]): number =>
  a < b ? -1 : 1;

/** One style sheet of all its parts, in the order of their numbers. */
function styles(publicFolder: string): Buffer {
  const folder = path.join(publicFolder, 'styles');
  const names = readdirSync(folder).filter((name) => name.endsWith('.css'));
  return Buffer.concat(names.toSorted().map((name) => readFileSync(path.join(folder, name))));
}

function contentHash(files: Map<string, Buffer>, fromSource: boolean): string {
  const hash = createHash('sha256');
  for (const [name, content] of files) hash.update(name).update(content);
  if (fromSource) for (const part of browserSources()) hash.update(part);
  return hash.digest('hex').slice(0, 12);
}

async function loadAll(
  files: Map<string, Buffer>,
  fromSource: boolean,
): Promise<Map<string, Served>> {
  const all = new Map<string, Uint8Array>(files);
  if (fromSource) for (const [name, content] of await bundle()) all.set(name, content);
  return new Map([...all].map(([name, content]) => [name, served(name, Buffer.from(content))]));
}

function served(name: string, body: Buffer): Served {
  const type = types[path.extname(name)] ?? 'application/octet-stream';
  const gzip = gzipSync(body, { level: 9 });
  return gzip.length < body.length * 0.9 ? { type, body, gzip } : { type, body };
}
