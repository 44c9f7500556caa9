/** What a replay reads: fences, policies and recorded pings, or one line that says why not. */
import { readFileSync, writeSync } from 'node:fs';
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Ping, Policy } from '../../geo/engine.ts';
import { defaultPolicy, parsePolicy } from '../../geo/engine.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { parseFences } from '../../geo/geojson.ts';
import { parsePingLine } from './line.ts';

export interface Sourced {
  readonly device: string;
  readonly ping: Ping;
  readonly line: number;
}

export interface Recording {
  /** By device, then in the order in which the engine takes them. */
  readonly pings: readonly Sourced[];
  readonly lines: number;
  /** Lines that are no pings, by reason. */
  readonly refused: ReadonlyMap<string, number>;
}

/** One line and out: for what cannot be read at all. */
export function giveUp(message: string): never {
  writeSync(2, `replay: ${message}\n`);
  process.exit(2);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return giveUp(`cannot read ${path}: ${code}`);
  }
}

function readJson(path: string): unknown {
  const text = readText(path);
  try {
    return JSON.parse(text);
  } catch {
    return giveUp(`${path} is not JSON`);
  }
}

export function loadFences(path: string): FenceIndex {
  const { fences, refused } = parseFences(readJson(path));
  for (const fault of refused) {
    if (fault.index < 0) giveUp(`${path}: ${fault.code}: ${fault.message}`);
    const name = fault.id === null ? '' : ` (${fault.id})`;
    writeSync(2, `fence ${fault.index + 1}${name}: ${fault.code}: ${fault.message}\n`);
  }
  return createFenceIndex(fences);
}

export function loadPolicy(path: string | undefined): Policy {
  if (path === undefined) return defaultPolicy;
  const result = parsePolicy(readJson(path));
  return result.ok ? result.policy : giveUp(`${path}: ${result.code}: ${result.message}`);
}

const text = (value: string, other: string): number => (value < other ? -1 : value > other ? 1 : 0);

/** Total order that does not depend on the order of the file, so that neither does the output. */
function inOrder(a: Sourced, b: Sourced): number {
  return (
    text(a.device, b.device) || a.ping.t - b.ping.t || text(a.ping.key ?? '', b.ping.key ?? '')
  );
}

/** A recording's pings; what they say settles the order of those of one instant that have no key. */
export function readPings(path: string): Recording {
  const pings: Sourced[] = [];
  const refused = new Map<string, number>();
  let lines = 0;
  for (const [i, raw] of readText(path).split('\n').entries()) {
    const line = raw.trim();
    if (line === '') continue;
    lines++;
    const parsed = parsePingLine(line);
    if (parsed.ok) {
      const key = parsed.ping.key ?? JSON.stringify(parsed.ping);
      pings.push({ device: parsed.device, ping: { ...parsed.ping, key }, line: i + 1 });
    } else {
      writeSync(2, `line ${i + 1}: ${parsed.reason}: ${parsed.message}\n`);
      refused.set(parsed.reason, (refused.get(parsed.reason) ?? 0) + 1);
    }
  }
  return { pings: pings.toSorted(inOrder), lines, refused };
}
