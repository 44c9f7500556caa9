/** PURE. GPSLogger's custom URL, as its author fills it in: %ALL, single placeholders, or a JSON body. */
import type { Parsed, ParsedPing } from '../ping.ts';
import type { Flat, Message } from './message.ts';
import { count, isObject, num, text } from '../ping.ts';
import { KMH, MAX_FIXES, batteryOf, pingOfFix, timeOrNow } from './fix.ts';
import { field, fieldsOf, yesNo } from './message.ts';
import { bssidKey, heardOf } from './radio.ts';

export function parseGpsLogger(message: Message, now: number): Parsed {
  const parsed: Parsed = { pings: [], ignored: {} };
  if (message.broken) {
    count(parsed.ignored, 'not-json');
    return parsed;
  }
  const { json, fields } = message;
  const list = Array.isArray(json) ? (json as unknown[]) : [json];
  for (const each of list.slice(0, MAX_FIXES)) {
    const ping = readEach(each, fields, now);
    if (typeof ping === 'string') count(parsed.ignored, ping);
    else parsed.pings.push(ping);
  }
  for (let i = MAX_FIXES; i < list.length; i++) count(parsed.ignored, 'over-full');
  return parsed;
}

/** A body of JSON completes what the address says. */
function readEach(each: unknown, fields: Flat, now: number): ParsedPing | string {
  if (each === undefined) return readFields(fields, now);
  if (!isObject(each)) return 'not-an-object';
  return readFields(new Map([...fields, ...fieldsOf(each)]), now);
}

function readFields(fields: Flat, now: number): ParsedPing | string {
  if (fields.size === 0) return 'empty';
  const lat = num(field(fields, 'lat', 'latitude'));
  const lon = num(field(fields, 'lon', 'longitude', 'lng'));
  if (lat === null || lon === null) return 'no-position';
  const time = timeOrNow(field(fields, 'timestamp', 'time', 'tst'), now);
  if (time === null) return 'no-time';
  return pingOfFix({
    source: 'gpslogger',
    lon,
    lat,
    time,
    accuracy: num(field(fields, 'acc', 'accuracy', 'hacc')),
    // It runs on Android only.
    accuracyKind: 'p68',
    speed: speedOf(fields),
    heard: heardOf([bssidKey(field(fields, 'bssid'))]),
    extras: {
      battery: batteryOf(num(field(fields, 'batt', 'battery')), 100),
      charging: yesNo(field(fields, 'ischarging', 'charging')),
      provider: text(field(fields, 'prov', 'provider'), 20),
      note: text(field(fields, 'desc', 'annotation')),
      hdop: num(field(fields, 'hdop')),
    },
  });
}

function speedOf(fields: Flat): number | null {
  const metres = num(field(fields, 'spd', 'speed', 's'));
  if (metres !== null) return metres;
  const kilometres = num(field(fields, 'spd_kph', 'speed_kmh', 'kmh', 'kph'));
  return kilometres === null ? null : kilometres * KMH;
}
