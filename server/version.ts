/** The release, as package.json says it; the file lies beside both the sources and the build. */
import { existsSync, readFileSync } from 'node:fs';

const candidates = ['../package.json', '../../package.json'].map(
  (file) => new URL(file, import.meta.url),
);
const manifest = candidates.find((file) => existsSync(file));

export const version: string = manifest
  ? (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
  : '0.0.0';
