/** "Why (no) visit?" over the API: every ping of a device in a span, with what it did and what it lacked. */
import { z } from 'zod';
import type { PingView } from '../../geo/explain.ts';
import type { Sentence } from '../../geo/explain-words.ts';
import type { Happening } from '../../geo/history.ts';
import type { AnyRoute } from '../http/route.ts';
import type { Why, WhyDeps } from './why.ts';
import { inWords } from '../../geo/explain-words.ts';
import { route } from '../http/route.ts';
import { whyOf } from './why.ts';

const when = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
/** Milliseconds. */
const USUAL_SPAN = 2 * 3_600_000;
const phases = ['away', 'candidate', 'inside', 'leaving', 'gone'] as const;

const sentence = z.object({
  code: z.string().describe('Which sentence it is; stays the same across releases.'),
  values: z
    .record(z.string(), z.union([z.string(), z.number()]))
    .describe('Figures in it: beliefs 0 to 1, metres, seconds; `fence` is a fence id.'),
  text: z.string().describe('The sentence in English.'),
});
const belief = z.object({
  fenceId: z.string().describe('Fence.'),
  p: z.number().describe('Belief that the device is in it, 0 to 1.'),
});
const pingReply = z.object({
  at: z.iso.datetime().describe('Time it was judged by: the device’s, put right.'),
  receivedAt: z.iso.datetime().nullable().describe('When it came in.'),
  source: z.string().nullable().describe('Protocol it came by.'),
  lon: z.number().describe('Longitude, degrees.'),
  lat: z.number().describe('Latitude, degrees.'),
  accuracy: z.number().nullable().describe('68 % radius as it was used, metres.'),
  sigma: z.number().nullable().describe('Standard deviation on each axis, metres.'),
  verdict: z.string().describe('`accepted`, or why not.'),
  says: z.array(sentence).describe('Why it was refused, or what is notable about it.'),
  fused: z
    .object({
      lon: z.number().describe('Longitude, degrees.'),
      lat: z.number().describe('Latitude, degrees.'),
      sigma: z.number().describe('Standard deviation on each axis, metres.'),
      pStill: z.number().describe('Probability of standing rather than walking.'),
    })
    .nullable()
    .describe('Where the device is taken to be, its earlier pings heard too; null when refused.'),
  fences: z
    .array(
      z.object({
        ...belief.shape,
        none: z.number().describe('Belief in none of this fence and its rivals.'),
        rivals: z.array(belief).describe('Likeliest rivals, best first.'),
        before: z.enum(phases).describe('State in this fence before the ping.'),
        after: z.enum(phases).describe('State in this fence after it.'),
        says: sentence.describe('What is still missing, or what came of it.'),
      }),
    )
    .describe('Fences that came into question.'),
});
const transitionReply = z.object({
  type: z.enum(['entered', 'dwelled', 'left', 'crossed']).describe('What happened.'),
  fenceId: z.string().describe('Where.'),
  visitId: z.string().nullable().describe('Visit it belongs to; none for a crossing.'),
  at: z.iso.datetime().describe('When it happened, as far as can be told.'),
  detectedAt: z.iso.datetime().describe('Time of the ping or deadline that gave it away.'),
  p: z.number().describe('Belief at that moment.'),
  tierSeconds: z.number().nullable().describe('Length of stay passed, for `dwelled`.'),
  reason: z.string().nullable().describe('Why, where it was not the position.'),
});
const visitReply = z.object({
  id: z.string().describe('Visit id.'),
  fenceId: z.string().describe('Fence visited.'),
  stored: z
    .enum(['open', 'closed', 'final', 'retracted'])
    .nullable()
    .describe('How it stands in storage; null when it is not there.'),
  score: z.number().describe('How surely this was a real visit, 0 to 1.'),
  band: z.enum(['high', 'medium', 'low', 'none']).describe('The score in words.'),
  entry: z.iso.datetime().describe('Best estimate of the entry.'),
  exit: z.iso.datetime().nullable().describe('Best estimate of the exit; null while open.'),
  factors: z
    .array(
      z.object({
        name: z.string().describe('Name of the factor.'),
        value: z.number().describe('Its value, 0 to 1.'),
        text: z.string().describe('The reason in words.'),
      }),
    )
    .describe('Why the score is what it is.'),
});
const whyReply = z.object({
  deviceId: z.uuid().describe('Device asked about.'),
  from: z.iso.datetime().describe('Begin of the span.'),
  to: z.iso.datetime().describe('End of the span.'),
  fences: z
    .array(
      z.object({
        fenceId: z.string().describe('Fence.'),
        name: z.string().describe('Its name today.'),
        visited: z.boolean().describe('Whether there is a visit worth the name.'),
        says: sentence.describe('The reason why there is a visit, or none.'),
        pings: z.int().describe('Pings at which the fence came into question.'),
        best: z.number().describe('Highest belief in it.'),
      }),
    )
    .describe('Fences that came into question; first the one asked for, then those with visits.'),
  trust: z.array(sentence).describe('What there is to distrust about the device’s pings.'),
  pings: z.array(pingReply).describe('Every ping of the span, in the order it was judged.'),
  transitions: z.array(transitionReply).describe('What happened, as it came to light.'),
  visits: z.array(visitReply).describe('Visits that were going on.'),
});

const exampleSentence = {
  code: 'wait',
  values: { p: 0.71, needs: 45, soFar: 30 },
  text: 'Believed 0.71; needs 45 s, 30 s so far.',
};
const fenceId = '01933b2e-8f00-7000-8000-0000000000fe';
const example = {
  deviceId: '01933b2e-8f00-7000-8000-00000000000d',
  from: '2026-11-21T10:00:00.000Z',
  to: '2026-11-21T10:30:00.000Z',
  fences: [
    {
      fenceId,
      name: 'Shoes',
      visited: false,
      says: {
        code: 'too-brief',
        values: { p: 0.71, needs: 45, soFar: 30 },
        text: 'Believed up to 0.71, but never for the 45 s it takes: 30 s at most.',
      },
      pings: 4,
      best: 0.71,
    },
  ],
  trust: [],
  pings: [
    {
      at: '2026-11-21T10:00:30.000Z',
      receivedAt: '2026-11-21T10:00:31.000Z',
      source: 'overland',
      lon: 4.8936,
      lat: 52.3731,
      accuracy: 7,
      sigma: 4.6,
      verdict: 'accepted',
      says: [],
      fused: { lon: 4.8936, lat: 52.3731, sigma: 4, pStill: 0.8 },
      fences: [
        {
          fenceId,
          p: 0.71,
          none: 0.2,
          rivals: [],
          before: 'candidate' as const,
          after: 'candidate' as const,
          says: exampleSentence,
        },
      ],
    },
  ],
  transitions: [],
  visits: [],
};

export function whyRoutes(deps: WhyDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/devices/:id/why',
      summary: 'Why a device has a visit or none',
      description:
        'Runs the stored pings of the span through the engine once more and tells what each did: its probabilities, what was refused and why, what a visit still lacked. At most 24 hours and 5,000 pings at once.',
      tag: 'Visits',
      access: 'devices:read',
      params: z.object({ id: z.uuid().describe('Device id.') }),
      query: z.object({
        from: when
          .optional()
          .describe('Begin of the span (ISO 8601 with offset). Default: two hours before its end.'),
        to: when.optional().describe('End of the span, at most 24 hours later. Default: now.'),
        fence: z.uuid().optional().describe('Only this fence; answered for in any case.'),
      }),
      reply: whyReply,
      example: { reply: example },
      handler: async ({ caller, params, query }) => {
        const to = query.to?.getTime() ?? deps.clock();
        const from = query.from?.getTime() ?? to - USUAL_SPAN;
        const { merchantId } = caller;
        const ask = { merchantId, deviceId: params.id, from, to, fenceId: query.fence };
        return present(await whyOf(deps, ask), from, to);
      },
    }),
  ];
}

const iso = (t: number): string => new Date(t).toISOString();

function present(why: Why, from: number, to: number) {
  const nameOf = (id: string): string => why.names.get(id)?.name ?? id;
  const words = (each: Sentence) => ({ ...each, text: inWords(each, nameOf) });
  return {
    deviceId: why.device.id,
    from: iso(from),
    to: iso(to),
    fences: why.explanation.fences.map(({ fence, says, ...rest }) => ({
      ...rest,
      fenceId: fence,
      name: nameOf(fence),
      says: words(says),
    })),
    trust: why.explanation.trust.map(words),
    pings: why.explanation.pings.map((ping) => presentPing(ping, why, words)),
    transitions: why.happenings.map(presentTransition),
    visits: why.visits.map(({ visit, stored }) => ({
      id: visit.id,
      fenceId: visit.fence,
      stored,
      score: visit.score,
      band: visit.band,
      entry: iso(visit.entry.estimate),
      exit: visit.exit && iso(visit.exit.estimate),
      factors: visit.factors.map(({ name, value, text }) => ({ name, value, text })),
    })),
  };
}

type Worded = Sentence & { text: string };

function presentPing(ping: PingView, { sources }: Why, words: (each: Sentence) => Worded) {
  const { t, key, lon, lat, accuracy, sigma, verdict, fused } = ping;
  const came = sources.get(`${t} ${key}`);
  return {
    at: iso(t),
    receivedAt: came ? iso(came.receivedAt) : null,
    source: came?.source ?? null,
    lon,
    lat,
    accuracy,
    sigma,
    verdict,
    says: ping.says.map(words),
    fused,
    fences: ping.fences.map(({ fence, rivals, says, ...rest }) => ({
      ...rest,
      fenceId: fence,
      rivals: rivals.map((rival) => ({ fenceId: rival.fence, p: rival.p })),
      says: words(says),
    })),
  };
}

function presentTransition({ transition: t }: Happening) {
  return {
    type: t.type,
    fenceId: t.fence,
    visitId: t.visit ?? null,
    at: iso(t.at),
    detectedAt: iso(t.detectedAt),
    p: Math.round(t.p * 1e4) / 1e4,
    tierSeconds: t.tierSeconds ?? null,
    reason: t.reason ?? null,
  };
}
