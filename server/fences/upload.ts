/** PURE. A file of fences as a GeoJSON collection, whatever it was written in. */
import { problem } from '../errors.ts';

/** The feature collection in an uploaded text; throws the problem that says why there is none. */
export function collectionOf(body: unknown, contentType: string | undefined): unknown {
  const text = typeof body === 'string' ? body.replace(/^\uFEFF/, '') : '';
  const type = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type === 'application/json' || type === 'application/geo+json') {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw problem('malformed-json');
    }
  }
  throw problem('unsupported-media-type', { detail: 'Send GeoJSON or KML.' });
}
