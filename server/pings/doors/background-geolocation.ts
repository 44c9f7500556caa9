/** transistorsoft background-geolocation: apps of one's own in React Native, Flutter, Capacitor, Cordova. */
import { z } from 'zod';
import type { AnyRoute } from '../../http/route.ts';
import type { PingDeps } from './door.ts';
import { route } from '../../http/route.ts';
import { parseBackgroundGeolocation } from '../protocols/background-geolocation.ts';
import { LARGE, tag, takeIn } from './door.ts';

const anything = z.unknown().optional().describe('What the plugin sends.');
const example = {
  location: {
    uuid: '0e9a2473-a9a7-4c00-997b-fb97d2154e75',
    timestamp: '2026-11-21T10:00:00.000Z',
    age: 120,
    event: 'motionchange',
    is_moving: false,
    coords: { latitude: 30.2741, longitude: 120.1551, accuracy: 8, speed: -1, heading: -1 },
    activity: { type: 'still', confidence: 100 },
    battery: { level: 0.8, is_charging: false },
  },
};

function backgroundRoute(deps: PingDeps, method: 'post' | 'put', path: string): AnyRoute {
  return route({
    method,
    path,
    summary: 'transistorsoft background-geolocation',
    description:
      'One location or, with batchSync, a list under `location` (or at the root). Samples are not stored; the rest is known by its `uuid`. Answers 200 once durable, so the plugin forgets the record; 503 when it should send again. Credentials: `headers: {Authorization: "Bearer …"}`, or `?token=`.',
    tag,
    access: 'device',
    body: anything,
    bodyLimit: LARGE,
    lenientBody: true,
    reply: z.object({ result: z.literal('ok').describe('Always ok: the records are safe.') }),
    example: { body: example, reply: { result: 'ok' } },
    handler: async ({ caller, body, headers }) => {
      const agent = headers['user-agent'] ?? '';
      const parsed = parseBackgroundGeolocation(body, agent, deps.clock());
      await takeIn(deps, 'background-geolocation', caller, parsed);
      return { result: 'ok' as const };
    },
  });
}

export function backgroundRoutes(deps: PingDeps): AnyRoute[] {
  return ['/background-geolocation', '/v1/background-geolocation'].flatMap((path) => [
    backgroundRoute(deps, 'post', path),
    backgroundRoute(deps, 'put', path),
  ]);
}
