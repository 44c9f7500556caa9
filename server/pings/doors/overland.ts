/** Overland and the many that speak its format; the answer must be exactly what the app waits for. */
import { z } from 'zod';
import type { AnyRoute } from '../../http/route.ts';
import type { PingDeps } from './door.ts';
import { route } from '../../http/route.ts';
import { parseOverland } from '../protocols/overland.ts';
import { LARGE, tag, takeIn } from './door.ts';

const anything = z.unknown().optional().describe('A message as the app sends it.');
const overlandReply = z.object({
  result: z.literal('ok').describe('Always ok: the batch is safe.'),
});
const example = {
  locations: [
    {
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [120.1551, 30.2741] },
      properties: { timestamp: '2026-11-21T10:00:00Z', speed: -1, horizontal_accuracy: 8 },
    },
  ],
};

function overlandRoute(deps: PingDeps, path: string, status: 200 | 201): AnyRoute {
  return route({
    method: 'post',
    path,
    summary: 'Overland batches',
    description:
      'A batch as Overland, GPSLogger and Dawarich clients send it. Features that are no fixes (visits, trips, app actions, no geometry) are counted and skipped; the answer is `{"result":"ok"}` once the rest is durable. Credentials: Bearer token, or `?token=`/`?api_key=`.',
    tag,
    access: 'device',
    body: anything,
    bodyLimit: LARGE,
    lenientBody: true,
    status,
    reply: overlandReply,
    example: { body: example, reply: { result: 'ok' } },
    handler: async ({ caller, body, headers }) => {
      const parsed = parseOverland(body, headers['user-agent'] ?? '', deps.clock());
      await takeIn(deps, 'overland', caller, parsed);
      return { result: 'ok' as const };
    },
  });
}

/** Old Dawarich addresses included. */
export function overlandRoutes(deps: PingDeps): AnyRoute[] {
  return [
    overlandRoute(deps, '/overland', 200),
    overlandRoute(deps, '/v1/overland', 200),
    overlandRoute(deps, '/api/v1/overland/batches', 201),
  ];
}
