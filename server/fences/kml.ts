/** PURE. KML text from a map tool as a GeoJSON collection; hostile or oversized XML is refused. */
import { kml } from '@tmcw/togeojson';
import type { Document } from '@xmldom/xmldom';
import { DOMParser } from '@xmldom/xmldom';
import type { Feature, Geometry } from 'geojson';

/** Characters of one file; a shopping mall's plan has some 200,000. */
export const MAX_KML = 2_000_000;
const MAX_ELEMENTS = 40_000;
const MAX_DEPTH = 64;

export type KmlFault =
  'kml-too-large' | 'kml-forbidden' | 'kml-too-deep' | 'kml-broken' | 'kml-no-kml';

export interface KmlFeature {
  type: 'Feature';
  id?: string;
  geometry: Geometry | null;
  properties: Record<string, unknown>;
}

export type KmlResult =
  | { ok: true; collection: { type: 'FeatureCollection'; features: KmlFeature[] } }
  | { ok: false; code: KmlFault; message: string };

const refuse = (code: KmlFault, message: string): KmlResult => ({ ok: false, code, message });

/** Index of the `>` that ends a tag: quoted values may hold others. −1 without one. */
function tagEnd(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (c === '>') return i;
    if (c === '"' || c === "'") {
      i = text.indexOf(c, i + 1);
      if (i < 0) return -1;
    }
  }
  return -1;
}

/** Past a comment, a CDATA section or an instruction; −1 when it never ends, 0 when it is none. */
function pastAside(text: string, at: number): number {
  for (const [open, close] of ASIDES) {
    if (!text.startsWith(open, at)) continue;
    const end = text.indexOf(close, at + open.length);
    return end < 0 ? -1 : end + close.length;
  }
  return 0;
}

const ASIDES = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
] as const;

/**
 * Looks at the marks alone, in one pass, before a tree is built: no document type (and so no
 * entities of its own), not too deep, not too many elements.
 */
function inspect(text: string): KmlResult | null {
  let [depth, elements] = [0, 0];
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at)) {
    const aside = pastAside(text, at);
    if (aside < 0) return refuse('kml-broken', 'a comment or section of the file never ends');
    if (aside > 0) {
      at = aside;
      continue;
    }
    if (text[at + 1] === '!') {
      return refuse('kml-forbidden', 'the file declares a document type or entities; remove them');
    }
    const end = tagEnd(text, at + 1);
    if (end < 0) return refuse('kml-broken', 'a tag of the file never ends');
    const closing = text[at + 1] === '/';
    if (closing) depth--;
    else if (text[end - 1] !== '/') depth++;
    if (!closing) elements++;
    if (depth > MAX_DEPTH) return refuse('kml-too-deep', `elements nest deeper than ${MAX_DEPTH}`);
    if (elements > MAX_ELEMENTS) {
      return refuse('kml-too-large', `more than ${MAX_ELEMENTS} elements; split the file`);
    }
    at = end + 1;
  }
  return null;
}

const NUMBERS = ['radius', 'width', 'version', 'minDwellSeconds', 'priority', 'cooldownSeconds'];
const TEXTS = ['name', 'kind', 'direction', 'of', 'parent', 'floor', 'category', 'storeId'];
const MORE_TEXTS = ['datum', 'drawnIn', 'source', 'opening_hours', 'timezone'];
const LISTS = ['members', 'radio'];

/** Extended data are texts in KML; of a place's many properties only those of a fence are kept. */
function propertiesOf(from: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const properties: Record<string, unknown> = {};
  const take = (names: readonly string[], read: (text: string) => unknown): void => {
    for (const name of names) {
      if (!Object.hasOwn(from, name)) continue;
      const value = from[name];
      if (typeof value === 'string' && value.trim() !== '') properties[name] = read(value.trim());
      else if (typeof value === 'number') properties[name] = value;
    }
  };
  take(NUMBERS, (text) => (Number.isFinite(Number(text)) ? Number(text) : text));
  take([...TEXTS, ...MORE_TEXTS], (text) => text);
  take(LISTS, (text) => text.split(/[\s,;]+/).filter((part) => part !== ''));
  return properties;
}

/** A multigeometry of polygons is one fence of several parts; of anything else, several fences. */
function geometriesOf(geometry: Geometry | null): (Geometry | null)[] {
  if (geometry?.type !== 'GeometryCollection') return [geometry];
  const parts = geometry.geometries;
  const polygons = parts.filter((part) => part.type === 'Polygon');
  if (polygons.length !== parts.length || parts.length === 0) return [...parts];
  if (polygons.length === 1) return polygons;
  return [{ type: 'MultiPolygon', coordinates: polygons.map(({ coordinates }) => coordinates) }];
}

function featuresOf(feature: Feature<Geometry | null>): KmlFeature[] {
  const { geometry, properties, id } = feature;
  // A picture laid on the ground is no fence.
  if (properties?.['@geometry-type'] === 'groundoverlay') return [];
  const parts = geometriesOf(geometry);
  return parts.map((part, i) => ({
    type: 'Feature',
    ...(id === undefined ? {} : { id: parts.length === 1 ? `${id}` : `${id}-${i + 1}` }),
    geometry: part,
    properties: propertiesOf(properties ?? {}),
  }));
}

/** One space for many: the library's way of trimming takes the square of the longest gap. */
function closeGaps(document: Document): void {
  // The list is a live one: it would be made anew after every change.
  const elements = Array.from(document.getElementsByTagName('coordinates'));
  for (const element of elements) {
    const text = element.textContent ?? '';
    const close = text.split(/\s+/).join(' ');
    if (close.length < text.length) element.textContent = close;
  }
}

/**
 * Placemarks as features: polygons (multigeometries of them as multipolygons), points and lines,
 * with what their extended data say of a fence (`radius`, `width`, `direction`, `radio` …). Whether
 * each makes a fence is for the importer to judge. Never throws.
 */
export function readKml(text: string): KmlResult {
  if (text.length > MAX_KML) {
    return refuse('kml-too-large', `more than ${MAX_KML} characters; split the file`);
  }
  const clean = text.replace(/^\uFEFF/, '').trimStart();
  const fault = inspect(clean);
  if (fault) return fault;
  try {
    const parser = new DOMParser({
      onError: (level, message) => {
        if (level !== 'warning') throw new Error(message);
      },
    });
    const document = parser.parseFromString(clean, 'text/xml');
    const root = document.documentElement;
    if (root?.localName !== 'kml') {
      return refuse('kml-no-kml', 'the file’s outermost element is not <kml>');
    }
    closeGaps(document);
    const features = kml(document).features.flatMap(featuresOf);
    return { ok: true, collection: { type: 'FeatureCollection', features } };
  } catch {
    return refuse('kml-broken', 'the file is not well-formed XML; export it once more');
  }
}
