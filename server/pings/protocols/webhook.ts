/** PURE. A position as some other system posts it: Home Assistant's shape, or flat with usual names. */
import type { Json, Parsed, ParsedPing } from '../ping.ts';
import type { Message } from './message.ts';
import { accuracyKindOf, count, isObject, num, text } from '../ping.ts';
import { KMH, MAX_FIXES, batteryOf, pingOfFix, readLooseTime, timeOrNow } from './fix.ts';
import { pick, yesNo } from './message.ts';
import { beaconKeys, bssidKey, heardOf, qrKey } from './radio.ts';

const lists = ['pings', 'positions', 'locations', 'points', 'data'];

export function parseWebhook(message: Message, agent: string, now: number): Parsed {
  const parsed: Parsed = { pings: [], ignored: {} };
  if (message.broken) {
    count(parsed.ignored, 'not-json');
    return parsed;
  }
  const list = listOf(message);
  if (list.length === 0) count(parsed.ignored, 'empty');
  for (const each of list.slice(0, MAX_FIXES)) {
    const ping = isObject(each) ? readOne(each, agent, now) : 'not-an-object';
    if (typeof ping === 'string') count(parsed.ignored, ping);
    else parsed.pings.push(ping);
  }
  for (let i = MAX_FIXES; i < list.length; i++) count(parsed.ignored, 'over-full');
  return parsed;
}

function listOf({ json, fields }: Message): readonly unknown[] {
  if (json === undefined) {
    return fields.size === 0 ? [] : [Object.fromEntries([...fields].map(([k, v]) => [k, v[0]]))];
  }
  if (Array.isArray(json)) return json;
  const inner = isObject(json) ? pick(json, ...lists) : undefined;
  return Array.isArray(inner) ? inner : [json];
}

function readOne(message: Json, agent: string, now: number): ParsedPing | string {
  // Home Assistant's companion talks of sensors and zones, too.
  const type = message['type'];
  if (isObject(message['data']) && typeof type === 'string' && type !== 'update_location') {
    return 'other-type';
  }
  const data = isObject(message['data']) ? message['data'] : message;
  const position = positionOf(data);
  if (position === null) return 'no-position';
  const time = timeOrNow(pick(data, 'timestamp', 'time', 'at', 'tst', 'ts', 'date'), now);
  if (time === null) return 'no-time';
  const [lon, lat] = position;
  const sent = pick(data, 'sentAt', 'sent_at', 'created_at');
  return pingOfFix({
    source: 'webhook',
    id: pick(data, 'id', 'uuid', 'message_id'),
    lon,
    lat,
    time,
    accuracy: num(pick(data, 'accuracy', 'gps_accuracy', 'acc', 'horizontal_accuracy', 'hacc')),
    accuracyKind: accuracyKindOf(agent, 'p68'),
    speed: speedOf(data),
    still: yesNo(data['still']) === true,
    mock: yesNo(data['mock']) === true,
    heard: heardOf([
      bssidKey(pick(data, 'bssid', 'BSSID')),
      ...beaconKeys(data['beacons']),
      qrKey(data['qr']),
    ]),
    sentAt: sent === undefined ? null : (readLooseTime(sent, now)?.at ?? null),
    extras: {
      battery: levelOf(num(pick(data, 'battery', 'battery_level', 'batt'))),
      place: text(data['location_name']),
    },
  });
}

/** [lon, lat]. A list under `gps` is latitude first; GeoJSON is longitude first. */
function positionOf(data: Json): [number, number] | null {
  const geometry = isObject(data['geometry']) ? data['geometry'] : data;
  if (Array.isArray(geometry['coordinates'])) return pair(geometry['coordinates'], 0);
  if (Array.isArray(data['gps'])) return pair(data['gps'], 1);
  const at = [data['location'], data['position'], data['coords']].find(isObject) ?? data;
  const lon = num(pick(at, 'lon', 'lng', 'long', 'longitude'));
  const lat = num(pick(at, 'lat', 'latitude'));
  return lon === null || lat === null ? null : [lon, lat];
}

function pair(values: readonly unknown[], lonAt: 0 | 1): [number, number] | null {
  const lon = num(values[lonAt]);
  const lat = num(values[1 - lonAt]);
  return lon === null || lat === null ? null : [lon, lat];
}

function speedOf(data: Json): number | null {
  const metres = num(pick(data, 'speed', 'speed_mps', 'velocity'));
  if (metres !== null) return metres;
  const kilometres = num(pick(data, 'speed_kmh', 'speed_kph'));
  return kilometres === null ? null : kilometres * KMH;
}

/** Percent above 1, a share up to 1. */
function levelOf(level: number | null): number | null {
  return batteryOf(level, level !== null && level > 1 ? 100 : 1);
}
