/** Bundles the console's browser modules (TypeScript, Leaflet, styles) into files, in memory. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Where the sources stand; only there when running from source or building. */
export const browserFolder = path.join(import.meta.dirname, 'browser');

/** Every `.ts` directly in the folder is a page's script; what they share lives in subfolders. */
export function entryPoints(): string[] {
  return readdirSync(browserFolder)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => path.join(browserFolder, name));
}

/** The sources' bytes in a fixed order: what the content hash is made from before anything is bundled. */
export function browserSources(): Buffer[] {
  return readdirSync(browserFolder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|css)$/.test(name))
    .toSorted()
    .flatMap((name) => [Buffer.from(name), readFileSync(path.join(browserFolder, name))]);
}

/** File name → content, e.g. `live.js`, `live.css`. Icons inside the styles become part of them. */
export async function bundle(): Promise<Map<string, Uint8Array>> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: entryPoints(),
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
    outdir: 'public',
    loader: { '.png': 'dataurl', '.svg': 'dataurl' },
  });
  return new Map(outputFiles.map((file) => [path.basename(file.path), file.contents]));
}
