/** The datum check over the API. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { problem } from '../errors.ts';
import type { AnyRoute } from '../http/route.ts';
import { route } from '../http/route.ts';
import { storeById } from '../stores/queries.ts';
import type { DatumCheck } from './datum-check.ts';
import { checkDatum } from './datum-check.ts';

export interface DatumCheckDeps {
  db: Database;
  clock: () => number;
}

const reply = z.object({
  verdict: z
    .enum(['fits', 'gcj02', 'bd09', 'moved', 'scattered', 'too-few', 'no-fence'])
    .describe(
      'fits: people are where the fences are. gcj02, bd09: the fences stand as far off as that datum moves a map. moved: off, but not as any datum does. scattered: positions at sign-in are far off in no one direction. too-few: fewer than 20 positions or 5 devices. no-fence: the store has none with ground.',
    ),
  medianEast: z
    .number()
    .nullable()
    .describe(
      'Where devices are at sign-in, seen from the nearest point of the fence: metres east.',
    ),
  medianNorth: z.number().nullable().describe('The same: metres north.'),
  n: z.number().int().describe('Positions looked at.'),
  devices: z.number().int().describe('Devices they come from.'),
  sentence: z.string().describe('What it means and what to do.'),
});

const none = {
  verdict: 'no-fence' as const,
  medianEast: null,
  medianNorth: null,
  n: 0,
  devices: 0,
  sentence: 'The store has no fence yet that stands on the ground.',
};

const example: DatumCheck = {
  verdict: 'gcj02',
  medianEast: -441,
  medianNorth: 236,
  n: 84,
  devices: 31,
  sentence:
    'Phones that sign in here are 500 m north-west of the fence (median of 84 positions of 31 devices). That is how far GCJ-02 (AMap, Tencent) moves a map here. Say for each fence that it was drawn on such a map; it is then moved to its true place.',
};

export function datumCheckRoutes({ db, clock }: DatumCheckDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/stores/:id/datum-check',
      summary: 'Whether the fences are in the datum of the positions',
      description:
        'Compares positions of good accuracy, taken within two minutes of a confirmed sign-in to the store’s WiFi in the last eight weeks, with the fences at its door. Maps published in China are moved by some hundred metres (GCJ-02, BD-09); fences drawn on them as if they were WGS 84 see nobody.',
      tag: 'Fences',
      access: 'fences:read',
      params: z.object({ id: z.uuid().describe('Store id.') }),
      reply,
      example: { reply: example },
      handler: ({ caller: { merchantId }, params }) =>
        db.tx(
          async (tx) => {
            if (!(await storeById(tx, merchantId, params.id))) throw problem('not-found');
            return (await checkDatum(tx, merchantId, params.id, clock())) ?? none;
          },
          { tenant: merchantId, readOnly: true },
        ),
    }),
  ];
}
