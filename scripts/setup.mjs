// Makes a fresh clone runnable with nothing but Node: installs from the lock file when the
// installed tree is missing or older than the lock, and compiles when asked with --build.
// Plain JavaScript on purpose: it runs before TypeScript is there.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const lock = path.join(root, 'package-lock.json');
const stamp = path.join(root, 'node_modules', '.foyer-lock-sha256');
const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');

function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}

function npm(args) {
  const cli = process.env.npm_execpath;
  const done = cli
    ? spawnSync(process.execPath, [cli, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: true });
  if (done.status !== 0) fail(`npm ${args.join(' ')} failed (exit ${done.status ?? done.signal})`);
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node 20.19 or newer is needed, this is ${process.versions.node}`);
}

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  process.stderr.write('setup: installing dependencies from package-lock.json …\n');
  npm(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, wanted);
}

if (process.argv.includes('--build')) npm(['run', '--silent', 'build']);
