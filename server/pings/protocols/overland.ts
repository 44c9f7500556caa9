/** PURE. Overland's batches (also sent by GPSLogger and other Dawarich clients) into pings. */
import type { AccuracyKind } from '../../../geo/quality.ts';
import type { Json, Parsed, ParsedPing } from '../ping.ts';
import { readTime } from '../clock.ts';
import { accuracyKindOf, count, isObject, num, text } from '../ping.ts';
import { batteryOf, pingOfFix } from './fix.ts';
import { parseOwnTracks } from './owntracks.ts';
import { bssidKey, heardOf } from './radio.ts';

const MAX_LOCATIONS = 2000;
/** The live point is stepped only when the queue behind it is no longer than this. */
const LIVE_WITHIN = 120_000;

/** `body` is the parsed JSON, undefined when there was none or it was not JSON. */
export function parseOverland(body: unknown, agent: string, now: number): Parsed {
  const parsed: Parsed = { pings: [], ignored: {} };
  if (!isObject(body)) {
    count(parsed.ignored, body === undefined ? 'empty' : 'not-an-object');
    return parsed;
  }
  // Overland set to "Owntracks" sends single messages of that protocol to the same address.
  if ('_type' in body) return parseOwnTracks(body, agent || 'Darwin', now);
  const kind = accuracyKindOf(agent, 'rms');
  const locations = Array.isArray(body['locations']) ? body['locations'] : [];
  for (const feature of locations.slice(0, MAX_LOCATIONS)) take(parsed, feature, kind, now);
  for (let i = MAX_LOCATIONS; i < locations.length; i++) count(parsed.ignored, 'over-full');
  if (isObject(body['trip'])) count(parsed.ignored, 'trip');
  if (isObject(body['current'])) takeCurrent(parsed, body['current'], kind, now);
  return parsed;
}

function take(parsed: Parsed, feature: unknown, kind: AccuracyKind, now: number): void {
  const ping = isObject(feature) ? readFeature(feature, kind, now) : 'not-an-object';
  if (typeof ping === 'string') count(parsed.ignored, ping);
  else parsed.pings.push(ping);
}

/**
 * `current` is newer than the batch and comes again in a later batch. While a backlog is still on
 * its way, stepping it now would make that backlog late, so it waits for its turn.
 */
function takeCurrent(parsed: Parsed, feature: Json, kind: AccuracyKind, now: number): void {
  const ping = readFeature(feature, kind, now);
  if (typeof ping === 'string') return;
  const newest = Math.max(...parsed.pings.map((p) => (p.refusal === null ? p.at : -Infinity)));
  if (parsed.pings.some((p) => p.at === ping.at && p.key === ping.key)) return;
  if (newest === -Infinity || ping.at - newest <= LIVE_WITHIN) parsed.pings.push(ping);
  else count(parsed.ignored, 'current-before-backlog');
}

function readFeature(feature: Json, kind: AccuracyKind, now: number): ParsedPing | string {
  const properties = isObject(feature['properties']) ? feature['properties'] : {};
  // A Core Location visit, an app's life-cycle entry or a trip is not a fix, with or without geometry.
  if (typeof properties['action'] === 'string') {
    return properties['action'] === 'visit' ? 'visit' : 'action';
  }
  if (properties['type'] === 'trip') return 'trip';
  const position = positionOf(feature['geometry']);
  if (position === null) return 'no-position';
  const [lon, lat] = position;
  const time = readTime(properties['timestamp'], now);
  if (time === null) return 'no-time';
  const battery = properties['battery_state'];
  return pingOfFix({
    // `unique_id` names the phone, not the fix, so the place is the identity.
    source: 'overland',
    lon,
    lat,
    time,
    accuracy: num(properties['horizontal_accuracy']),
    accuracyKind: kind,
    speed: num(properties['speed']),
    still: saysStill(properties['motion']),
    heard: heardOf([bssidKey(properties['bssid'])]),
    extras: {
      battery: batteryOf(num(properties['battery_level']), 1),
      charging:
        battery === 'charging' || battery === 'full' || (battery === 'unplugged' ? false : null),
      // GPSLogger always says "unknown".
      ssid: properties['wifi'] === 'unknown' ? null : text(properties['wifi']),
    },
  });
}

function positionOf(geometry: unknown): [number, number] | null {
  if (!isObject(geometry) || !Array.isArray(geometry['coordinates'])) return null;
  const [first, second] = geometry['coordinates'] as unknown[];
  const lon = num(first);
  const lat = num(second);
  return lon === null || lat === null ? null : [lon, lat];
}

function saysStill(motion: unknown): boolean {
  return Array.isArray(motion) && motion.length === 1 && motion[0] === 'stationary';
}
