/** After `tsc -b`: puts views, public files, texts, migrations and the bundled browser modules into dist. */
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundle } from '../server/console/bundle.ts';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const kinds = new Set(['views', 'public', 'texts', 'migrations']);

/** Every folder of a wanted kind below `top`, relative to the root. */
function assetFolders(top: string): string[] {
  return readdirSync(path.join(root, top), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory() && kinds.has(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

for (const folder of [...assetFolders('portal'), ...assetFolders('server')]) {
  rmSync(path.join(dist, folder), { recursive: true, force: true });
  cpSync(path.join(root, folder), path.join(dist, folder), { recursive: true });
}

const target = path.join(dist, 'server/console/public');
mkdirSync(target, { recursive: true });
for (const [name, content] of await bundle()) writeFileSync(path.join(target, name), content);
