/** What the demo's phones send: OwnTracks over HTTP, Overland batches, or a shop's own app that hears beacons. */
import type { Fix } from './crowd.ts';
import { deskBeacon } from './mall.ts';

export type App = 'owntracks' | 'overland' | 'own';

/** Sends fixes the way the app does; throws unless the server answers as the app expects. */
export async function sendFixes(
  base: string,
  app: App,
  token: string,
  fixes: readonly Fix[],
): Promise<void> {
  if (fixes.length === 0) return;
  if (app === 'overland') await sendOverland(base, token, fixes);
  else if (app === 'own') await sendOwn(base, token, fixes);
  else for (const fix of fixes) await sendOwnTracks(base, token, fix);
}

async function sendOwn(base: string, token: string, fixes: readonly Fix[]): Promise<void> {
  const pings = fixes.map(({ t, lon, lat, acc, speed, desk }) => ({
    at: t,
    lon,
    lat,
    accuracy: acc,
    speed,
    ...(desk ? { beacons: [deskBeacon] } : {}),
  }));
  await post(`${base}/v1/pings`, { authorization: `Bearer ${token}` }, { pings });
}

async function sendOverland(base: string, token: string, fixes: readonly Fix[]): Promise<void> {
  const locations = fixes.map(({ t, lon, lat, acc, speed }) => ({
    type: 'Feature',
    geometry: { type: 'Point', coordinates: [lon, lat] },
    properties: {
      timestamp: new Date(t).toISOString(),
      horizontal_accuracy: acc,
      speed: Math.round(speed),
      motion: speed > 0.4 ? ['walking'] : ['stationary'],
      battery_level: 0.8,
      wifi: '',
    },
  }));
  const reply = await post(`${base}/overland`, { authorization: `Bearer ${token}` }, { locations });
  if ((reply as { result?: string }).result !== 'ok')
    throw new Error('Overland was not answered "ok"');
}

async function sendOwnTracks(
  base: string,
  token: string,
  { t, lon, lat, acc, speed }: Fix,
): Promise<void> {
  const message = {
    _type: 'location',
    tst: Math.round(t / 1000),
    lon,
    lat,
    acc,
    vel: Math.round(speed * 3.6),
    tid: 'fo',
    t: 't',
  };
  const basic = Buffer.from(`demo:${token}`).toString('base64');
  const reply = await post(
    `${base}/owntracks`,
    { authorization: `Basic ${basic}`, 'x-limit-d': 'phone' },
    message,
  );
  if (!Array.isArray(reply)) throw new Error('OwnTracks was not answered with a list');
}

async function post(url: string, headers: Record<string, string>, body: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return response.json();
}
