/** The doors for pings: Foyer's own batches, OwnTracks in HTTP mode, Overland. Answered once durable. */
import { z } from 'zod';
import type { AnyRoute, DeviceCaller } from '../http/route.ts';
import type { Log } from '../log.ts';
import type { Ingest } from './ingest.ts';
import type { Parsed, Source } from './ping.ts';
import { ProblemError, problem } from '../errors.ts';
import { route } from '../http/route.ts';
import { parseNative } from './protocols/native.ts';
import { parseOverland } from './protocols/overland.ts';
import { parseOwnTracks } from './protocols/owntracks.ts';

export interface PingDeps {
  ingest: Ingest;
  clock: () => number;
  log: Log;
  /** Counts what was not even a ping, for the metrics. */
  count?: ((source: Source, verdict: string, messages: number) => void) | undefined;
}

const tag = 'Pings';
const MAX_BATCH = 1000;

const pingBody = z.object({
  id: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('The app’s own id of this ping; without it the place and time are the identity.'),
  at: z
    .union([z.string().max(40), z.number()])
    .describe('When the position was taken: ISO 8601 with offset, or milliseconds since 1970.'),
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
});
const batchBody = z.object({
  pings: z.array(pingBody).min(1).max(MAX_BATCH).describe('1 to 1,000 pings, in any order.'),
});
const batchReply = z.object({
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
});
const anything = z.unknown().optional().describe('A message as the app sends it.');
const overlandReply = z.object({
  result: z.literal('ok').describe('Always ok: the batch is safe.'),
});

const exampleBatch = {
  pings: [
    { at: '2026-11-21T10:00:00Z', lon: 120.1551, lat: 30.2741, accuracy: 8, speed: 0.3 },
    { at: '2026-11-21T10:00:30Z', lon: 120.1552, lat: 30.2741, accuracy: 9, speed: 0 },
  ],
};
const exampleOwnTracks = {
  _type: 'location',
  lat: 30.2741,
  lon: 120.1551,
  tst: 1795255200,
  acc: 8,
  vel: 1,
  tid: 'a1',
};
const exampleOverland = {
  locations: [
    {
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [120.1551, 30.2741] },
      properties: { timestamp: '2026-11-21T10:00:00Z', speed: -1, horizontal_accuracy: 8 },
    },
  ],
};

/**
 * These apps drop a message for good on any 4xx, or repeat an unusable one for ever. So being busy
 * is a 503, and only a wrong token (the guard's 401) or an absurdly large body is a 4xx.
 */
async function patiently(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'too-many-requests') {
      throw problem('unavailable', { retryAfter: error.extras.retryAfter ?? 2 });
    }
    throw error;
  }
}

function noteIgnored(deps: PingDeps, source: Source, caller: DeviceCaller, parsed: Parsed): void {
  const reasons = Object.entries(parsed.ignored);
  for (const [reason, messages] of reasons) deps.count?.(source, reason, messages);
  if (reasons.length > 0) {
    deps.log.debug({ source, deviceId: caller.deviceId, ignored: parsed.ignored }, 'not pings');
  }
}

function nativeRoute({ ingest, clock }: PingDeps): AnyRoute {
  return route({
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
    reply: batchReply,
    example: {
      body: exampleBatch,
      reply: { accepted: 1, duplicates: 0, refused: [{ index: 1, reason: 'inaccurate' }] },
    },
    handler: ({ caller, body }) => ingest(caller, parseNative(body.pings, clock())),
  });
}

function ownTracksRoute(deps: PingDeps, path: string): AnyRoute {
  return route({
    method: 'post',
    path,
    summary: 'OwnTracks in HTTP mode',
    description:
      'One OwnTracks message (or an array of them). Positions are taken from `location`; every other type, an empty body and anything unreadable is counted and answered with 200. Credentials: HTTP Basic with the device token as password, a Bearer token, or `?token=`. When the server is busy or in trouble it answers 503 and the app sends again.',
    tag,
    access: 'device',
    body: anything,
    bodyLimit: 512 * 1024,
    lenientBody: true,
    reply: z.array(z.unknown()).describe('Always an empty list.'),
    example: { body: exampleOwnTracks, reply: [] },
    handler: async ({ caller, body, headers }) => {
      const parsed = parseOwnTracks(body, headers['user-agent'] ?? '', deps.clock());
      noteIgnored(deps, 'owntracks', caller, parsed);
      await patiently(deps.ingest(caller, parsed.pings));
      return [];
    },
  });
}

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
    bodyLimit: 2 * 1024 * 1024,
    lenientBody: true,
    status,
    reply: overlandReply,
    example: { body: exampleOverland, reply: { result: 'ok' } },
    handler: async ({ caller, body, headers }) => {
      const parsed = parseOverland(body, headers['user-agent'] ?? '', deps.clock());
      noteIgnored(deps, 'overland', caller, parsed);
      await patiently(deps.ingest(caller, parsed.pings));
      return { result: 'ok' as const };
    },
  });
}

/** Every address the apps may have been given, old Dawarich ones included. */
export function pingRoutes(deps: PingDeps): AnyRoute[] {
  return [
    nativeRoute(deps),
    ownTracksRoute(deps, '/owntracks'),
    ownTracksRoute(deps, '/v1/owntracks'),
    ownTracksRoute(deps, '/api/v1/owntracks/points'),
    overlandRoute(deps, '/overland', 200),
    overlandRoute(deps, '/v1/overland', 200),
    overlandRoute(deps, '/api/v1/overland/batches', 201),
  ];
}
