/** PURE. Outlines as text a person can type: one "lon, lat" a line, a blank line before each hole. */

export type LonLat = readonly [number, number];
/** Closed rings, the outer one first, as in a GeoJSON Polygon. */
export type Rings = readonly (readonly LonLat[])[];

export type ReadRings =
  | { ok: true; rings: LonLat[][] }
  | { ok: false; fault: 'empty' | 'not-numbers' | 'out-of-range' | 'too-few'; line: number };

/** About 1 cm: finer digits only make the text harder to read. */
const DIGITS = 7;

const same = (a: LonLat, b: LonLat): boolean => a[0] === b[0] && a[1] === b[1];

/** "120.0761, 30.2935" lines; the closing point is left out. */
export function writeRings(rings: Rings): string {
  return rings
    .map((ring) => {
      const closed = ring.length > 1 && same(ring[0]!, ring.at(-1)!);
      return (closed ? ring.slice(0, -1) : ring).map(writePoint).join('\n');
    })
    .join('\n\n');
}

export function writePoint([lon, lat]: LonLat): string {
  return `${Number(lon.toFixed(DIGITS))}, ${Number(lat.toFixed(DIGITS))}`;
}

/** Reads what `writeRings` writes; separators may be commas, semicolons, tabs or blanks. */
export function readRings(text: string): ReadRings {
  const rings: LonLat[][] = [[]];
  const lines = text.replaceAll('\r', '').split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') {
      if (rings.at(-1)!.length > 0) rings.push([]);
      continue;
    }
    const point = readPoint(line);
    if (point === null) return { ok: false, fault: 'not-numbers', line: index + 1 };
    if (Math.abs(point[0]) > 180 || Math.abs(point[1]) > 90) {
      return { ok: false, fault: 'out-of-range', line: index + 1 };
    }
    rings.at(-1)!.push(point);
  }
  const filled = rings.filter((ring) => ring.length > 0);
  if (filled.length === 0) return { ok: false, fault: 'empty', line: 1 };
  return { ok: true, rings: filled };
}

/** Rings as GeoJSON wants them: at least three corners each, closed. */
export function readPolygon(text: string): ReadRings {
  const read = readRings(text);
  if (!read.ok) return read;
  for (const ring of read.rings) {
    if (!same(ring[0]!, ring.at(-1)!)) ring.push([...ring[0]!]);
    if (ring.length < 4) return { ok: false, fault: 'too-few', line: 1 };
  }
  return read;
}

function readPoint(line: string): LonLat | null {
  const parts = line.trim().split(/[\s,;]+/);
  if (parts.length !== 2) return null;
  const [lon, lat] = parts.map(Number);
  return Number.isFinite(lon) && Number.isFinite(lat) ? [lon!, lat!] : null;
}

/** A line of at least two positions: a corridor's middle, a tripwire. */
export function readLine(text: string): ReadRings {
  const read = readRings(text);
  if (!read.ok) return read;
  if (read.rings.length > 1 || read.rings[0]!.length < 2) {
    return { ok: false, fault: 'too-few', line: 1 };
  }
  return read;
}
