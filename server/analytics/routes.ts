/** Figures over the API. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { problem } from '../errors.ts';
import type { AnyRoute } from '../http/route.ts';
import { route } from '../http/route.ts';
import { dayOf } from './day.ts';
import { overviewOf } from './overview.ts';
import type { Overview } from './overview.ts';
import { placeOf } from './place.ts';

/** Years a calendar of visits can have: far enough from the ends of what a Date holds. */
const day = z.iso
  .date()
  .refine((text) => text >= '1970-01-01' && text < '3000-01-01', 'must be a day from 1970 to 2999');

const estimate = z.object({
  value: z.number().describe('Expected number: the sum of the probabilities.'),
  variance: z.number().describe('Sum of p(1 − p) of the probabilities summed.'),
  low: z.number().describe('In 95 of 100 cases the true number is not smaller,'),
  high: z.number().describe('and not greater than this.'),
  plusMinus: z.number().describe('Half the width of that range: 1.96 standard deviations.'),
});
const dwell = z.object({
  median: z
    .number()
    .nullable()
    .describe(
      'Median stay, seconds (Kaplan-Meier, each visit weighed by its score); null when fewer than half were seen to their end.',
    ),
  lower: z
    .number()
    .nullable()
    .describe('The same were every stay as short as its pings allow, seconds.'),
  upper: z.number().nullable().describe('The same were every stay as long as its pings allow.'),
  visits: z.number().int().describe('Visits behind it.'),
  ended: z.number().int().describe('Of these, seen from beginning to end.'),
});
const offers = z.object({
  issued: z.number().int().describe('Vouchers issued.'),
  redeemed: z.number().int().describe('Vouchers redeemed.'),
});

function twice<T extends z.ZodType>(part: T, what: string) {
  return z
    .object({
      now: part.describe('The day asked for.'),
      before: part.describe('The same weekday a week before.'),
    })
    .describe(what);
}

const reply = z.object({
  day: z.iso.date().describe('Day by the store’s calendar.'),
  comparedWith: z.iso.date().describe('The same weekday a week before.'),
  running: z
    .boolean()
    .describe('Whether the day is not over; both days are then counted up to the same time.'),
  inside: z
    .number()
    .int()
    .describe('Devices with an open visit right now: what the live page shows, not an estimate.'),
  visits: twice(estimate, 'Visits, expected.'),
  devices: twice(
    estimate,
    'Different devices, each with the chance that one of its visits was real.',
  ),
  dwell: twice(dwell, 'How long they stayed.'),
  offers: twice(offers, 'Offers.'),
  hours: z
    .array(
      z.object({
        hour: z.number().int().describe('Hour by the store’s clock, 0 to 23.'),
        now: z.number().describe('Expected visits begun in it.'),
        low: z.number().describe('In 95 of 100 cases there were not fewer,'),
        high: z.number().describe('and not more than this.'),
        before: z.number().describe('Expected a week before, the whole day.'),
      }),
    )
    .describe('Visits by hour of entry.'),
  curves: z
    .object({
      visits: z.array(z.number()).describe('Visits, expected.'),
      devices: z.array(z.number()).describe('Different devices, expected.'),
      dwell: z.array(z.number().nullable()).describe('Median stay, seconds.'),
      redeemed: z.array(z.number()).describe('Vouchers redeemed.'),
    })
    .describe('The last 14 days, oldest first.'),
  fences: z
    .array(
      z.object({
        id: z.uuid().describe('Fence id.'),
        name: z.string().describe('Fence name.'),
        floor: z.string().nullable().describe('Floor.'),
        visits: z.number().describe('Expected visits.'),
        low: z.number().describe('In 95 of 100 cases there were not fewer,'),
        high: z.number().describe('and not more than this.'),
        dwell: z.number().nullable().describe('Median stay, seconds.'),
      }),
    )
    .describe('The twelve most visited fences.'),
});

const example: Overview = {
  day: '2026-11-17',
  comparedWith: '2026-11-10',
  running: false,
  inside: 0,
  visits: {
    now: { value: 86.4, variance: 6.8, low: 81.3, high: 91.5, plusMinus: 5.1 },
    before: { value: 79.9, variance: 6, low: 75.1, high: 84.7, plusMinus: 4.8 },
  },
  devices: {
    now: { value: 71.2, variance: 4.6, low: 67, high: 75.4, plusMinus: 4.2 },
    before: { value: 66, variance: 4.2, low: 62, high: 70, plusMinus: 4 },
  },
  dwell: {
    now: { median: 742, lower: 655, upper: 860, visits: 81, ended: 63 },
    before: { median: 700, lower: 610, upper: 815, visits: 74, ended: 58 },
  },
  offers: { now: { issued: 22, redeemed: 9 }, before: { issued: 18, redeemed: 6 } },
  hours: [{ hour: 9, now: 6.2, low: 4.6, high: 7.8, before: 5.4 }],
  curves: { visits: [80.1, 86.4], devices: [70, 73], dwell: [700, 742], redeemed: [6, 9] },
  fences: [
    {
      id: '0193a6c0-0000-7000-8000-000000000009',
      name: 'Shoes',
      floor: '1',
      visits: 31.5,
      low: 27.9,
      high: 35.1,
      dwell: 402,
    },
  ],
};

export interface AnalyticsDeps {
  db: Database;
  clock: () => number;
}

export function analyticsRoutes({ db, clock }: AnalyticsDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/analytics/overview',
      summary: 'A store’s day',
      description:
        'A visit’s score is the probability that it was one: somebody was in the fence, and for its minimum dwell at least. Figures are sums of these probabilities with their variance, visits taken as independent; doubtful visits count with their small probability, retracted ones never. Totals of a store are not personal data and are never suppressed.',
      tag: 'Analytics',
      access: 'visits:read',
      query: z.object({
        store: z.uuid().describe('Store id.'),
        day: day.optional().describe('Day by the store’s calendar; today unless said.'),
      }),
      reply,
      example: { reply: example },
      handler: ({ caller: { merchantId }, query }) =>
        db.tx(
          async (tx) => {
            const place = await placeOf(tx, merchantId, query.store);
            if (!place) throw problem('not-found');
            const at = new Date(clock());
            return overviewOf(tx, place, query.day ?? dayOf(at, place.timezone), at);
          },
          { tenant: merchantId, readOnly: true },
        ),
    }),
  ];
}
