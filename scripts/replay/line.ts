/** PURE. One line of a recording into a ping, or the reason why not. */
import type { AccuracyKind, EvidenceKind, Ping } from '../../geo/engine.ts';

export type PingLine =
  | { readonly ok: true; readonly device: string; readonly ping: Ping }
  | { readonly ok: false; readonly reason: LineFault; readonly message: string };

export type LineFault = 'not-json' | 'not-an-object' | 'too-long' | 'bad-field';

const MAX_LINE = 10_000;
const MAX_DEVICE = 200;
const MAX_KEY = 200;
const MAX_HEARD = 100;
/** The instants a Date can hold. */
const MAX_TIME = 8.64e15;
const ACCURACY_KINDS: readonly AccuracyKind[] = ['p68', 'rms', 'p95'];
const EVIDENCE_KINDS: readonly EvidenceKind[] = ['portal_login', 'wifi_session', 'qr', 'beacon'];

const fail = (reason: LineFault, message: string): PingLine => ({ ok: false, reason, message });
const absent = (value: unknown): boolean => value === undefined || value === null;

function evidenceOf(value: unknown): Ping['evidence'] | null {
  if (typeof value !== 'object' || value === null) return null;
  const { fence, kind } = value as Record<string, unknown>;
  const known = EVIDENCE_KINDS.find((k) => k === kind);
  return typeof fence === 'string' && known ? { fence, kind: known } : null;
}

/** Radio keys, in the one spelling that fences list them in; null when it is no list of texts. */
function heardOf(value: unknown): string[] | null {
  if (!Array.isArray(value) || value.length > MAX_HEARD) return null;
  const fits = (key: unknown): key is string =>
    typeof key === 'string' && key !== '' && key.length <= MAX_KEY;
  return value.every(fits) ? value.map((key) => key.toLowerCase()) : null;
}

const isKey = (value: unknown): boolean => typeof value === 'string' && value.length <= MAX_KEY;

/** What is wrong with the optional fields, or null. Wrong types are refused, wrong values judged later. */
function fieldFault(row: Record<string, unknown>): string | null {
  const { device, t, lon, lat, acc, accKind, speed, mock, still, evidence, key, heard } = row;
  if (typeof device !== 'string' || device === '' || device.length > MAX_DEVICE) {
    return `device must be a text of 1 to ${MAX_DEVICE} characters`;
  }
  if (typeof t !== 'number' || !Number.isInteger(t) || Math.abs(t) > MAX_TIME - 1e9) {
    return 't must be whole milliseconds since 1970';
  }
  if (typeof lon !== 'number' || typeof lat !== 'number') return 'lon and lat must be numbers';
  if (!absent(acc) && typeof acc !== 'number') return 'acc must be a number of metres';
  if (!absent(accKind) && !ACCURACY_KINDS.some((k) => k === accKind)) {
    return 'accKind must be p68, rms or p95';
  }
  if (!absent(speed) && typeof speed !== 'number') return 'speed must be a number of m/s';
  if (!absent(mock) && typeof mock !== 'boolean') return 'mock must be true or false';
  if (!absent(still) && typeof still !== 'boolean') return 'still must be true or false';
  if (!absent(evidence) && evidenceOf(evidence) === null) return 'evidence needs fence and kind';
  if (!absent(key) && !isKey(key)) return `key must be a text of at most ${MAX_KEY} characters`;
  if (!absent(heard) && heardOf(heard) === null) {
    return `heard must be a list of at most ${MAX_HEARD} texts`;
  }
  return null;
}

/** Reads one line. Out-of-range values pass: refusing those is the engine's business. */
export function parsePingLine(line: string): PingLine {
  if (line.length > MAX_LINE) return fail('too-long', `more than ${MAX_LINE} characters`);
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch {
    return fail('not-json', 'the line is not JSON');
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    return fail('not-an-object', 'the line is not a JSON object');
  }
  const fields = row as Record<string, unknown>;
  const fault = fieldFault(fields);
  if (fault !== null) return fail('bad-field', fault);
  return { ok: true, device: fields.device as string, ping: pingOf(fields) };
}

/** Fields that were found right, as a ping. */
function pingOf(fields: Record<string, unknown>): Ping {
  const { t, lon, lat, acc, accKind, speed, mock, still, evidence, key, heard } = fields;
  const sure = evidenceOf(evidence);
  const signals = heardOf(heard);
  return {
    t: t as number,
    lon: lon as number,
    lat: lat as number,
    acc: absent(acc) ? null : (acc as number),
    ...(absent(accKind) ? {} : { accKind: accKind as AccuracyKind }),
    ...(absent(speed) ? {} : { speed: speed as number }),
    ...(absent(mock) ? {} : { mock: mock as boolean }),
    ...(absent(still) ? {} : { still: still as boolean }),
    ...(sure ? { evidence: sure } : {}),
    ...(absent(key) ? {} : { key: key as string }),
    ...(signals ? { heard: signals } : {}),
  };
}
