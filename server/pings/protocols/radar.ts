/** PURE. Messages shaped like those to Radar's track API, single and replayed, into pings. */
import type { Json, Parsed, ParsedPing } from '../ping.ts';
import { accuracyKindOf, count, isObject, num, text } from '../ping.ts';
import type { Reading } from '../clock.ts';
import { MAX_FIXES, pingOfFix, readLooseTime } from './fix.ts';
import { yesNo } from './message.ts';
import { beaconKeys, bssidKey, heardOf } from './radio.ts';

/** Longer than a month on its way: not a delay but nonsense. */
const LONGEST_DELAY = 31 * 24 * 3_600_000;

/** `body` is one message or `{replays: […]}`; undefined when there was none or it was not JSON. */
export function parseRadar(body: unknown, agent: string, now: number): Parsed {
  const parsed: Parsed = { pings: [], ignored: {} };
  if (body === undefined || body === null) {
    count(parsed.ignored, 'empty');
    return parsed;
  }
  const replays = isObject(body) && Array.isArray(body['replays']) ? body['replays'] : [body];
  for (const each of replays.slice(0, MAX_FIXES) as unknown[]) {
    const ping = isObject(each) ? readTrack(each, agent, now) : 'not-an-object';
    if (typeof ping === 'string') count(parsed.ignored, ping);
    else parsed.pings.push(ping);
  }
  for (let i = MAX_FIXES; i < replays.length; i++) count(parsed.ignored, 'over-full');
  return parsed;
}

function readTrack(track: Json, agent: string, now: number): ParsedPing | string {
  const lat = num(track['latitude']);
  const lon = num(track['longitude']);
  if (lat === null || lon === null) return 'no-position';
  const delay = delayOf(track);
  const time = timeOf(track, delay, now);
  if (time === null) return 'no-time';
  const platform = text(track['deviceType'], 20) ?? agent;
  const dated = track['locationMs'] !== undefined || track['recordedAt'] !== undefined;
  return pingOfFix({
    source: 'radar',
    lon,
    lat,
    time,
    accuracy: num(track['accuracy']),
    accuracyKind: accuracyKindOf(platform, 'p68'),
    speed: num(track['speed']),
    still: yesNo(track['stopped']) === true,
    mock: yesNo(track['mocked']) === true,
    heard: heardOf([bssidKey(track['bssid']), ...beaconKeys(track['beacons'])]),
    // Of two clocks only: a time counted back from our own says nothing about theirs.
    sentAt: dated && delay !== null ? time.at + delay : null,
    extras: {
      trigger: text(track['source'], 40),
      replayed: yesNo(track['replayed']),
      foreground: yesNo(track['foreground']),
      radarDevice: text(track['deviceId']),
    },
  });
}

function delayOf(track: Json): number | null {
  const delay = num(track['updatedAtMsDiff']);
  return delay === null || delay < 0 || delay > LONGEST_DELAY ? null : Math.round(delay);
}

/** The fix's own time; else when it was put aside, or now, less the time it had waited until then. */
function timeOf(track: Json, delay: number | null, now: number): Reading | null {
  const own = track['locationMs'] ?? track['recordedAt'];
  if (own !== undefined && own !== null) return readLooseTime(own, now);
  const aside = track['updatedAtMs'];
  if (aside === undefined || aside === null) {
    return { at: now - (delay ?? 0), repair: null, refusal: null };
  }
  const reading = readLooseTime(aside, now);
  return reading && { ...reading, at: reading.at - (delay ?? 0) };
}
