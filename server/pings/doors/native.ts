/** Foyer's own door: batches checked by a schema, refused whole when they do not fit it. */
import { z } from 'zod';
import type { AnyRoute } from '../../http/route.ts';
import type { PingDeps } from './door.ts';
import { route } from '../../http/route.ts';
import { parseNative } from '../protocols/native.ts';
import { MAX_HEARD } from '../protocols/radio.ts';
import { tag } from './door.ts';

const MAX_BATCH = 1000;

const beacon = z.object({
  uuid: z.string().min(32).max(36).describe('Proximity UUID, with or without hyphens.'),
  major: z.int().min(0).max(65_535).describe('Major number.'),
  minor: z.int().min(0).max(65_535).describe('Minor number.'),
});
const instant = z.union([z.string().max(40), z.number()]);
const pingBody = z.object({
  id: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('The app’s own id of this ping; without it the place and time are the identity.'),
  at: instant.describe(
    'When the position was taken: ISO 8601 with offset, or milliseconds since 1970.',
  ),
  lon: z.number().describe('Longitude in degrees, WGS 84.'),
  lat: z.number().describe('Latitude in degrees, WGS 84.'),
  accuracy: z.number().min(0).nullish().describe('Accuracy in metres; leave out when unknown.'),
  accuracyKind: z
    .enum(['p68', 'rms', 'p95'])
    .optional()
    .describe(
      'What accuracy means: 68 % radius (Android, default), 2-D RMS (Apple), 95 % radius (browsers).',
    ),
  speed: z.number().nullish().describe('Speed in metres a second; negative or absent: unknown.'),
  still: z.boolean().optional().describe('The device says that it does not move.'),
  mock: z.boolean().optional().describe('The device says that the position is simulated.'),
  bssid: z
    .string()
    .max(20)
    .optional()
    .describe('MAC address of the access point the device is connected to.'),
  beacons: z.array(beacon).max(MAX_HEARD).optional().describe('Beacons heard with the fix.'),
  qr: z.string().min(1).max(128).optional().describe('Code that was scanned at this place.'),
  sentAt: instant
    .optional()
    .describe('The device’s clock when it sent this: tells how wrong that clock is.'),
});
export const batchBody = z.object({
  pings: z.array(pingBody).min(1).max(MAX_BATCH).describe('1 to 1,000 pings, in any order.'),
});
export const batchReply = {
  accepted: z.int().describe('Pings used.'),
  duplicates: z.int().describe('Pings stored before; sending a batch again is safe.'),
  refused: z
    .array(
      z.object({
        index: z.int().describe('Position in the batch sent, from 0.'),
        reason: z.string().describe('Why it was not used, e.g. inaccurate, lon-lat-swapped.'),
      }),
    )
    .describe('Pings kept but not used.'),
};

const exampleBatch = {
  pings: [
    { at: '2026-11-21T10:00:00Z', lon: 120.1551, lat: 30.2741, accuracy: 8, speed: 0.3 },
    { at: '2026-11-21T10:00:30Z', lon: 120.1552, lat: 30.2741, accuracy: 9, speed: 0 },
  ],
};

export function nativeRoutes({ ingest, clock }: PingDeps): AnyRoute[] {
  return [
    route({
      method: 'post',
      path: '/v1/pings',
      summary: 'Send a batch of pings',
      description:
        'Answers after the batch is durable. Send a batch again whenever no answer came: pings already stored are only counted. A ping that cannot be used is kept with its reason and does not hold up the others; a batch that does not fit the schema is refused whole.',
      tag,
      access: 'device',
      body: batchBody,
      bodyLimit: 512 * 1024,
      status: 202,
      reply: z.object(batchReply),
      example: {
        body: exampleBatch,
        reply: { accepted: 1, duplicates: 0, refused: [{ index: 1, reason: 'inaccurate' }] },
      },
      handler: ({ caller, body }) => ingest(caller, parseNative(body.pings, clock())),
    }),
  ];
}
