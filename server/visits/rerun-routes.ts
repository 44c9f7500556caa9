/** What another policy would have made of stored history, over the API. */
import { z } from 'zod';
import type { Difference } from '../../geo/visit-diff.ts';
import type { Visit } from '../../geo/visit.ts';
import type { AnyRoute } from '../http/route.ts';
import type { Rerun, RerunDeps } from './rerun.ts';
import { parsePolicy } from '../../geo/policy.ts';
import { problem } from '../errors.ts';
import { route } from '../http/route.ts';
import { hasStore } from '../stores/queries.ts';
import { MAX_DAYS, MAX_DEVICES, rerun } from './rerun.ts';

const when = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** Visits listed of each sort; all are counted. */
const MAX_LISTED = 1000;

const rerunBody = z
  .object({
    from: when.describe('Visits that begin at or after this time are compared.'),
    to: when.describe(`Visits that begin before this time; at most ${MAX_DAYS} days later.`),
    deviceIds: z
      .array(z.uuid())
      .min(1)
      .max(MAX_DEVICES)
      .optional()
      .describe('Only these devices. Default: every device heard in the span.'),
    storeId: z
      .uuid()
      .optional()
      .describe('Only visits to fences of this store, and devices heard near it.'),
    policy: z
      .record(z.string(), z.unknown())
      .describe('Settings of the engine that differ from their defaults.'),
    against: z
      .enum(['current', 'stored'])
      .default('current')
      .describe('`current`: today’s policy over the same pings. `stored`: visits as they stand.'),
  })
  .strict();

const visitReply = z.object({
  id: z.string().describe('Visit id.'),
  deviceId: z.string().describe('Device.'),
  fenceId: z.string().describe('Fence.'),
  fenceName: z.string().describe('Its name today.'),
  score: z.number().describe('How surely it was a real visit, 0 to 1.'),
  band: z.enum(['high', 'medium', 'low', 'none']).describe('The score in words.'),
  entry: z.iso.datetime().describe('Best estimate of the entry.'),
  exit: z.iso.datetime().nullable().describe('Best estimate of the exit; null while open.'),
  dwellSeconds: z.number().describe('Seconds surely spent inside.'),
  pings: z.int().describe('Pings judged inside.'),
});
const differences = [
  'status',
  'band',
  'score',
  'entry',
  'exit',
  'dwell',
  'pings',
] as const satisfies readonly Difference[];
const tallyReply = z.object({
  visits: z.int().describe('Visits worth the name.'),
  likely: z.number().describe('Sum of their scores: how many are expected to be real.'),
});
const rerunReply = z.object({
  devices: z.int().describe('Devices looked at.'),
  pings: z.int().describe('Pings judged, some of them from just before and after the span.'),
  before: tallyReply.describe('Without the new policy.'),
  after: tallyReply.describe('With the new policy.'),
  counts: z
    .object({
      added: z.int().describe('Visits that only the new policy finds.'),
      lost: z.int().describe('Visits that only the old one finds.'),
      changed: z.int().describe('Visits that stand differently.'),
      same: z.int().describe('Visits that stand as they did.'),
    })
    .describe('How many visits of each sort.'),
  added: z.array(visitReply).describe(`New ones by device and entry, ${MAX_LISTED} at most.`),
  lost: z.array(visitReply).describe(`Lost ones, ${MAX_LISTED} at most.`),
  changed: z
    .array(
      z.object({
        before: visitReply.describe('As it stood.'),
        after: visitReply.describe('As it would stand.'),
        changes: z.array(z.enum(differences)).describe('What differs.'),
      }),
    )
    .describe(`Changed ones, ${MAX_LISTED} at most.`),
});

const exampleVisit = {
  id: '2c9y8k1f3qz-m3x1k0a8',
  deviceId: '01933b2e-8f00-7000-8000-00000000000d',
  fenceId: '01933b2e-8f00-7000-8000-0000000000fe',
  fenceName: 'Shoes',
  score: 0.86,
  band: 'high' as const,
  entry: '2026-11-21T10:00:25.000Z',
  exit: '2026-11-21T10:06:10.000Z',
  dwellSeconds: 330,
  pings: 12,
};
const example = {
  body: {
    from: '2026-11-21T00:00:00Z',
    to: '2026-11-22T00:00:00Z',
    policy: { minDwellSeconds: 600 },
  },
  reply: {
    devices: 3,
    pings: 1840,
    before: { visits: 2, likely: 1.64 },
    after: { visits: 1, likely: 0.78 },
    counts: { added: 0, lost: 1, changed: 0, same: 1 },
    added: [],
    lost: [exampleVisit],
    changed: [],
  },
};

export function rerunRoutes(deps: RerunDeps): AnyRoute[] {
  // It is work for a whole processor: one at a time is enough for anybody.
  const busy = new Set<string>();
  return [
    route({
      method: 'post',
      path: '/v1/visits/rerun',
      summary: 'What another policy would have made of stored history',
      description: `Judges stored pings by another policy and compares the visits. Nothing is written. At most ${MAX_DAYS} days and ${MAX_DEVICES} devices at once; one run at a time. The same history and policy give the same answer.`,
      tag: 'Visits',
      access: 'visits:read',
      body: rerunBody,
      reply: rerunReply,
      example,
      handler: async ({ caller, body }) => {
        const { merchantId } = caller;
        const { from, to, deviceIds, storeId, against } = body;
        const parsed = parsePolicy(body.policy);
        if (!parsed.ok) {
          const errors = [{ path: 'body.policy', message: parsed.message }];
          throw problem('invalid-request', { detail: `body.policy: ${parsed.message}`, errors });
        }
        if (storeId !== undefined) await requireStore(deps, merchantId, storeId);
        if (busy.has(merchantId)) {
          throw problem('too-many-requests', {
            detail: 'Another run is under way.',
            retryAfter: 5,
          });
        }
        busy.add(merchantId);
        try {
          const result = await rerun(deps, {
            merchantId,
            from: from.getTime(),
            to: to.getTime(),
            deviceIds: deviceIds ?? null,
            storeId: storeId ?? null,
            policy: parsed.policy,
            against,
          });
          return presentRerun(result);
        } finally {
          busy.delete(merchantId);
        }
      },
    }),
  ];
}

async function requireStore({ db }: RerunDeps, merchantId: string, id: string): Promise<void> {
  const there = await db.tx((tx) => hasStore(tx, merchantId, id), {
    tenant: merchantId,
    readOnly: true,
  });
  if (!there) throw problem('not-found', { detail: 'There is no store with this id.' });
}

const iso = (t: number): string => new Date(t).toISOString();

/** The answer as the API and the command give it. */
export function presentRerun({ diff, names, ...rest }: Rerun) {
  const { added, lost, changed, same } = diff;
  const one = (visit: Visit) => ({
    id: visit.id,
    deviceId: visit.device,
    fenceId: visit.fence,
    fenceName: names.get(visit.fence)?.name ?? visit.fence,
    score: visit.score,
    band: visit.band,
    entry: iso(visit.entry.estimate),
    exit: visit.exit && iso(visit.exit.estimate),
    dwellSeconds: visit.dwell.lower,
    pings: visit.pings,
  });
  return {
    ...rest,
    counts: { added: added.length, lost: lost.length, changed: changed.length, same },
    added: added.slice(0, MAX_LISTED).map(one),
    lost: lost.slice(0, MAX_LISTED).map(one),
    changed: changed.slice(0, MAX_LISTED).map(({ before, after, changes }) => ({
      before: one(before),
      after: one(after),
      changes: [...changes],
    })),
  };
}
