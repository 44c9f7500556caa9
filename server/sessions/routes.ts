/** WiFi sessions over the API: who is inside, putting somebody out, and what the connection check knows. */
import { z } from 'zod';
import type { Database, Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { decodeCursor, pageNext, pageQuery, paged } from '../http/cursor.ts';
import type { AnyRoute } from '../http/route.ts';
import { route } from '../http/route.ts';
import { hasStore } from '../stores/queries.ts';
import { noticesOf } from './notice-queries.ts';
import type { NoticeRow } from './notice-queries.ts';
import type { ListedSession } from './queries.ts';
import { sessionsAt } from './queries.ts';
import type { Reconciler } from './reconcile.ts';

export interface SessionRouteDeps {
  db: Database;
  reconciler: Pick<Reconciler, 'disconnect'>;
}

const tag = 'Sessions';
const MOST_NOTICES = 500;
const storeParams = z.object({ id: z.uuid().describe('Store id.') });
const instant = (what: string) => z.string().describe(`${what}, ISO 8601 UTC.`);
const maybe = (what: string) => z.string().nullable().describe(`${what}, ISO 8601 UTC, or null.`);

const listQuery = z.object({
  live: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe('Only those inside now (true), or recent ones as well (false, unless said).'),
  ...pageQuery,
});

const listed = z.object({
  id: z.string().describe('Session id.'),
  guestId: z.string().describe('Whose session it is.'),
  gatewayId: z.string().describe('Gateway it was granted at.'),
  method: z.string().describe('How the guest proved who they are; `mac` for a remembered device.'),
  state: z.enum(['pending', 'active', 'ended']).describe('pending until the gateway confirms.'),
  grantedAt: instant('When admitted'),
  confirmedAt: maybe('When the gateway let the guest in'),
  lastSeenAt: maybe('When a gateway last counted it'),
  expiresAt: instant('When the time runs out'),
  endedAt: maybe('When it ended'),
  endReason: z.string().nullable().describe('Why it ended, or null.'),
  bytesIn: z.number().describe('Bytes to the guest, over all access points.'),
  bytesOut: z.number().describe('Bytes from the guest, over all access points.'),
  legs: z.number().describe('Network sessions it is made of, as gateways counted them.'),
  leaving: z
    .object({
      reason: z.string().describe('Why the guest is being put out.'),
      outcome: z
        .enum(['asked', 'later', 'unable', 'failed'])
        .describe('What the gateway last answered: see the request that disconnects.'),
    })
    .nullable()
    .describe('Set while the guest is being put out.'),
});

const example = {
  id: '019a9b3e-4c02-7abc-8def-0123456789ab',
  guestId: '019a9b3e-4c00-7abc-8def-0123456789ab',
  gatewayId: '019a9b3e-0001-7abc-8def-0123456789ab',
  method: 'sms-code',
  state: 'active' as const,
  grantedAt: '2026-11-17T12:00:00.000Z',
  confirmedAt: '2026-11-17T12:00:02.000Z',
  lastSeenAt: '2026-11-17T12:05:02.000Z',
  expiresAt: '2026-11-17T16:00:02.000Z',
  endedAt: null,
  endReason: null,
  bytesIn: 18_874_368,
  bytesOut: 1_048_576,
  legs: 1,
  leaving: null,
};

const notice = z.object({
  gatewayId: z.string().nullable().describe('Which gateway, or null when that is not known.'),
  code: z
    .string()
    .describe('What happened, e.g. `redirect-forged`, `radius-ok`, `door-failed`, `kick-failed`.'),
  detail: z
    .record(z.string(), z.string())
    .describe('Of the newest one: addresses of equipment, names of parameters.'),
  times: z.number().describe('How often since `firstAt`.'),
  firstAt: instant('When it happened first'),
  lastAt: instant('When it happened last'),
});

function shown(row: ListedSession): z.input<typeof listed> {
  return {
    id: row.id,
    guestId: row.guest_id,
    gatewayId: row.gateway_id,
    method: row.method,
    state: row.state,
    grantedAt: row.granted_at.toISOString(),
    confirmedAt: row.confirmed_at?.toISOString() ?? null,
    lastSeenAt: row.last_seen_at?.toISOString() ?? null,
    expiresAt: row.expires_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    endReason: row.end_reason,
    bytesIn: row.bytes_in,
    bytesOut: row.bytes_out,
    legs: row.legs,
    leaving:
      row.kick_reason === null
        ? null
        : {
            reason: row.kick_reason,
            outcome: (row.kick_outcome ?? 'asked') as 'asked' | 'later' | 'unable' | 'failed',
          },
  };
}

function shownNotice(row: NoticeRow): z.input<typeof notice> {
  return {
    gatewayId: row.gateway_id,
    code: row.code,
    detail: row.detail,
    times: row.times,
    firstAt: row.first_at.toISOString(),
    lastAt: row.last_at.toISOString(),
  };
}

export function sessionRoutes(deps: SessionRouteDeps): AnyRoute[] {
  return [...reading(deps), disconnecting(deps)];
}

function reading({ db }: SessionRouteDeps): AnyRoute[] {
  /** Reads as the merchant, once the store is known to be theirs. */
  async function atStore<T>(
    merchantId: string,
    storeId: string,
    read: (tx: Queryable) => Promise<T>,
  ): Promise<T> {
    return db.tx(
      async (tx) => {
        if (!(await hasStore(tx, merchantId, storeId))) throw problem('not-found');
        return read(tx);
      },
      { tenant: merchantId, readOnly: true },
    );
  }

  return [
    route({
      method: 'get',
      path: '/v1/stores/:id/sessions',
      summary: 'List a store’s WiFi sessions',
      description:
        'Newest first. A guest who moves between access points keeps one session; its bytes are the sum. `next` of one page is the `cursor` of the following.',
      tag,
      access: 'guests:read',
      params: storeParams,
      query: listQuery,
      reply: z.object({
        sessions: z.array(listed).describe('The sessions.'),
        next: pageNext,
      }),
      example: { reply: { sessions: [example], next: null } },
      handler: async ({ caller: { merchantId }, params, query }) => {
        const filter = {
          live: query.live,
          before: decodeCursor(query.cursor),
          limit: query.limit + 1,
        };
        const rows = await atStore(merchantId, params.id, (tx) =>
          sessionsAt(tx, merchantId, params.id, filter),
        );
        const { page, next } = paged(rows, query.limit, (row) => row.granted_at);
        return { sessions: page.map(shown), next };
      },
    }),
    route({
      method: 'get',
      path: '/v1/stores/:id/notices',
      summary: 'Facts for the connection check',
      description:
        'What the store’s gateways did and what went wrong with them, counted by kind, the newest first; kept 30 days.',
      tag,
      access: 'stores:read',
      params: storeParams,
      reply: z.object({ notices: z.array(notice).describe('The newest first.') }),
      example: {
        reply: {
          notices: [
            {
              gatewayId: '019a9b3e-0001-7abc-8def-0123456789ab',
              code: 'radius-wrong-secret',
              detail: { source: '192.0.2.10' },
              times: 3,
              firstAt: '2026-11-17T12:00:00.000Z',
              lastAt: '2026-11-17T12:01:00.000Z',
            },
          ],
        },
      },
      handler: async ({ caller: { merchantId }, params }) => {
        const rows = await atStore(merchantId, params.id, (tx) =>
          noticesOf(tx, merchantId, params.id, MOST_NOTICES),
        );
        return { notices: rows.map(shownNotice) };
      },
    }),
  ];
}

function disconnecting({ reconciler }: SessionRouteDeps): AnyRoute {
  return route({
    method: 'post',
    path: '/v1/sessions/:id/disconnect',
    summary: 'Put a guest out',
    description:
      'Asks the gateway by the strongest means it has, and says what comes of it. `done`: the guest is out. `later`: refused when the gateway next asks, within a minute or so. `unable`: this gateway has no means; the session ends at `until`. `failed`: the gateway did not answer, and is asked again. `ended`: it was over already. The guest may sign in again; block the guest to prevent that.',
    tag,
    access: 'guests:write',
    params: z.object({ id: z.uuid().describe('Session id.') }),
    reply: z.object({
      outcome: z.enum(['done', 'later', 'unable', 'failed', 'ended']).describe('What comes of it.'),
      until: maybe('When the session ends in any case'),
    }),
    example: { reply: { outcome: 'done', until: null } },
    handler: async ({ caller, params }) => {
      const { outcome, until } = await reconciler.disconnect(caller.merchantId, params.id);
      return { outcome, until: until === null ? null : new Date(until).toISOString() };
    },
  });
}
