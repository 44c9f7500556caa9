/** Captured messages of every tracker app, and the one way in which each is read. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'node:querystring';
import { fit } from '../../server/http/route.ts';
import { batchBody } from '../../server/pings/doors/native.ts';
import type { Parsed } from '../../server/pings/ping.ts';
import { parseBackgroundGeolocation } from '../../server/pings/protocols/background-geolocation.ts';
import { parseGpsLogger } from '../../server/pings/protocols/gpslogger.ts';
import { readMessage } from '../../server/pings/protocols/message.ts';
import { parseNative } from '../../server/pings/protocols/native.ts';
import { parseOsmAnd } from '../../server/pings/protocols/osmand.ts';
import { parseOverland } from '../../server/pings/protocols/overland.ts';
import { parseOwnTracks } from '../../server/pings/protocols/owntracks.ts';
import { parseRadar } from '../../server/pings/protocols/radar.ts';
import { openMessage } from '../../server/pings/protocols/secretbox.ts';
import { parseWebhook } from '../../server/pings/protocols/webhook.ts';

export const folder = path.join(import.meta.dirname, '../../test/fixtures/pings');

export const apps = [
  'foyer',
  'owntracks',
  'overland',
  'osmand',
  'gpslogger',
  'background-geolocation',
  'radar',
  'webhook',
] as const;
export type App = (typeof apps)[number];

/** A request as an app sent it: what stands in the address after `?`, and the body as text. */
export interface Sent {
  agent?: string;
  query?: string;
  body?: string;
  passphrase?: string;
}

export interface Fixture {
  about: string;
  agent?: string;
  query?: string;
  /** JSON … */
  body?: unknown;
  /** … or the body as it is. */
  text?: string;
  passphrase?: string;
  /** As ParsedPing, times in ISO 8601, without what is empty. */
  pings: { at: string; key: string }[];
  ignored: Record<string, number>;
}

export function fixturesOf(app: App): [string, Fixture][] {
  return readdirSync(path.join(folder, app))
    .filter((name) => name.endsWith('.json'))
    .map((name) => [
      name.slice(0, -5),
      JSON.parse(readFileSync(path.join(folder, app, name), 'utf8')) as Fixture,
    ]);
}

/** All of them, as [app, name, fixture]. */
export const allFixtures = apps.flatMap((app) =>
  fixturesOf(app).map(([name, fixture]): [App, string, Fixture] => [app, name, fixture]),
);

export function sentOf({ agent, query, body, text, passphrase }: Fixture): Sent {
  const raw = text ?? (body === undefined ? undefined : JSON.stringify(body));
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(query === undefined ? {} : { query }),
    ...(raw === undefined ? {} : { body: raw }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

function json(body: string | undefined): unknown {
  try {
    return body === undefined || body === '' ? undefined : (JSON.parse(body) as unknown);
  } catch {
    return undefined;
  }
}

/** Reads a request exactly as its door does. */
export function readAs(app: App, sent: Sent, now: number): Parsed {
  const { agent = '', query = '', body, passphrase } = sent;
  const message = () => readMessage({ ...parse(query) }, body);
  if (app === 'foyer') {
    const batch = fit(batchBody, json(body));
    if (!batch?.success) return { pings: [], ignored: { 'invalid-request': 1 } };
    return { pings: parseNative(batch.data.pings, now), ignored: {} };
  }
  if (app === 'owntracks') {
    const open = passphrase === undefined ? null : (data: unknown) => openMessage(passphrase, data);
    return parseOwnTracks(json(body), agent, now, { open });
  }
  if (app === 'overland') return parseOverland(json(body), agent, now);
  if (app === 'background-geolocation') return parseBackgroundGeolocation(json(body), agent, now);
  if (app === 'radar') return parseRadar(json(body), agent, now);
  if (app === 'osmand') return parseOsmAnd(message(), agent, now);
  if (app === 'gpslogger') return parseGpsLogger(message(), now);
  return parseWebhook(message(), agent, now);
}
