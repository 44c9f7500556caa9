/** Devices over the API: made with a token that is shown once, listed, changed, revoked. */
import { z } from 'zod';
import type { Database, Queryable } from '../db/database.ts';
import type { AnyRoute } from '../http/route.ts';
import type { DeviceCallers } from './callers.ts';
import type { DeviceRow } from './queries.ts';
import { problem } from '../errors.ts';
import { decodeCursor, paged } from '../http/cursor.ts';
import { route } from '../http/route.ts';
import { hashToken, newToken } from '../ids.ts';
import { createDevice, requireGuest } from './create.ts';
import { sealPassphrase } from './passphrase.ts';
import { deviceById, listDevices, replaceToken, revokeDevice, updateDevice } from './queries.ts';
import {
  changeBody,
  createBody,
  deviceReply,
  exampleDevice,
  exampleSetup,
  idParams,
  listQuery,
  listReply,
  present,
  setupReply,
} from './schema.ts';
import { deviceSetup } from './setup.ts';

export interface DeviceDeps {
  db: Database;
  clock: () => number;
  /** How phones reach this server, without a slash at the end. */
  publicUrl: string;
  callers: DeviceCallers;
  /** The installation's secret: passphrases are sealed under it. */
  secret: Buffer;
  /** How phones reach the MQTT broker, when there is one. */
  mqttPublicUrl?: string | undefined;
}

const tag = 'Devices';

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

function tokenRoutes(deps: DeviceDeps): AnyRoute[] {
  const { db, clock, callers, secret } = deps;
  return [
    route({
      method: 'post',
      path: '/v1/devices',
      summary: 'Make a device',
      description:
        'Answers with the device token, which is shown only here, and with links and QR codes that set up OwnTracks, Overland, Traccar Client and GPSLogger.',
      tag,
      access: 'devices:write',
      body: createBody,
      status: 201,
      reply: setupReply,
      example: { body: { name: 'Till tablet' }, reply: exampleSetup },
      handler: async ({ caller, body }) => {
        const { merchantId } = caller;
        const passphrase = body.passphrase == null ? null : { text: body.passphrase, secret };
        const input = { ...body, passphrase };
        const made = await db.tx((tx) => createDevice(tx, merchantId, input, clock()), {
          tenant: merchantId,
        });
        return shown(deps, made.device, made.token);
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
        return shown(deps, found(replaced), token);
      },
    }),
  ];
}

/** The device with its token and all that sets an app up: shown once. */
async function shown(deps: DeviceDeps, device: DeviceRow, token: string) {
  const { publicUrl, secret, clock, mqttPublicUrl } = deps;
  const setup = await deviceSetup({
    publicUrl,
    token,
    secret,
    mqttPublicUrl,
    deviceId: device.id,
    waypoints: device.waypoints,
    now: clock(),
  });
  return { device: present(device), token, setup };
}

function changeRoutes({ db, clock, callers, secret }: DeviceDeps): AnyRoute[] {
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
          passphrase:
            typeof body.passphrase === 'string'
              ? sealPassphrase(secret, params.id, body.passphrase)
              : body.passphrase,
          waypoints: body.waypoints,
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
