/** PURE. Two walls against forged requests: where the browser says it comes from, and a token only our pages hold. */
import { keyedHash, sameBytes } from '../ids.ts';

const safe = new Set(['GET', 'HEAD', 'OPTIONS']);

export function isUnsafe(method: string): boolean {
  return !safe.has(method.toUpperCase());
}

/** What of a request tells its origin; header names in lower case. */
export interface Provenance {
  'sec-fetch-site'?: string | string[] | undefined;
  origin?: string | string[] | undefined;
  host?: string | string[] | undefined;
}

/**
 * Whether a request may come from one of our own pages. Browsers always send one of the two headers
 * with an unsafe request; a client without both is no browser, and still needs the token.
 * A same-site neighbour (another name below the same domain) is a stranger.
 */
export function comesFromUs(headers: Provenance, publicOrigin: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  const origin = headers.origin;
  if (origin === undefined) return true;
  if (typeof origin !== 'string') return false;
  return origin === publicOrigin || hostOf(origin) === headers.host;
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

/** The token of one sign-in (or, before there is one, of one visitor cookie). */
export function csrfToken(key: Buffer, holder: Buffer | string): string {
  const name =
    typeof holder === 'string' ? `visitor ${holder}` : `sign-in ${holder.toString('hex')}`;
  return keyedHash(key, name).toString('base64url');
}

export function csrfMatches(key: Buffer, holder: Buffer | string, given: unknown): boolean {
  if (typeof given !== 'string') return false;
  return sameBytes(Buffer.from(csrfToken(key, holder)), Buffer.from(given));
}
