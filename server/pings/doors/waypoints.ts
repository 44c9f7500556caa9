/** Fences pushed to a phone as regions of its own, so that it wakes up at the right doors. */
import type { FenceIndex } from '../../../geo/fence-index.ts';
import type { Fence } from '../../../geo/fence.ts';
import type { LonLat } from '../../../geo/lonlat.ts';
import type { Database, Queryable } from '../../db/database.ts';
import type { LiveFences } from '../../fences/live.ts';
import type { DeviceCaller } from '../../http/route.ts';
import { greatCircle } from '../../../geo/distance.ts';
import { fenceMiddle } from '../../../geo/fence.ts';
import { rememberWaypoints, waypointsSent } from '../../devices/queries.ts';
import { fenceRevision } from '../../fences/queries.ts';
import { hashToken } from '../../ids.ts';

/** Regions an iPhone watches at the same time, for all its apps. */
const MOST = 20;
/** Metres in which fences are looked for, nearest ring first. */
const rings = [2_000, 10_000, 30_000];
/** Smaller regions are not noticed dependably by phones. */
const SMALLEST = 100;
/** Having moved further than this, a phone may have other fences around it. */
const MOVED = 1_000;
/** An answer may get lost, and nobody tells us: so once a day all is sent again. */
const AGAIN = 24 * 3_600_000;

/** What a phone should watch is not looked for more often than this. */
const EVERY = 60_000;
const DEVICES = 20_000;

/** Whether it is time to look what a device should watch; from then on it is not for a while. */
export type Throttle = (deviceId: string, now: number) => boolean;

export function createThrottle(): Throttle {
  const looked = new Map<string, number>();
  return (deviceId, now) => {
    if (now - (looked.get(deviceId) ?? -Infinity) < EVERY) return false;
    looked.delete(deviceId);
    looked.set(deviceId, now);
    if (looked.size > DEVICES) looked.delete(looked.keys().next().value as string);
    return true;
  };
}

/** One region as OwnTracks takes it. */
export interface Waypoint {
  _type: 'waypoint';
  /** The key on iOS. */
  desc: string;
  /** The key on Android: seconds, here a number that stays with the fence. */
  tst: number;
  rid: string;
  lat?: number;
  lon?: number;
  rad?: number;
  uuid?: string;
  major?: number;
  minor?: number;
}

/** PURE. Regions for a phone at this place: the nearest fences, and beacons that are theirs. */
function waypointsAt(index: FenceIndex, at: LonLat): Waypoint[] {
  const near = nearest(index, at);
  const named = new Map<string, number>();
  const regions = near.map((fence) => region(fence, unique(named, fence.definition.name)));
  const beacons = near.flatMap((fence) =>
    (fence.definition.radio ?? [])
      .filter((key) => key.startsWith('beacon:'))
      .map((key) => beacon(key, unique(named, fence.definition.name))),
  );
  return [...regions, ...beacons].slice(0, MOST);
}

function nearest(index: FenceIndex, at: LonLat): Fence[] {
  let found: Fence[] = [];
  for (const ring of rings) {
    found = index.candidates(at.lon, at.lat, ring);
    if (found.length >= MOST) break;
  }
  return found
    .map((fence) => ({ fence, away: greatCircle(at, fenceMiddle(fence)) }))
    .toSorted((a, b) => a.away - b.away || (a.fence.id < b.fence.id ? -1 : 1))
    .slice(0, MOST)
    .map(({ fence }) => fence);
}

function region(fence: Fence, desc: string): Waypoint {
  const { lon, lat } = fenceMiddle(fence);
  const rad = Math.max(SMALLEST, Math.ceil(fence.radius ?? reach(fence)));
  return { _type: 'waypoint', desc, tst: stamp(fence.id), rid: fence.id, lat, lon, rad };
}

function beacon(key: string, desc: string): Waypoint {
  const [, uuid = '', major, minor] = key.split(':');
  const place = { uuid, major: Number(major), minor: Number(minor) };
  return { _type: 'waypoint', desc, tst: stamp(key), rid: key, ...place };
}

/** Metres from the middle to the furthest corner. */
function reach(fence: Fence): number {
  const middle = fenceMiddle(fence);
  let furthest = 0;
  for (let i = 0; i + 1 < fence.xy.length; i += 2) {
    const corner = {
      lon: fence.lon0 + (fence.xy[i] as number),
      lat: fence.lat0 + (fence.xy[i + 1] as number),
    };
    furthest = Math.max(furthest, greatCircle(middle, corner));
  }
  return furthest;
}

function stamp(id: string): number {
  return 1_000_000_000 + (hashToken(id).readUInt32BE(0) % 700_000_000);
}

function unique(named: Map<string, number>, name: string): string {
  const times = (named.get(name) ?? 0) + 1;
  named.set(name, times);
  return times === 1 ? name : `${name} (${times})`;
}

interface Sent {
  revision: number;
  lon: number;
  lat: number;
  /** Milliseconds since 1970. */
  at: number;
  regions: Waypoint[];
}

export interface WaypointDeps {
  db: Database;
  fences: LiveFences;
  clock: () => number;
}

/**
 * The command that brings the phone's regions up to date; null when they are, or when the device
 * does not want any. iOS drops a region whose place is impossible; Android does not take such a one.
 */
export async function waypointsDue(
  { db, fences, clock }: WaypointDeps,
  { merchantId, deviceId, waypoints }: DeviceCaller,
  at: LonLat,
  agent: string,
): Promise<object | null> {
  if (!waypoints) return null;
  const now = clock();
  const work = async (tx: Queryable): Promise<object | null> => {
    const revision = await fenceRevision(tx, merchantId);
    const sent = await waypointsSent<Sent>(tx, merchantId, deviceId);
    if (sent && sent.revision === revision && now - sent.at < AGAIN) {
      if (greatCircle(sent, at) < MOVED) return null;
    }
    const { index } = await fences.at(tx, merchantId, revision);
    const regions = waypointsAt(index, at);
    const fresh = now - (sent?.at ?? -Infinity) < AGAIN;
    const same = fresh && JSON.stringify(regions) === JSON.stringify(inOrder(sent?.regions));
    const next: Sent = { revision, lon: at.lon, lat: at.lat, at: same ? sent!.at : now, regions };
    await rememberWaypoints(tx, merchantId, deviceId, next);
    return same ? null : command(regions, gone(sent?.regions ?? [], regions, agent));
  };
  return db.tx(work, { tenant: merchantId });
}

/** jsonb forgets the order of keys. */
function inOrder(regions: readonly Waypoint[] = []): object[] {
  return regions.map(({ _type, desc, tst, rid, ...rest }) => {
    const place =
      rest.uuid === undefined
        ? { lat: rest.lat, lon: rest.lon, rad: rest.rad }
        : { uuid: rest.uuid, major: rest.major, minor: rest.minor };
    return { _type, desc, tst, rid, ...place };
  });
}

function gone(before: readonly Waypoint[], after: readonly Waypoint[], agent: string): object[] {
  if (!/darwin|cfnetwork|iphone|ipad/i.test(agent)) return [];
  const kept = new Set(after.map(({ desc }) => desc));
  return before
    .filter(({ desc }) => !kept.has(desc))
    .map(({ _type, desc, tst, rid }) => ({ _type, desc, tst, rid, lat: -1e6, lon: -1e6, rad: 0 }));
}

function command(regions: readonly Waypoint[], removed: readonly object[]): object | null {
  const waypoints = [...regions, ...removed];
  if (waypoints.length === 0) return null;
  return {
    _type: 'cmd',
    action: 'setWaypoints',
    waypoints: { _type: 'waypoints', waypoints },
  };
}
