/** Devices over the API: made with a token that is shown once, listed, changed, revoked. */
import { z } from 'zod';
import type { Database, Queryable } from '../db/database.ts';
import type { AnyRoute } from '../http/route.ts';
import type { DeviceCallers } from './callers.ts';
import type { DeviceRow } from './queries.ts';
import { problem } from '../errors.ts';
import { decodeCursor, paged } from '../http/cursor.ts';
import { route } from '../http/route.ts';
import { hashToken, newToken, uuidv7 } from '../ids.ts';
import {
  countDevices,
  deviceById,
  hasGuest,
  insertDevice,
  listDevices,
  replaceToken,
  revokeDevice,
  updateDevice,
} from './queries.ts';
import { deviceSetup } from './setup.ts';

export interface DeviceDeps {
  db: Database;
  clock: () => number;
  /** How phones reach this server, without a slash at the end. */
  publicUrl: string;
  callers: DeviceCallers;
}

/** Devices in use per merchant: a runaway script stops here. */
const MAX_DEVICES = 100_000;
const tag = 'Devices';

const nameText = z
  .string()
  .trim()
  .min(1)
  .max(120)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not hold control characters');

const createBody = z.object({
  name: nameText.describe('What people call the device, 1 to 120 characters.'),
  guestId: z.uuid().nullish().describe('Guest who carries it; visits and offers become theirs.'),
  marketingConsent: z
    .boolean()
    .default(false)
    .describe('Whether the owner of the app agreed to offers; counts while no guest is linked.'),
});
const changeBody = z.object({
  name: nameText.optional().describe('New name.'),
  guestId: z.uuid().nullable().optional().describe('Guest to link; null unlinks.'),
  marketingConsent: z.boolean().optional().describe('Gives or withdraws the app’s own agreement.'),
});
const idParams = z.object({ id: z.uuid().describe('Device id.') });

const deviceReply = z.object({
  id: z.uuid().describe('Device id.'),
  name: z.string().describe('What people call the device.'),
  guestId: z.uuid().nullable().describe('Guest who carries it.'),
  marketingConsentAt: z.iso
    .datetime()
    .nullable()
    .describe('When the app’s owner agreed to offers.'),
  createdAt: z.iso.datetime().describe('When it was made.'),
  lastPingAt: z.iso
    .datetime()
    .nullable()
    .describe('When it last sent something, to the nearest half minute.'),
  lastApp: z.string().nullable().describe('Protocol it last spoke.'),
  revokedAt: z.iso.datetime().nullable().describe('When its token stopped working.'),
});
const setupReply = z.object({
  device: deviceReply.describe('The device.'),
  token: z.string().describe('The device token. It is shown now and never again.'),
  setup: z
    .object({
      pingUrl: z.string().describe('Address for batches in Foyer’s own format.'),
      apps: z
        .array(
          z.object({
            app: z.enum(['owntracks', 'overland']).describe('App the link is for.'),
            link: z.string().describe('Link that configures the app; holds the token.'),
            qr: z.string().describe('The link as an SVG QR code.'),
          }),
        )
        .describe('Ready-made settings for tracker apps.'),
    })
    .describe('How to put the device on the air.'),
});
const listQuery = z.object({
  guestId: z.uuid().optional().describe('Only devices of this guest.'),
  revoked: z
    .enum(['true', 'false'])
    .default('false')
    .describe('Whether revoked devices are listed too.'),
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('Devices per page.'),
  cursor: z.string().max(200).optional().describe('`next` of the page before.'),
});
const listReply = z.object({
  devices: z.array(deviceReply).describe('Devices, newest first.'),
  next: z.string().nullable().describe('Cursor of the next page; null at the end.'),
});

const exampleDevice = {
  id: '01933b2e-8f00-7000-8000-00000000000d',
  name: 'Till tablet',
  guestId: null,
  marketingConsentAt: null,
  createdAt: '2026-11-21T10:00:00.000Z',
  lastPingAt: null,
  lastApp: null,
  revokedAt: null,
};
const exampleSetup = {
  device: exampleDevice,
  token: 'fd_zW3k0example0token0of0a0device00',
  setup: {
    pingUrl: 'https://foyer.example/v1/pings',
    apps: [{ app: 'overland' as const, link: 'overland://setup?url=…', qr: '<svg …/>' }],
  },
};

function iso(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}

function present(row: DeviceRow) {
  return {
    id: row.id,
    name: row.name,
    guestId: row.guest_id,
    marketingConsentAt: iso(row.marketing_consent_at),
    createdAt: row.created_at.toISOString(),
    lastPingAt: iso(row.last_ping_at),
    lastApp: row.last_app,
    revokedAt: iso(row.revoked_at),
  };
}

/** Makes a device and its token; used by the API and by the console. */
export async function createDevice(
  tx: Queryable,
  merchantId: string,
  input: { name: string; guestId?: string | null | undefined; marketingConsent?: boolean },
  now: number,
): Promise<{ device: DeviceRow; token: string }> {
  await requireGuest(tx, merchantId, input.guestId);
  if ((await countDevices(tx, merchantId)) >= MAX_DEVICES) {
    throw problem('conflict', { detail: `A merchant has at most ${MAX_DEVICES} devices.` });
  }
  const token = newToken('fd');
  const device = await insertDevice(tx, merchantId, {
    id: uuidv7(now),
    name: input.name,
    guestId: input.guestId ?? null,
    marketingConsentAt: input.marketingConsent ? new Date(now) : null,
    tokenHash: hashToken(token),
    createdAt: new Date(now),
  });
  return { device, token };
}

async function requireGuest(
  tx: Queryable,
  merchantId: string,
  guestId: string | null | undefined,
): Promise<void> {
  if (guestId != null && !(await hasGuest(tx, merchantId, guestId))) {
    throw problem('not-found', { detail: 'There is no guest with this id.' });
  }
}

function found<T>(value: T | null): T {
  if (value === null) throw problem('not-found', { detail: 'There is no device with this id.' });
  return value;
}

function readRoutes({ db }: DeviceDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/devices',
      summary: 'List devices',
      tag,
      access: 'devices:read',
      query: listQuery,
      reply: listReply,
      example: { reply: { devices: [exampleDevice], next: null } },
      handler: async ({ caller, query }) => {
        const { merchantId } = caller;
        const after = decodeCursor(query.cursor);
        const { guestId, limit } = query;
        const filter = { guestId, revoked: query.revoked === 'true', after, limit: limit + 1 };
        const rows = await db.tx((tx) => listDevices(tx, merchantId, filter), {
          tenant: merchantId,
          readOnly: true,
        });
        const { page, next } = paged(rows, limit, (row) => row.created_at);
        return { devices: page.map(present), next };
      },
    }),
    route({
      method: 'get',
      path: '/v1/devices/:id',
      summary: 'One device',
      tag,
      access: 'devices:read',
      params: idParams,
      reply: deviceReply,
      example: { reply: exampleDevice },
      handler: async ({ caller, params }) => {
        const { merchantId } = caller;
        const read = (tx: Queryable) => deviceById(tx, merchantId, params.id);
        return present(found(await db.tx(read, { tenant: merchantId, readOnly: true })));
      },
    }),
  ];
}

function tokenRoutes({ db, clock, callers, publicUrl }: DeviceDeps): AnyRoute[] {
  return [
    route({
      method: 'post',
      path: '/v1/devices',
      summary: 'Make a device',
      description:
        'Answers with the device token, which is shown only here, and with links and QR codes that set up OwnTracks and Overland.',
      tag,
      access: 'devices:write',
      body: createBody,
      status: 201,
      reply: setupReply,
      example: { body: { name: 'Till tablet' }, reply: exampleSetup },
      handler: async ({ caller, body }) => {
        const { merchantId } = caller;
        const made = await db.tx((tx) => createDevice(tx, merchantId, body, clock()), {
          tenant: merchantId,
        });
        const { device, token } = made;
        const setup = await deviceSetup({ publicUrl, deviceId: device.id, token });
        return { device: present(device), token, setup };
      },
    }),
    route({
      method: 'post',
      path: '/v1/devices/:id/token',
      summary: 'Give a device a new token',
      description:
        'The old token stops working at once. Also the way to see setup links again, since tokens are not kept.',
      tag,
      access: 'devices:write',
      params: idParams,
      status: 201,
      reply: setupReply,
      example: { reply: exampleSetup },
      handler: async ({ caller, params }) => {
        const { merchantId } = caller;
        const token = newToken('fd');
        const replaced = await db.tx(
          (tx) => replaceToken(tx, merchantId, params.id, hashToken(token)),
          { tenant: merchantId },
        );
        callers.forget(params.id);
        const device = found(replaced);
        const setup = await deviceSetup({ publicUrl, deviceId: device.id, token });
        return { device: present(device), token, setup };
      },
    }),
  ];
}

function changeRoutes({ db, clock, callers }: DeviceDeps): AnyRoute[] {
  return [
    route({
      method: 'patch',
      path: '/v1/devices/:id',
      summary: 'Rename a device or link it to a guest',
      tag,
      access: 'devices:write',
      params: idParams,
      body: changeBody,
      reply: deviceReply,
      example: { body: { name: 'Ann’s phone' }, reply: { ...exampleDevice, name: 'Ann’s phone' } },
      handler: async ({ caller, params, body }) => {
        const { merchantId } = caller;
        const consent = body.marketingConsent;
        const change = {
          name: body.name,
          guestId: body.guestId,
          marketingConsentAt:
            consent === undefined ? undefined : consent ? new Date(clock()) : null,
        };
        const changed = await db.tx(
          async (tx) => {
            await requireGuest(tx, merchantId, body.guestId);
            return updateDevice(tx, merchantId, params.id, change);
          },
          { tenant: merchantId },
        );
        callers.forget(params.id);
        return present(found(changed));
      },
    }),
    route({
      method: 'delete',
      path: '/v1/devices/:id',
      summary: 'Revoke a device',
      description: 'Its token stops working; what it sent and its visits stay.',
      tag,
      access: 'devices:write',
      params: idParams,
      status: 204,
      reply: z.object({}),
      example: { reply: {} },
      handler: async ({ caller, params }) => {
        const { merchantId } = caller;
        const there = await db.tx(
          (tx) => revokeDevice(tx, merchantId, params.id, new Date(clock())),
          { tenant: merchantId },
        );
        callers.forget(params.id);
        found(there || null);
        return {};
      },
    }),
  ];
}

export function deviceRoutes(deps: DeviceDeps): AnyRoute[] {
  return [...readRoutes(deps), ...tokenRoutes(deps), ...changeRoutes(deps)];
}
