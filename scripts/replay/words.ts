/** PURE. Why a device has the visits it has, as lines for people: ping by ping, then fence by fence. */
import type { Explanation, FenceView, PingView } from '../../geo/explain.ts';
import type { Sentence } from '../../geo/explain-words.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import { inWords } from '../../geo/explain-words.ts';

export function* explanationLines(
  device: string,
  told: Explanation,
  fences: FenceIndex,
): Generator<string> {
  const nameOf = (id: string): string => fences.get(id)?.definition.name ?? id;
  const words = (sentence: Sentence): string => inWords(sentence, nameOf);
  yield `Why: ${device}, ${told.pings.length} pings`;
  for (const ping of told.pings) {
    yield pingLine(ping);
    for (const sentence of ping.says) yield `    ${words(sentence)}`;
    for (const view of ping.fences) yield fenceLine(view, nameOf, words);
  }
  yield '';
  for (const { fence, says } of told.fences) yield `${nameOf(fence)}: ${words(says)}`;
  for (const sentence of told.trust) yield words(sentence);
}

function pingLine({ t, lon, lat, accuracy, verdict, fused }: PingView): string {
  const where = `${lon.toFixed(6)}, ${lat.toFixed(6)}`;
  const fine = accuracy === null ? '' : ` ± ${accuracy} m`;
  const motion = fused === null ? '' : `, standing ${fused.pStill}`;
  return `${new Date(t).toISOString()}  ${verdict}  ${where}${fine}${motion}`;
}

function fenceLine(
  { fence, p, before, after, says }: FenceView,
  nameOf: (id: string) => string,
  words: (sentence: Sentence) => string,
): string {
  const phase = before === after ? after : `${before} → ${after}`;
  return `    ${p.toFixed(2)}  ${nameOf(fence)}  (${phase})  ${words(says)}`;
}
