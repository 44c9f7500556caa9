/** PURE. A file of fences as a GeoJSON collection, whatever it was written in. */
import { problem } from '../errors.ts';
import { readKml } from './kml.ts';

const JSON_TYPES = ['application/json', 'application/geo+json'];
const XML_TYPES = ['application/vnd.google-earth.kml+xml', 'application/xml', 'text/xml'];

/** The feature collection in an uploaded text; throws the problem that says why there is none. */
export function collectionOf(body: unknown, contentType: string | undefined): unknown {
  const text = typeof body === 'string' ? body.replace(/^\uFEFF/, '') : '';
  const type = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (JSON_TYPES.includes(type)) return fromJson(text);
  if (XML_TYPES.includes(type)) return fromKml(text);
  throw problem('unsupported-media-type', {
    detail: `Send Content-Type: ${JSON_TYPES[1]!} or ${XML_TYPES[0]!}.`,
  });
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw problem('malformed-json');
  }
}

function fromKml(text: string): unknown {
  const read = readKml(text);
  if (read.ok) return read.collection;
  throw problem('invalid-geometry', {
    detail: read.message,
    errors: [{ path: 'body', message: read.message }],
    fault: read.code,
  });
}
