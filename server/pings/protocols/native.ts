/** PURE. Foyer's own batch: already checked by its schema, turned into pings. */
import type { AccuracyKind } from '../../../geo/quality.ts';
import type { Parsed } from '../ping.ts';
import { readTime } from '../clock.ts';
import { extrasOf, isNullIsland, keyOf, pingOf, positionFault } from '../ping.ts';

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
}

/** Pings in the order sent; one whose time cannot be read has the refusal `no-time`. */
export function parseNative(pings: readonly NativePing[], now: number): Parsed['pings'] {
  return pings.map((ping) => {
    const { lon, lat } = ping;
    const time = readTime(ping.at, now);
    const speed = ping.speed ?? null;
    const nowhere = isNullIsland(lon, lat) ? 'null-island' : null;
    return pingOf({
      key: keyOf('foyer', ping.id, lon, lat),
      // Some fixed time: a repeated ping must fall on its first copy.
      at: time?.at ?? 0,
      lon,
      lat,
      accuracy: ping.accuracy ?? null,
      accuracyKind: ping.accuracyKind ?? 'p68',
      speed: speed === null || speed < 0 ? null : speed,
      still: ping.still ?? false,
      mock: ping.mock ?? false,
      source: 'foyer',
      refusal: positionFault(lon, lat) ?? nowhere ?? (time ? time.refusal : 'no-time'),
      extras: extrasOf({ clock: time?.repair ?? null }),
    });
  });
}
