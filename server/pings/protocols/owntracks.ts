/** PURE. OwnTracks, over HTTP or MQTT (and Overland's "Owntracks" mode): messages into pings, or reasons. */
import type { Json, Parsed, ParsedPing } from '../ping.ts';
import { readTime } from '../clock.ts';
import { accuracyKindOf, count, isObject, num, text } from '../ping.ts';
import { KMH, batteryOf, pingOfFix } from './fix.ts';
import { beaconKey, bssidKey, heardOf } from './radio.ts';

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
/** A beacon ranged within this of a fix in the same request was heard with it. */
const HEARD_WITHIN = 60_000;

export interface OwnTracksOptions {
  /** Opens the data of an encrypted message; undefined when that cannot be read. Null: no key. */
  open?: ((data: unknown) => unknown) | null;
  /** What comes in the clear is not read: only the passphrase proves the sender. */
  sealedOnly?: boolean;
}

/** `body` is the parsed JSON, undefined when there was none or it was not JSON. */
export function parseOwnTracks(
  body: unknown,
  agent: string,
  now: number,
  options: OwnTracksOptions = {},
): Parsed {
  const parsed: Parsed = { pings: [], ignored: {} };
  if (body === undefined || body === null) {
    // A zero-length body says that a friend was deleted.
    count(parsed.ignored, 'empty');
    return parsed;
  }
  const sent = Array.isArray(body) ? body : [body];
  const messages = sent.slice(0, MAX_MESSAGES).map((each: unknown) => unsealed(each, options));
  const beacons = messages.flatMap((each) => (isObject(each) ? ranged(each, now) : []));
  for (const message of messages) {
    const ping = typeof message === 'string' ? message : readMessage(message, agent, now, beacons);
    if (typeof ping === 'string') count(parsed.ignored, ping);
    else parsed.pings.push(ping);
  }
  for (let i = MAX_MESSAGES; i < sent.length; i++) count(parsed.ignored, 'over-full');
  return parsed;
}

/** The message itself, opened when it was sealed; or why it stays closed. */
function unsealed(message: unknown, { open, sealedOnly }: OwnTracksOptions): Json | string {
  if (!isObject(message)) return 'not-an-object';
  if (message['_type'] !== 'encrypted') return sealedOnly ? 'not-encrypted' : message;
  if (!open) return 'encrypted';
  const inner = open(message['data']);
  return isObject(inner) ? inner : 'not-decryptable';
}

interface Ranged {
  at: number;
  key: string;
}

function ranged(message: Json, now: number): Ranged[] {
  if (message['_type'] !== 'beacon') return [];
  const key = beaconKey(message['uuid'], message['major'], message['minor']);
  const time = readTime(message['tst'], now);
  return key === null || time === null ? [] : [{ at: time.at, key }];
}

function readMessage(
  message: Json,
  agent: string,
  now: number,
  beacons: readonly Ranged[],
): ParsedPing | string {
  const type = message['_type'];
  if (type !== 'location') {
    return typeof type === 'string' && known.has(type) ? type : 'unknown-type';
  }
  const lon = num(message['lon']);
  const lat = num(message['lat']);
  if (lon === null || lat === null) return 'no-position';
  const time = readTime(message['tst'], now);
  if (time === null) return 'no-time';
  const kmh = num(message['vel']);
  const near = beacons.filter(({ at }) => Math.abs(at - time.at) <= HEARD_WITHIN);
  return pingOfFix({
    source: 'owntracks',
    id: message['_id'],
    lon,
    lat,
    time,
    accuracy: num(message['acc']),
    accuracyKind: accuracyKindOf(agent, 'p68'),
    speed: kmh === null ? null : kmh * KMH,
    still: saysStill(message['motionactivities']),
    mock: message['mock'] === true,
    heard: heardOf([
      bssidKey(message['BSSID']),
      ...regionsHeard(message['inrids']),
      ...near.map(({ key }) => key),
    ]),
    sentAt: readTime(message['created_at'], now)?.at ?? null,
    // A keep-alive ping carries the present time with the last known, possibly old, position.
    refusal: message['t'] === 'p' ? 'old-position' : null,
    extras: {
      battery: batteryOf(num(message['batt']), 100),
      ssid: text(message['SSID']),
      bssid: text(message['BSSID'], 17),
      trigger: text(message['t'], 1),
    },
  });
}

/** Regions that the phone is in; those of beacons carry their key as id (see waypoints.ts). */
function regionsHeard(ids: unknown): (string | null)[] {
  if (!Array.isArray(ids)) return [];
  return ids.slice(0, 100).map((id: unknown) => {
    const [kind, uuid, major, minor] = text(id)?.toLowerCase().split(':') ?? [];
    return kind === 'beacon' ? beaconKey(uuid, major, minor) : null;
  });
}

function saysStill(activities: unknown): boolean {
  return Array.isArray(activities) && activities.includes('stationary');
}
