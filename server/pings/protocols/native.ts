/** PURE. Foyer's own batch: already checked by its schema, turned into pings. */
import type { AccuracyKind } from '../../../geo/quality.ts';
import type { Parsed, ParsedPing } from '../ping.ts';
import { readTime } from '../clock.ts';
import { pingOfFix } from './fix.ts';
import { beaconKeys, bssidKey, heardOf, qrKey } from './radio.ts';

export interface NativePing {
  id?: string | undefined;
  at: string | number;
  lon: number;
  lat: number;
  accuracy?: number | null | undefined;
  accuracyKind?: AccuracyKind | undefined;
  speed?: number | null | undefined;
  still?: boolean | undefined;
  mock?: boolean | undefined;
  bssid?: string | undefined;
  beacons?: readonly { uuid: string; major: number; minor: number }[] | undefined;
  qr?: string | undefined;
  sentAt?: string | number | undefined;
}

/** Pings in the order sent; one whose time cannot be read has the refusal `no-time`. */
export function parseNative(pings: readonly NativePing[], now: number): Parsed['pings'] {
  return pings.map((ping) => readPing(ping, now));
}

function readPing(ping: NativePing, now: number): ParsedPing {
  const time = readTime(ping.at, now);
  return pingOfFix({
    source: 'foyer',
    id: ping.id,
    lon: ping.lon,
    lat: ping.lat,
    // Some fixed time: a repeated ping must fall on its first copy.
    time: time ?? { at: 0, repair: null, refusal: null },
    accuracy: ping.accuracy ?? null,
    accuracyKind: ping.accuracyKind ?? 'p68',
    speed: ping.speed ?? null,
    still: ping.still ?? false,
    mock: ping.mock ?? false,
    heard: heardOf([bssidKey(ping.bssid), ...beaconKeys(ping.beacons), qrKey(ping.qr)]),
    sentAt: ping.sentAt === undefined ? null : (readTime(ping.sentAt, now)?.at ?? null),
    refusal: time === null ? 'no-time' : null,
  });
}
