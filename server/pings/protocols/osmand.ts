/** PURE. Traccar Client and the OsmAnd protocol: query, form, JSON and JSON lists into pings. */
import type { Parsed, ParsedPing } from '../ping.ts';
import type { Flat, Message } from './message.ts';
import { accuracyKindOf, count, isObject, num, text } from '../ping.ts';
import { readLocation } from './background-geolocation.ts';
import { KNOTS, MAX_FIXES, batteryOf, pingOfFix, timeOrNow } from './fix.ts';
import { field, fieldsOf, yesNo } from './message.ts';
import { bssidKey, heardOf } from './radio.ts';

export function parseOsmAnd(message: Message, agent: string, now: number): Parsed {
  const parsed: Parsed = { pings: [], ignored: {} };
  const take = (ping: ParsedPing | string): void => {
    if (typeof ping === 'string') count(parsed.ignored, ping);
    else parsed.pings.push(ping);
  };
  if (message.broken) count(parsed.ignored, 'not-json');
  else if (message.json === undefined) take(readFields(message.fields, agent, now));
  else {
    const list = listOf(message.json);
    const named = list.map(nameOf).find((name) => name !== null);
    const isOther = (each: unknown): boolean => (nameOf(each) ?? named) !== named;
    for (const each of list.slice(0, MAX_FIXES)) {
      take(isOther(each) ? 'other-device' : readEach(each, agent, now));
    }
    for (let i = MAX_FIXES; i < list.length; i++) count(parsed.ignored, 'over-full');
  }
  return parsed;
}

/** The token where this protocol has its device's name: in the address, the form or the JSON. */
export function osmAndToken({ fields, json }: Message): string | null {
  const named = field(fields, 'token', 'id', 'deviceid');
  if (named !== null) return named;
  return nameOf(listOf(json)[0]);
}

/** What an item calls its device; null when it does not say. */
function nameOf(each: unknown): string | null {
  return isObject(each) ? text(each['device_id'] ?? each['deviceid'] ?? each['id'], 200) : null;
}

/** Client 9 sends `{location, device_id}`, `location` being one or a list; others a list of all that. */
function listOf(json: unknown): readonly unknown[] {
  if (Array.isArray(json)) return json;
  if (isObject(json) && Array.isArray(json['location'])) {
    return json['location'].map((location: unknown) => ({ ...json, location }));
  }
  return [json];
}

function readEach(each: unknown, agent: string, now: number): ParsedPing | string {
  if (!isObject(each)) return 'not-an-object';
  if (isObject(each['location'])) return readLocation(each['location'], 'osmand', agent, now);
  if (isObject(each['coords'])) return readLocation(each, 'osmand', agent, now);
  return readFields(fieldsOf(each), agent, now);
}

function readFields(fields: Flat, agent: string, now: number): ParsedPing | string {
  if (fields.size === 0) return 'empty';
  const position = positionOf(fields);
  if (position === null) {
    return fields.has('notificationtoken') ? 'notification-token' : 'no-position';
  }
  const time = timeOrNow(field(fields, 'timestamp', 'time'), now);
  if (time === null) return 'no-time';
  const knots = num(field(fields, 'speed'));
  const [lat, lon] = position;
  return pingOfFix({
    source: 'osmand',
    lon,
    lat,
    time,
    accuracy: num(field(fields, 'accuracy')),
    accuracyKind: accuracyKindOf(agent, 'p68'),
    speed: knots === null ? null : knots * KNOTS,
    still: field(fields, 'activity') === 'still',
    mock: yesNo(field(fields, 'mock')) === true,
    heard: heardOf([
      // Address and strength, e.g. aa-bb-cc-dd-ee-ff,-70.
      ...(fields.get('wifi') ?? []).map((each) => bssidKey(each.split(',')[0])),
      bssidKey(field(fields, 'bssid')),
    ]),
    refusal: yesNo(field(fields, 'valid')) === false ? 'invalid-fix' : null,
    extras: {
      battery: batteryOf(num(field(fields, 'batt', 'battery', 'bat')), 100),
      charging: yesNo(field(fields, 'charge')),
      hdop: num(field(fields, 'hdop')),
      alarm: text(field(fields, 'alarm'), 20),
    },
  });
}

function positionOf(fields: Flat): [number, number] | null {
  const [first, second, ...rest] = field(fields, 'location')?.split(',') ?? [];
  const together = rest.length === 0;
  const lat = num(field(fields, 'lat', 'latitude') ?? (together ? first : null));
  const lon = num(field(fields, 'lon', 'longitude', 'lng') ?? (together ? second : null));
  return lat === null || lon === null ? null : [lat, lon];
}
