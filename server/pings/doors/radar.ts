/** Doors shaped like Radar's track API, for callers that move here: same request, same kind of answer. */
import { z } from 'zod';
import type { AnyRoute, DeviceCaller } from '../../http/route.ts';
import type { Parsed, ParsedPing } from '../ping.ts';
import type { PingDeps } from './door.ts';
import { route } from '../../http/route.ts';
import { listVisits } from '../../visits/queries.ts';
import { parseRadar } from '../protocols/radar.ts';
import { LARGE, tag, takeIn } from './door.ts';

/** Fences named in an answer; nobody stands in more. */
const MOST_FENCES = 50;

const anything = z.unknown().optional().describe('The fields of Radar’s track call.');
const meta = z
  .object({ code: z.int().describe('200: it is stored.') })
  .describe('How it went, as Radar says it.');
const geofence = z.object({
  _id: z.uuid().describe('Fence id.'),
  description: z.string().describe('Name of the fence.'),
  externalId: z.uuid().describe('Fence id once more: here it has no other.'),
});
const trackReply = z.object({
  meta,
  events: z.array(z.unknown()).describe('Always empty: events come by socket or cursor.'),
  user: z
    .object({
      _id: z.uuid().describe('Device id.'),
      deviceId: z.string().nullable().describe('The caller’s own name for the device, as sent.'),
      userId: z.uuid().nullable().describe('Guest who carries the device.'),
      location: z
        .object({
          type: z.literal('Point').describe('Always a point.'),
          coordinates: z.array(z.number()).describe('Longitude, latitude.'),
        })
        .nullable()
        .describe('The position just sent.'),
      locationAccuracy: z.number().nullable().describe('Metres.'),
      stopped: z.boolean().describe('The device said that it stands.'),
      geofences: z.array(geofence).describe('Fences it is visiting now.'),
    })
    .describe('The device as it stands after this position.'),
});
const exampleTrack = {
  latitude: 30.2741,
  longitude: 120.1551,
  accuracy: 8,
  deviceId: 'phone-1',
  updatedAtMsDiff: 300,
  stopped: true,
};
const exampleUser = {
  _id: '01933b2e-8f00-7000-8000-00000000000d',
  deviceId: 'phone-1',
  userId: null,
  location: { type: 'Point' as const, coordinates: [120.1551, 30.2741] },
  locationAccuracy: 8,
  stopped: true,
  geofences: [],
};

function userOf(
  caller: DeviceCaller,
  ping: ParsedPing | undefined,
  geofences: z.input<typeof geofence>[],
): z.input<typeof trackReply>['user'] {
  const named = ping?.extras?.['radarDevice'];
  return {
    _id: caller.deviceId,
    deviceId: typeof named === 'string' ? named : null,
    userId: caller.guestId,
    location: ping ? { type: 'Point', coordinates: [ping.lon, ping.lat] } : null,
    locationAccuracy: ping?.accuracy ?? null,
    stopped: ping?.still ?? false,
    geofences,
  };
}

async function visiting({ db }: PingDeps, { merchantId, deviceId }: DeviceCaller) {
  if (!db) return [];
  const open = { deviceId, status: 'open', limit: MOST_FENCES };
  const visits = await db.tx((tx) => listVisits(tx, merchantId, open), {
    tenant: merchantId,
    readOnly: true,
  });
  return visits.map(({ fence_id, fence_name }) => ({
    _id: fence_id,
    description: fence_name,
    externalId: fence_id,
  }));
}

export function radarRoutes(deps: PingDeps): AnyRoute[] {
  const take = async (caller: DeviceCaller, body: unknown, agent = ''): Promise<Parsed> => {
    const parsed = parseRadar(body, agent, deps.clock());
    await takeIn(deps, 'radar', caller, parsed);
    return parsed;
  };
  const shared = {
    method: 'post' as const,
    tag,
    access: 'device' as const,
    body: anything,
    bodyLimit: LARGE,
    lenientBody: true,
  };
  return [
    route({
      ...shared,
      path: '/v1/track',
      summary: 'A position in the shape of Radar’s track call',
      description:
        'For systems that move from Radar. The device token stands alone in `Authorization`, as a publishable key does; each device has its own. The answer names the fences that the device is visiting.',
      reply: trackReply,
      example: {
        body: exampleTrack,
        reply: { meta: { code: 200 }, events: [], user: exampleUser },
      },
      handler: async ({ caller, body, headers }) => {
        const { pings } = await take(caller, body, headers['user-agent']);
        const geofences = await visiting(deps, caller);
        return { meta: { code: 200 }, events: [], user: userOf(caller, pings.at(-1), geofences) };
      },
    }),
    route({
      ...shared,
      path: '/v1/track/replay',
      summary: 'Positions that Radar’s client kept while it was offline',
      reply: z.object({ meta }),
      example: { body: { replays: [exampleTrack] }, reply: { meta: { code: 200 } } },
      handler: async ({ caller, body, headers }) => {
        await take(caller, body, headers['user-agent']);
        return { meta: { code: 200 } };
      },
    }),
  ];
}
