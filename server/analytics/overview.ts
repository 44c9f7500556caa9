/** One day of a store beside the same weekday a week before: everything the overview shows. */
import type { Queryable } from '../db/database.ts';
import { dayAfter, startOfDay, weekApart } from './day.ts';
import type { Place } from './day.ts';
import { dwellByDay, dwellByFence, medianDwell } from './dwell.ts';
import type { Dwell } from './dwell.ts';
import type { Estimate } from './estimate.ts';
import { byDay, visitCount, visitsByHour } from './footfall.ts';
import { devicesInside } from './occupancy.ts';
import { offersOf, redeemedByDay } from './redeemed.ts';
import { uniqueDevices } from './visitors.ts';
import { visitsByFence } from './zones.ts';

/** Days in the small curves, the asked one included. */
const curveDays = 14;

interface Twice<T> {
  now: T;
  /** The same weekday a week before, up to the same time while the day is running. */
  before: T;
}

export interface Overview {
  day: string;
  comparedWith: string;
  /** Whether the day is not over; both days are then counted up to the same time. */
  running: boolean;
  /** Devices with an open visit: a look at now, not an estimate. */
  inside: number;
  visits: Twice<Estimate>;
  devices: Twice<Estimate>;
  dwell: Twice<Dwell>;
  offers: Twice<{ issued: number; redeemed: number }>;
  /** 24 entries by the store's clock: the day so far, and the whole day a week before. */
  hours: { hour: number; now: number; low: number; high: number; before: number }[];
  /** The last days, oldest first; null where a day has no figure. */
  curves: { visits: number[]; devices: number[]; dwell: (number | null)[]; redeemed: number[] };
  fences: {
    id: string;
    name: string;
    floor: string | null;
    visits: number;
    low: number;
    high: number;
    dwell: number | null;
  }[];
}

export async function overviewOf(
  tx: Queryable,
  place: Place,
  day: string,
  at: Date,
): Promise<Overview> {
  const { now, before, running } = weekApart(day, place.timezone, at);
  const wholeBefore = {
    from: before.from,
    to: startOfDay(dayAfter(day, -6), place.timezone),
  };
  const hoursNow = await visitsByHour(tx, place, now);
  const hoursBefore = await visitsByHour(tx, place, wholeBefore);
  const fences = await visitsByFence(tx, place, now, 12);
  const ids = fences.map((zone) => zone.fenceId);
  const stays = await dwellByFence(tx, place, now, ids);
  return {
    day,
    comparedWith: dayAfter(day, -7),
    running,
    inside: await devicesInside(tx, place.merchantId, place.storeId),
    visits: {
      now: await visitCount(tx, place, now),
      before: await visitCount(tx, place, before),
    },
    devices: {
      now: await uniqueDevices(tx, place, now),
      before: await uniqueDevices(tx, place, before),
    },
    dwell: {
      now: await medianDwell(tx, place, now),
      before: await medianDwell(tx, place, before),
    },
    offers: { now: await offersOf(tx, place, now), before: await offersOf(tx, place, before) },
    hours: Array.from({ length: 24 }, (_, hour) => {
      const found = hoursNow.find((row) => row.hour === hour);
      return {
        hour,
        now: found?.value ?? 0,
        low: found?.low ?? 0,
        high: found?.high ?? 0,
        before: hoursBefore.find((row) => row.hour === hour)?.value ?? 0,
      };
    }),
    curves: await curves(tx, place, day, now.to),
    fences: fences.map(({ fenceId, name, floor, value, low, high }) => ({
      id: fenceId,
      name,
      floor,
      visits: value,
      low,
      high,
      dwell: stays.get(fenceId) ?? null,
    })),
  };
}

async function curves(
  tx: Queryable,
  place: Place,
  day: string,
  to: Date,
): Promise<Overview['curves']> {
  const first = dayAfter(day, 1 - curveDays);
  const span = { from: startOfDay(first, place.timezone), to };
  const visits = await byDay(tx, place, span);
  const dwell = await dwellByDay(tx, place, span);
  const redeemed = await redeemedByDay(tx, place, span);
  const days = Array.from({ length: curveDays }, (_, index) => dayAfter(first, index));
  const of = (one: string) => visits.find((row) => row.day === one);
  return {
    visits: days.map((one) => of(one)?.visits ?? 0),
    devices: days.map((one) => of(one)?.devices ?? 0),
    dwell: days.map((one) => dwell.get(one) ?? null),
    redeemed: days.map((one) => redeemed.find((row) => row.day === one)?.redeemed ?? 0),
  };
}
