/** PURE. transistorsoft background-geolocation (React Native, Flutter, Capacitor, Cordova) into pings. */
import type { Json, Parsed, ParsedPing, Source } from '../ping.ts';
import { accuracyKindOf, count, isObject, num, text } from '../ping.ts';
import { MAX_FIXES, batteryOf, pingOfFix, readLooseTime } from './fix.ts';
import { pick, yesNo } from './message.ts';
import { beaconKeys, bssidKey, heardOf } from './radio.ts';

/** Names an app may give the root of its messages; "." leaves the location at the top. */
const roots = ['location', 'locations', 'data', 'records', 'points'];
/** Faster than this a phone that says it rests does not. */
const RESTING = 1.5;

/** `body` is the parsed JSON, undefined when there was none or it was not JSON. */
export function parseBackgroundGeolocation(body: unknown, agent: string, now: number): Parsed {
  const parsed: Parsed = { pings: [], ignored: {} };
  if (body === undefined || body === null) {
    count(parsed.ignored, 'empty');
    return parsed;
  }
  const list = locationsOf(body);
  for (const each of list.slice(0, MAX_FIXES)) {
    const ping = isObject(each)
      ? readLocation(each, 'background-geolocation', agent, now)
      : 'not-an-object';
    if (typeof ping === 'string') count(parsed.ignored, ping);
    else parsed.pings.push(ping);
  }
  for (let i = MAX_FIXES; i < list.length; i++) count(parsed.ignored, 'over-full');
  return parsed;
}

function locationsOf(body: unknown): readonly unknown[] {
  if (Array.isArray(body)) return body;
  if (!isObject(body) || isObject(body['coords'])) return [body];
  const root = pick(body, ...roots);
  if (Array.isArray(root)) return root;
  return [isObject(root) ? root : body];
}

/** One location as the plugin writes it; Traccar Client 9 writes the same. Or why it is no fix. */
export function readLocation(
  location: Json,
  source: Source,
  agent: string,
  now: number,
): ParsedPing | string {
  // Taken while the plugin looks for a better one; its documentation says not to keep it.
  if (yesNo(location['sample']) === true) return 'sample';
  const coords = isObject(location['coords']) ? location['coords'] : location;
  const lat = num(pick(coords, 'latitude', 'lat'));
  const lon = num(pick(coords, 'longitude', 'lon', 'lng'));
  if (lat === null || lon === null) return 'no-position';
  const time = readLooseTime(location['timestamp'], now);
  if (time === null) return 'no-time';
  const age = num(location['age']);
  const speed = num(coords['speed']);
  const battery = isObject(location['battery']) ? location['battery'] : {};
  const geofence = isObject(location['geofence']) ? location['geofence'] : {};
  const activity = activityOf(location['activity']);
  return pingOfFix({
    source,
    id: location['uuid'],
    lon,
    lat,
    time,
    accuracy: num(coords['accuracy']),
    accuracyKind: accuracyKindOf(agent, 'p68'),
    speed,
    still: saysStill(location['is_moving'], activity) && (speed === null || speed < RESTING),
    mock: yesNo(location['mock']) === true,
    heard: heardIn(location),
    sentAt: age === null || age < 0 || age > 1e12 ? null : time.at + Math.round(age),
    extras: {
      battery: batteryOf(num(battery['level']), 1),
      charging: yesNo(battery['is_charging']),
      trigger: text(location['event'], 20),
      activity,
      geofence: text(geofence['identifier']),
      geofenceAction: text(geofence['action'], 10),
    },
  });
}

function activityOf(activity: unknown): string | null {
  return text(isObject(activity) ? activity['type'] : activity, 20);
}

function saysStill(moving: unknown, activity: string | null): boolean {
  const moves = yesNo(moving);
  return moves === null ? activity === 'still' : !moves;
}

/** Apps put what else they know into `extras`. */
function heardIn(location: Json): string[] {
  const extras = isObject(location['extras']) ? location['extras'] : {};
  return heardOf([
    bssidKey(pick(extras, 'bssid', 'BSSID') ?? pick(location, 'bssid', 'BSSID')),
    ...beaconKeys(pick(extras, 'beacons') ?? pick(location, 'beacons')),
  ]);
}
