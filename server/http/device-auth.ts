/** How an app that sends pings says who it is: the token, wherever its protocol can put one. */
import type { Request } from 'express';
import type { DeviceCaller } from './route.ts';
import { problem } from '../errors.ts';

/** Doors whose apps may be unable to send a header; elsewhere a token in the address is not read. */
const queryDoors =
  /^\/(v1\/)?(owntracks|overland|osmand|gpslogger|background-geolocation)(\/|$)|^\/api\/v1\/(owntracks|overland)\/|^\/v1\/pings\/webhook\/?$/;
/** Callers of these send the bare token as the whole header, as to Radar. */
const bareDoors = /^\/v1\/track(\/|$)/;

/** Longer than any token of ours; anything beyond is not even hashed. */
const MAX_TOKEN = 200;
/** User and password in base64, and room to spare; a longer header is not even looked at. */
const MAX_HEADER = 1_000;

/** PURE. The token a request carries, or null. */
export function deviceToken(
  authorization: string | undefined,
  path: string,
  query: Readonly<Record<string, unknown>>,
): string | null {
  const header =
    authorization !== undefined && authorization.length <= MAX_HEADER ? authorization : '';
  const [, scheme = '', value = ''] = /^([A-Za-z]+)\s+(.+)$/.exec(header.trim()) ?? [];
  const fromHeader =
    scheme.toLowerCase() === 'bearer'
      ? value
      : scheme.toLowerCase() === 'basic'
        ? basicToken(value)
        : null;
  const bare = bareDoors.test(path) && /^\S+$/.test(header.trim()) ? header.trim() : null;
  const token = fromHeader ?? bare ?? (queryDoors.test(path) ? queryToken(query) : null);
  return token !== null && token !== '' && token.length <= MAX_TOKEN ? token : null;
}

/**
 * OwnTracks sends user and password, the password being the token; some clients have only one field.
 * Overland in its "Owntracks" mode writes `<token>:` without encoding it, which base64 cannot hold.
 */
function basicToken(value: string): string | null {
  if (value.includes(':')) return value.slice(0, value.indexOf(':'));
  const decoded = Buffer.from(value, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 0) return null;
  return decoded.slice(colon + 1) || decoded.slice(0, colon) || null;
}

function queryToken(query: Readonly<Record<string, unknown>>): string | null {
  const value = query['token'] ?? query['api_key'];
  return typeof value === 'string' ? value : null;
}

/** The guard of routes with access `device`. */
export function deviceGuard(
  find: (token: string) => Promise<DeviceCaller | null>,
): (request: Request, told?: string | null) => Promise<DeviceCaller> {
  return async (request, told) => {
    const token = deviceToken(request.headers.authorization, request.path, request.query) ?? told;
    const caller = !token || token.length > MAX_TOKEN ? null : await find(token);
    if (!caller) throw problem('unauthenticated', { detail: 'Send a valid device token.' });
    return caller;
  };
}
