/** The gateways of a store over the API. */
import { z } from 'zod';
import { problem } from '../errors.ts';
import type { AnyRoute } from '../http/route.ts';
import { route } from '../http/route.ts';
import { changeGateway, createGateway, removeGateway } from './change.ts';
import type { StoreDeps } from './change.ts';
import { gatewayById, gatewaysOf, storeById } from './queries.ts';
import type { GatewayRow } from './queries.ts';
import { gatewayKinds, gatewayName, secretText } from './gateway-schema.ts';

const tag = 'Stores';

const storeParams = z.object({ id: z.uuid().describe('Store id.') });
const gatewayBody = z.object({
  kind: z.enum(gatewayKinds).describe('openNDS on a router, or a pretend one for trying out.'),
  name: gatewayName.describe('openNDS: its gatewayname. One of a kind in the store.'),
  level: z
    .union([z.literal(1), z.literal(2), z.literal(3)])
    .optional()
    .describe('openNDS fas_secure_enabled; 3 unless said.'),
  secret: secretText.optional().describe('openNDS faskey; made for you unless given.'),
});
const gatewayChangeBody = gatewayBody.omit({ kind: true }).partial();
const gatewayReply = z.object({
  id: z.uuid().describe('Gateway id.'),
  storeId: z.uuid().describe('Store it stands in.'),
  kind: z.enum(gatewayKinds).describe('Kind of gateway.'),
  name: z.string().describe('Its name.'),
  level: z.number().nullable().describe('openNDS fas_secure_enabled.'),
  lastHeardAt: z.iso.datetime().nullable().describe('When it was last heard.'),
  createdAt: z.iso.datetime().describe('When it was registered.'),
});
/** Only the reply to making one, and the console, show the secret. */
const gatewayMade = gatewayReply.extend({
  secret: z.string().describe('Secret to set on the gateway; not shown in lists.'),
});
const gatewayParams = z.object({ id: z.uuid().describe('Gateway id.') });

const exampleGateway = {
  id: '0193a6c0-0000-7000-8000-000000000002',
  storeId: '0193a6c0-0000-7000-8000-000000000001',
  kind: 'opennds',
  name: 'Harbour Cafe',
  level: 3,
  lastHeardAt: null,
  createdAt: '2026-11-17T09:00:00.000Z',
};

export function gatewayRoutes(deps: StoreDeps): AnyRoute[] {
  return [...registering(deps), ...changing(deps)];
}

function registering(deps: StoreDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/stores/:id/gateways',
      summary: 'List a store’s gateways',
      tag,
      access: 'stores:read',
      params: storeParams,
      reply: z.object({ gateways: z.array(gatewayReply).describe('Oldest first.') }),
      example: { reply: { gateways: [exampleGateway] } },
      handler: async ({ caller: { merchantId }, params }) => {
        const gateways = await deps.db.tx(
          async (tx) => {
            if (!(await storeById(tx, merchantId, params.id))) throw problem('not-found');
            return gatewaysOf(tx, merchantId, params.id);
          },
          { tenant: merchantId },
        );
        return { gateways: gateways.map(toGateway) };
      },
    }),
    route({
      method: 'post',
      path: '/v1/stores/:id/gateways',
      summary: 'Register a gateway',
      tag,
      access: 'stores:write',
      params: storeParams,
      body: gatewayBody,
      status: 201,
      reply: gatewayMade,
      example: {
        body: { kind: 'opennds', name: 'Harbour Cafe' },
        reply: { ...exampleGateway, secret: '0123456789abcdef0123456789abcdef' },
      },
      handler: async ({ caller, params, body }) => {
        const id = await createGateway(deps, caller.merchantId, params.id, body);
        const row = await deps.db.tx((tx) => gatewayById(tx, caller.merchantId, id), {
          tenant: caller.merchantId,
        });
        if (!row) throw problem('not-found');
        return { ...toGateway(row), secret: row.settings.secret ?? '' };
      },
    }),
  ];
}

function changing(deps: StoreDeps): AnyRoute[] {
  return [
    route({
      method: 'patch',
      path: '/v1/gateways/:id',
      summary: 'Change a gateway',
      tag,
      access: 'stores:write',
      params: gatewayParams,
      body: gatewayChangeBody,
      reply: gatewayReply,
      example: { body: { level: 1 }, reply: { ...exampleGateway, level: 1 } },
      handler: async ({ caller, params, body }) =>
        toGateway(await changeGateway(deps, caller.merchantId, params.id, body)),
    }),
    route({
      method: 'delete',
      path: '/v1/gateways/:id',
      summary: 'Remove a gateway',
      description: 'Its sessions go with it; guests it let in stay in until it asks again.',
      tag,
      access: 'stores:write',
      params: gatewayParams,
      status: 204,
      reply: z.object({}),
      example: { reply: {} },
      handler: async ({ caller, params }) => {
        await removeGateway(deps, caller.merchantId, params.id);
        return {};
      },
    }),
  ];
}

function toGateway(row: GatewayRow): z.input<typeof gatewayReply> {
  return {
    id: row.id,
    storeId: row.store_id,
    kind: row.kind,
    name: row.name,
    level: row.settings.level ?? null,
    lastHeardAt: row.last_heard_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}
