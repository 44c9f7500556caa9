/** The truth behind the sockets: events after a cursor, over HTTP. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { eventsAfter, newestPosition } from '../events/outbox.ts';
import { route } from '../http/route.ts';
import type { AnyRoute } from '../http/route.ts';
import { problem } from '../errors.ts';
import { staffTypes, subjectTypes, toMessage } from './messages.ts';

const pageSize = 200;

const cursor = z.coerce
  .number()
  .int()
  .min(0)
  .default(0)
  .describe('Cursor: the highest position already seen; 0 for everything that is kept.');

const feedReply = z.object({
  events: z
    .array(
      z.object({
        id: z.uuid().describe('Event id; drop repeats by it.'),
        position: z.int().describe('Cursor of this event.'),
        type: z.string().describe('Event type, e.g. offer.issued.'),
        at: z.iso.datetime().describe('When it happened, UTC.'),
        payload: z
          .record(z.string(), z.unknown())
          .describe('What happened; the shape depends on the type.'),
      }),
    )
    .describe('Events, oldest first.'),
  next: z.int().describe('Cursor for the next call.'),
  more: z.boolean().describe('Whether more events wait behind this page.'),
});

const example = {
  reply: {
    events: [
      {
        id: '01933b2e-8f00-7000-8000-000000000001',
        position: 42,
        type: 'visit.entered',
        at: '2026-11-21T10:00:00.000Z',
        payload: { fenceName: 'Shoes', score: 0.86, band: 'high' },
      },
    ],
    next: 42,
    more: false,
  },
};

export function eventRoutes(deps: {
  db: Database;
  ownsStore(merchantId: string, storeId: string): Promise<boolean>;
}): AnyRoute[] {
  const page = async (
    merchantId: string,
    after: number,
    filter: Parameters<typeof eventsAfter>[3],
    audience: 'staff' | 'subject',
  ) => {
    const { found, newest } = await deps.db.tx(
      async (tx) => ({
        newest: await newestPosition(tx, merchantId),
        found: await eventsAfter(tx, merchantId, after, filter, pageSize + 1),
      }),
      { tenant: merchantId, readOnly: true },
    );
    const events = found.slice(0, pageSize).map((event) => toMessage(event, audience));
    const more = found.length > pageSize;
    const last = events.at(-1)?.position ?? after;
    return { events, more, next: more ? last : Math.max(last, newest, after) };
  };
  return [
    route({
      method: 'get',
      path: '/v1/events',
      summary: "List a store's events after a cursor",
      tag: 'Events',
      access: 'events:read',
      query: z.object({
        store: z.uuid().describe('Store id.'),
        after: cursor,
      }),
      reply: feedReply,
      example,
      handler: async ({ caller, query }) => {
        if (!(await deps.ownsStore(caller.merchantId, query.store))) throw problem('not-found');
        return page(
          caller.merchantId,
          query.after,
          { storeId: query.store, types: staffTypes },
          'staff',
        );
      },
    }),
    route({
      method: 'get',
      path: '/v1/me/events',
      summary: 'List what concerns this device or its guest after a cursor',
      tag: 'Events',
      access: 'device',
      query: z.object({ after: cursor }),
      reply: feedReply,
      example,
      handler: ({ caller, query }) =>
        page(
          caller.merchantId,
          query.after,
          {
            deviceId: caller.deviceId,
            ...(caller.guestId ? { guestId: caller.guestId } : {}),
            types: subjectTypes,
          },
          'subject',
        ),
    }),
  ];
}
