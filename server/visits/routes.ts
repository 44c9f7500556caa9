/** Visits over the API: lists by filter, and one visit with every reason for its score. */
import { z } from 'zod';
import type { Visit } from '../../geo/visit.ts';
import type { Database } from '../db/database.ts';
import type { AnyRoute } from '../http/route.ts';
import type { VisitRow } from './queries.ts';
import { problem } from '../errors.ts';
import { decodeCursor, paged, textId } from '../http/cursor.ts';
import { route } from '../http/route.ts';
import { currentOccupancy, listVisits, visitById } from './queries.ts';

const tag = 'Visits';
const when = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const bands = ['high', 'medium', 'low', 'none'] as const;

const listQuery = z.object({
  fenceId: z.uuid().optional().describe('Only visits to this fence.'),
  storeId: z.uuid().optional().describe('Only visits to fences of this store.'),
  deviceId: z.uuid().optional().describe('Only visits of this device.'),
  guestId: z.uuid().optional().describe('Only visits of this guest.'),
  from: when.optional().describe('Entered at or after this time (ISO 8601 with offset).'),
  to: when.optional().describe('Entered before this time (ISO 8601 with offset).'),
  status: z
    .enum(['open', 'closed', 'final', 'retracted'])
    .optional()
    .describe('Only visits in this state. Default: all but retracted ones.'),
  band: z
    .enum(bands)
    .optional()
    .describe('The weakest band wanted: `medium` gives medium and high. Default: all.'),
  limit: z.coerce.number().int().min(1).max(500).default(100).describe('Visits per page.'),
  cursor: z.string().max(200).optional().describe('`next` of the page before.'),
});

const bounds = (what: string) =>
  z.object({
    earliest: z.iso.datetime().nullable().describe(`Earliest possible ${what}; null when unseen.`),
    estimate: z.iso.datetime().describe(`Best estimate of the ${what}.`),
    latest: z.iso.datetime().nullable().describe(`Latest possible ${what}; null when unseen.`),
  });

const visitFields = {
  id: z.string().describe('Visit id; the same however often the visit is told.'),
  fenceId: z.uuid().describe('Fence visited.'),
  fenceName: z.string().describe('Name of the fence today.'),
  fenceVersion: z.int().describe('Edition of the fence the visit was judged against.'),
  storeId: z.uuid().nullable().describe('Store the fence belongs to.'),
  deviceId: z.uuid().describe('Device seen.'),
  guestId: z.uuid().nullable().describe('Guest who carries it, when known.'),
  status: z
    .enum(['open', 'closed', 'final', 'retracted'])
    .describe(
      'open: still there. closed: left, may yet be revised. final: settled for good. retracted: later pings showed that it never was.',
    ),
  revision: z.int().describe('Rises with each edition of the visit.'),
  score: z.number().describe('How surely this was a real visit, 0 to 1.'),
  band: z.enum(bands).describe('high from 0.8, medium from 0.5, low from 0.2.'),
  entry: bounds('entry').describe('When it began.'),
  exit: bounds('exit').nullable().describe('When it ended; null while open.'),
  dwell: z
    .object({
      lower: z.number().describe('Seconds surely spent inside.'),
      estimate: z.number().describe('Best estimate, seconds.'),
      upper: z.number().nullable().describe('Seconds at most; null while an end is unseen.'),
    })
    .describe('Length of stay as an interval.'),
  pings: z.int().describe('Pings judged inside.'),
  evidence: z
    .array(z.enum(['portal_login', 'wifi_session', 'qr', 'beacon']))
    .describe('What else than positions speaks for it.'),
};
const visitReply = z.object(visitFields);
const visitDetailReply = z.object({
  ...visitFields,
  effectivePings: z
    .number()
    .nullable()
    .describe('Pings weighed by their independence; null for visits of older releases.'),
  bestAccuracy: z.number().nullable().describe('Best accuracy among them, metres (68 %).'),
  observedSeconds: z.number().nullable().describe('Seconds of the stay that pings cover.'),
  longestGapSeconds: z.number().nullable().describe('Longest stretch that they do not.'),
  distrust: z
    .array(z.enum(['jumped', 'frozen', 'ruled']))
    .describe('What is wrong with the track: an impossible jump, or too little noise.'),
  leftCensored: z.boolean().describe('The device was first seen already inside.'),
  rightCensored: z.boolean().describe('Nobody saw it leave.'),
  alternates: z
    .array(
      z.object({
        fenceId: z.string().describe('Another fence it may have been.'),
        p: z.number().describe('How probable, 0 to 1.'),
      }),
    )
    .describe('Rivals of this fence.'),
  pNone: z.number().describe('Probability of having been in none of the fences.'),
  factors: z
    .array(
      z.object({
        name: z.string().describe('Name of the factor.'),
        value: z.number().describe('What was seen, 0 to 1.'),
        weight: z
          .number()
          .describe('The fitted weight with which it enters the score; 0 is only told.'),
        text: z.string().describe('The reason in words.'),
      }),
    )
    .describe('Why the score is what it is.'),
  triggerEligible: z.boolean().describe('Whether the visit may still trigger an offer.'),
  whyNot: z.string().nullable().describe('Why it may not.'),
});
const listReply = z.object({
  visits: z.array(visitReply).describe('Visits by time of entry, newest first.'),
  next: z.string().nullable().describe('Cursor of the next page; null at the end.'),
});
const occupancyReply = z.object({
  at: z.iso.datetime().describe('When this was so.'),
  fences: z
    .array(
      z.object({
        fenceId: z.uuid().describe('Fence.'),
        fenceName: z.string().describe('Its name.'),
        visits: z.int().describe('Open visits.'),
        likely: z.number().describe('Expected number of people: the sum of the visits’ scores.'),
        since: z.iso.datetime().nullable().describe('When the longest of them began.'),
      }),
    )
    .describe('Every active fence, by name.'),
});

const example = {
  id: '2c9y8k1f3qz-m3x1k0a8',
  fenceId: '01933b2e-8f00-7000-8000-0000000000fe',
  fenceName: 'Shoes',
  fenceVersion: 1,
  storeId: '01933b2e-8f00-7000-8000-000000000005',
  deviceId: '01933b2e-8f00-7000-8000-00000000000d',
  guestId: null,
  status: 'final' as const,
  revision: 7,
  score: 0.86,
  band: 'high' as const,
  entry: {
    earliest: '2026-11-21T10:00:10.000Z',
    estimate: '2026-11-21T10:00:25.000Z',
    latest: '2026-11-21T10:00:40.000Z',
  },
  exit: {
    earliest: '2026-11-21T10:12:10.000Z',
    estimate: '2026-11-21T10:12:25.000Z',
    latest: '2026-11-21T10:12:40.000Z',
  },
  dwell: { lower: 690, estimate: 720, upper: 750 },
  pings: 24,
  evidence: ['portal_login' as const],
};
const exampleDetail = {
  ...example,
  effectivePings: 15.3,
  bestAccuracy: 5,
  observedSeconds: 690,
  longestGapSeconds: 30,
  distrust: [],
  leftCensored: false,
  rightCensored: false,
  alternates: [],
  pNone: 0.03,
  factors: [
    { name: 'stay', value: 1, weight: 1, text: 'at least 11 min 30 s, at most 12 min 30 s' },
  ],
  triggerEligible: false,
  whyNot: 'The visit is over.',
};

const iso = (at: Date | null): string | null => at?.toISOString() ?? null;

function present(row: VisitRow) {
  return {
    id: row.id,
    fenceId: row.fence_id,
    fenceName: row.fence_name,
    fenceVersion: row.fence_version,
    storeId: row.store_id,
    deviceId: row.device_id,
    guestId: row.guest_id,
    status: row.status,
    revision: row.revision,
    score: row.score,
    band: row.band,
    entry: {
      earliest: iso(row.entry_earliest),
      estimate: row.entry_at.toISOString(),
      latest: iso(row.entry_latest),
    },
    exit: row.exit_at && {
      earliest: iso(row.exit_earliest),
      estimate: row.exit_at.toISOString(),
      latest: iso(row.exit_latest),
    },
    dwell: { lower: row.dwell_lower_s, estimate: row.dwell_s, upper: row.dwell_upper_s },
    pings: row.pings,
    evidence: [...(row.detail.evidence ?? [])],
  };
}

function presentWhole(row: VisitRow) {
  const { detail } = row;
  const retracted = row.status === 'retracted';
  return {
    ...present(row),
    ...observed(detail),
    leftCensored: detail.leftCensored,
    rightCensored: detail.rightCensored,
    alternates: detail.alternates.map(({ fence, p }) => ({ fenceId: fence, p })),
    pNone: detail.pNone,
    factors: [...detail.factors],
    triggerEligible: detail.triggerEligible && !retracted,
    whyNot: retracted ? 'Later pings showed that it never was.' : (detail.whyNot ?? null),
  };
}

/** What older releases did not write is unknown. */
function observed(detail: Partial<Visit>) {
  return {
    effectivePings: detail.effectivePings ?? null,
    bestAccuracy: detail.bestAccuracy ?? null,
    observedSeconds: detail.observedSeconds ?? null,
    longestGapSeconds: detail.longestGapSeconds ?? null,
    distrust: [...(detail.distrust ?? [])],
  };
}

export function visitRoutes({ db, clock }: { db: Database; clock: () => number }): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/visits',
      summary: 'List visits',
      tag,
      access: 'visits:read',
      query: listQuery,
      reply: listReply,
      example: { reply: { visits: [example], next: null } },
      handler: async ({ caller, query }) => {
        const { merchantId } = caller;
        const { cursor, band, limit, ...filter } = query;
        const wanted = band && bands.slice(0, bands.indexOf(band) + 1);
        const whole = {
          ...filter,
          bands: wanted,
          after: decodeCursor(cursor, textId),
          limit: limit + 1,
        };
        const rows = await db.tx((tx) => listVisits(tx, merchantId, whole), {
          tenant: merchantId,
          readOnly: true,
        });
        const { page, next } = paged(rows, limit, (row) => row.entry_at);
        return { visits: page.map(present), next };
      },
    }),
    route({
      method: 'get',
      path: '/v1/visits/:id',
      summary: 'One visit, with the reasons for its score',
      tag,
      access: 'visits:read',
      params: z.object({ id: z.string().max(64).describe('Visit id.') }),
      reply: visitDetailReply,
      example: { reply: exampleDetail },
      handler: async ({ caller, params }) => {
        const { merchantId } = caller;
        const row = await db.tx((tx) => visitById(tx, merchantId, params.id), {
          tenant: merchantId,
          readOnly: true,
        });
        if (!row) throw problem('not-found', { detail: 'There is no visit with this id.' });
        return presentWhole(row);
      },
    }),
    route({
      method: 'get',
      path: '/v1/occupancy',
      summary: 'Who is there now, fence by fence',
      tag,
      access: 'visits:read',
      query: z.object({ storeId: z.uuid().optional().describe('Only fences of this store.') }),
      reply: occupancyReply,
      example: {
        reply: {
          at: '2026-11-21T10:05:00.000Z',
          fences: [
            {
              fenceId: example.fenceId,
              fenceName: 'Shoes',
              visits: 3,
              likely: 2.4,
              since: '2026-11-21T09:58:00.000Z',
            },
          ],
        },
      },
      handler: async ({ caller, query }) => {
        const { merchantId } = caller;
        const rows = await db.tx((tx) => currentOccupancy(tx, merchantId, query.storeId ?? null), {
          tenant: merchantId,
          readOnly: true,
        });
        const fences = rows.map((row) => ({ ...row, since: iso(row.since) }));
        return { at: new Date(clock()).toISOString(), fences };
      },
    }),
  ];
}
