/** Labelled visits from a file of JSON lines; what is wrong with a line is said with its number. */
import { readFileSync } from 'node:fs';
import type { Signs } from '../../geo/score-model.ts';
import type { Labelled, Source } from './labelled.ts';

/** Larger files are not labels but something else. */
const MOST_BYTES = 256 * 1024 * 1024;

export function fromFile(path: string): Source {
  const text = readText(path);
  const rows: Labelled[] = [];
  const faults: string[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const read = labelledOf(line);
    if (typeof read === 'string') faults.push(`line ${i + 1}: ${read}`);
    else rows.push(read);
  }
  return { rows, faults, title: path === '-' ? 'standard input' : path };
}

function readText(path: string): string {
  try {
    const bytes = readFileSync(path === '-' ? 0 : path);
    if (bytes.length <= MOST_BYTES) return bytes.toString('utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new Error(`cannot read ${path}: ${code}`, { cause: error });
  }
  throw new Error(`${path} is larger than 256 MB`);
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The label of one line, or what is wrong with it. */
export function labelledOf(line: string): Labelled | string {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return 'no JSON';
  }
  if (!isObject(json)) return 'no JSON object';
  const truth = bit(json.truth);
  if (truth === null) return '"truth" must be 0, 1, true or false';
  const score = json.score === undefined ? productOf(json.factors) : json.score;
  if (score === null) return 'needs "score" or "factors"';
  if (typeof score !== 'number' || !(score >= 0 && score <= 1))
    return '"score" must be from 0 to 1';
  const here = json.here === undefined ? undefined : bit(json.here);
  if (here === null) return '"here" must be 0, 1, true or false';
  if (truth === 1 && here === 0) return '"truth" is 1 although "here" is 0';
  const about = json.about ?? 'visit';
  if (about !== 'visit' && about !== 'here') return '"about" must be "visit" or "here"';
  const signs = json.signs === undefined ? undefined : signsFrom(json.signs);
  if (typeof signs === 'string') return signs;
  return {
    score,
    truth,
    about,
    ...(here === undefined ? {} : { here }),
    ...(signs ? { signs } : {}),
  };
}

function bit(value: unknown): 0 | 1 | null {
  if (value === true || value === 1) return 1;
  return value === false || value === 0 ? 0 : null;
}

/** Factors without a score are claims by somebody else's rule: their product. */
function productOf(factors: unknown): number | null {
  if (!Array.isArray(factors) || factors.length === 0) return null;
  let product = 1;
  for (const factor of factors) {
    const value = isObject(factor) ? factor.value : null;
    if (typeof value !== 'number') return Number.NaN;
    product *= value;
  }
  return product;
}

const NUMBERS = ['belief', 'still', 'observed', 'unseenEnds', 'lower', 'minimum', 'pings'] as const;

function signsFrom(json: unknown): Signs | string {
  if (!isObject(json)) return '"signs" must be an object';
  for (const name of NUMBERS) {
    const value = json[name];
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      return `"signs.${name}" must be a number of 0 or more`;
    }
  }
  for (const name of ['evidence', 'wide'] as const) {
    if (typeof json[name] !== 'boolean') return `"signs.${name}" must be true or false`;
  }
  const { upper } = json;
  if (upper !== null && (typeof upper !== 'number' || !(upper >= (json.lower as number)))) {
    return '"signs.upper" must be null or at least "signs.lower"';
  }
  return json as unknown as Signs;
}
