/** One server process's ping doors over a database, and looks at what came of the pings. */
import request from 'supertest';
import type { Express } from 'express';
import { defaultPolicy } from '../../geo/engine.ts';
import type { Database, Row } from '../../server/db/database.ts';
import { createDeviceCallers } from '../../server/devices/callers.ts';
import type { EventPayloads, EventType } from '../../server/events/types.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { createIngest } from '../../server/pings/ingest.ts';
import type { Ingest } from '../../server/pings/ingest.ts';
import { createLanes } from '../../server/pings/lanes.ts';
import { pingRoutes } from '../../server/pings/routes.ts';
import { judgeSilence } from '../../server/pings/silence.ts';
import { routesApp, silentLog } from './routes-app.ts';

export interface SentPing {
  at: number;
  lon: number;
  lat: number;
  accuracy: number;
  id?: string;
}

export interface Doors {
  app: Express;
  ingest: Ingest;
  /** Sends a native batch; resolves with its answer. */
  send(token: string, pings: readonly SentPing[]): Promise<{ status: number; body: Answer }>;
  silence(): Promise<number>;
}

interface Answer {
  accepted: number;
  duplicates: number;
  refused: { index: number; reason: string }[];
  code?: string;
}

export function openDoors(db: Database, clock: () => number): Doors {
  const parts = {
    db,
    clock,
    fences: createLiveFences(),
    lanes: createLanes(),
    policy: defaultPolicy,
    log: silentLog,
  };
  const ingest = createIngest(parts);
  const callers = createDeviceCallers({ db, clock });
  const app = routesApp(pingRoutes({ ingest, clock, log: silentLog }), callers.find);
  return {
    app,
    ingest,
    send: (token, pings) =>
      request(app).post('/v1/pings').set('Authorization', `Bearer ${token}`).send({ pings }),
    silence: () => judgeSilence(parts),
  };
}

/** Visits as they stand, by entry, without what says when and how often they were stored. */
export async function visitsOf(db: Database, deviceId: string): Promise<Row[]> {
  const { rows } = await db.query(
    `select id, fence_id, fence_version, status, score, band, entry_earliest, entry_at, entry_latest,
       exit_earliest, exit_at, exit_latest, dwell_lower_s, dwell_s, dwell_upper_s, pings,
       detail::text as detail
     from visits where device_id = $1 and status <> 'retracted' order by entry_at, id`,
    [deviceId],
  );
  return rows;
}

/** Every ping with its verdict. */
export async function verdictsOf(db: Database, deviceId: string): Promise<Row[]> {
  const { rows } = await db.query(
    `select at, ping_key, judged_at, accepted, reason from pings where device_id = $1
     order by at, ping_key collate "C"`,
    [deviceId],
  );
  return rows;
}

export interface ToldEvent<T extends EventType = EventType> {
  type: T;
  payload: EventPayloads[T];
}

/** Events of a device in the order written, perhaps of some types only. */
export async function eventsOf<T extends EventType>(
  db: Database,
  deviceId: string,
  ...types: T[]
): Promise<ToldEvent<T>[]> {
  const { rows } = await db.query<ToldEvent<T> & Row>(
    `select type, payload from outbox
     where device_id = $1 and ($2::text[] = '{}' or type = any ($2)) order by seq`,
    [deviceId, types],
  );
  return rows;
}

/** A ping every `every` ms at one spot, each a hair from the one before. */
export function stay(
  count: number,
  from: number,
  spot: { lon: number; lat: number },
  every = 30_000,
): SentPing[] {
  return Array.from({ length: count }, (_, i) => ({
    at: from + i * every,
    lon: spot.lon,
    lat: spot.lat + ((i * 7) % 5) * 1e-6,
    accuracy: 8,
  }));
}
