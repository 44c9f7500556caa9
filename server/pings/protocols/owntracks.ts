/** PURE. OwnTracks HTTP mode (and Overland's "Owntracks" mode): one message into pings, or a reason. */
import type { Json, Parsed, ParsedPing } from '../ping.ts';
import { readTime } from '../clock.ts';
import {
  accuracyKindOf,
  count,
  extrasOf,
  isNullIsland,
  isObject,
  keyOf,
  num,
  pingOf,
  positionFault,
  text,
} from '../ping.ts';

/** Messages that carry no position of their own; anything unknown is counted as `unknown-type`. */
const known = new Set([
  'transition',
  'waypoint',
  'waypoints',
  'lwt',
  'status',
  'steps',
  'beacon',
  'card',
  'cmd',
  'request',
  'configuration',
  'dump',
  'encrypted',
]);

const MAX_MESSAGES = 1000;
const KMH = 1 / 3.6;

/** `body` is the parsed JSON, undefined when there was none or it was not JSON. */
export function parseOwnTracks(body: unknown, agent: string, now: number): Parsed {
  const parsed: Parsed = { pings: [], ignored: {} };
  if (body === undefined || body === null) {
    // A zero-length body says that a friend was deleted.
    count(parsed.ignored, 'empty');
    return parsed;
  }
  const messages = Array.isArray(body) ? body : [body];
  for (const message of messages.slice(0, MAX_MESSAGES)) {
    const ping = isObject(message) ? readMessage(message, agent, now) : 'not-an-object';
    if (typeof ping === 'string') count(parsed.ignored, ping);
    else parsed.pings.push(ping);
  }
  for (let i = MAX_MESSAGES; i < messages.length; i++) count(parsed.ignored, 'over-full');
  return parsed;
}

function readMessage(message: Json, agent: string, now: number): ParsedPing | string {
  const type = message['_type'];
  if (type !== 'location') {
    return typeof type === 'string' && known.has(type) ? type : 'unknown-type';
  }
  const lon = num(message['lon']);
  const lat = num(message['lat']);
  if (lon === null || lat === null) return 'no-position';
  const time = readTime(message['tst'], now);
  if (time === null) return 'no-time';
  const accuracy = num(message['acc']);
  const speed = num(message['vel']);
  return pingOf({
    key: keyOf('owntracks', message['_id'], lon, lat),
    at: time.at,
    lon,
    lat,
    accuracy,
    accuracyKind: accuracyKindOf(agent, 'p68'),
    speed: speed === null || speed < 0 ? null : speed * KMH,
    still: saysStill(message['motionactivities']),
    mock: message['mock'] === true,
    source: 'owntracks',
    refusal: refusalOf(message, lon, lat, accuracy) ?? time.refusal,
    extras: extrasOf({
      battery: batteryOf(num(message['batt'])),
      ssid: text(message['SSID']),
      bssid: text(message['BSSID'], 17),
      trigger: text(message['t'], 1),
      clock: time.repair,
    }),
  });
}

function refusalOf(message: Json, lon: number, lat: number, accuracy: number | null) {
  const fault = positionFault(lon, lat);
  if (fault) return fault;
  if (isNullIsland(lon, lat)) return 'null-island';
  // Core Location marks an invalid fix by a negative accuracy.
  if (accuracy !== null && accuracy < 0) return 'invalid-fix';
  // A keep-alive ping carries the present time with the last known, possibly old, position.
  return message['t'] === 'p' ? 'old-position' : null;
}

function saysStill(activities: unknown): boolean {
  return Array.isArray(activities) && activities.includes('stationary');
}

function batteryOf(percent: number | null): number | null {
  return percent === null || percent < 0 || percent > 100 ? null : percent / 100;
}
