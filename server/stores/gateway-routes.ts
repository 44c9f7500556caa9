/** The gateways of a store over the API. */
import { z } from 'zod';
import { problem } from '../errors.ts';
import type { AnyRoute } from '../http/route.ts';
import { route } from '../http/route.ts';
import { changeGateway, createGateway, removeGateway } from './change.ts';
import type { StoreDeps } from './change.ts';
import { gatewayById, gatewaysOf, storeById } from './queries.ts';
import type { GatewayRow } from './queries.ts';
import { gatewayBody, gatewayKinds, vendorProfiles } from './gateway-schema.ts';
import { openSettings } from './gateway-settings.ts';

const tag = 'Stores';

const storeParams = z.object({ id: z.uuid().describe('Store id.') });
const gatewayChangeBody = gatewayBody.omit({ kind: true }).partial();
const gatewayReply = z.object({
  id: z.uuid().describe('Gateway id.'),
  storeId: z.uuid().describe('Store it stands in.'),
  kind: z.enum(gatewayKinds).describe('Kind of gateway.'),
  name: z.string().describe('Its name.'),
  level: z.number().nullable().describe('openNDS fas_secure_enabled.'),
  login: z.enum(['chap', 'pap']).nullable().describe('How the password travels.'),
  hosts: z.array(z.string()).describe('Hosts guests may be sent to, beside private addresses.'),
  sources: z.array(z.string()).describe('Addresses its calls come from.'),
  radius: z
    .object({
      sources: z.array(z.string()).describe('Addresses its packets come from.'),
      nasIds: z.array(z.string()).describe('NAS-Identifiers it goes by.'),
      profile: z.enum(vendorProfiles).describe('Whose attributes its limits are said in.'),
      messageAuthenticator: z
        .enum(['require', 'learn', 'off'])
        .describe('Whether requests must be signed.'),
      learnt: z.boolean().describe('With learn: it has signed, and must from now on.'),
      coa: z
        .object({
          host: z.string().describe('Address for Disconnect and CoA.'),
          port: z.number().describe('Its UDP port.'),
        })
        .nullable()
        .describe('Where sessions are ended.'),
      swapOctets: z.boolean().describe('Counters written from the guest’s side.'),
      macAuth: z
        .enum(['mac', 'secret', 'fixed'])
        .nullable()
        .describe('How known devices come in without a page.'),
      certificate: z.string().nullable().describe('RadSec client certificate, SHA-256.'),
      interimSeconds: z.number().describe('Seconds between interim updates.'),
    })
    .nullable()
    .describe('RADIUS of this gateway; its secret is never shown again.'),
  unifi: z
    .object({
      url: z.string().describe('Address of the controller.'),
      api: z.enum(['legacy', 'official']).describe('Which interface is used.'),
      site: z.string().describe('Short site name.'),
      username: z.string().nullable().describe('Local account.'),
      hasPassword: z.boolean().describe('A password is kept.'),
      hasApiKey: z.boolean().describe('An API key is kept.'),
      fingerprint: z.string().nullable().describe('Pinned certificate, SHA-256.'),
      aps: z.array(z.string()).describe('MACs of its access points.'),
    })
    .nullable()
    .describe('UniFi controller.'),
  portal2: z
    .object({
      host: z.string().describe('Address of the access controller.'),
      port: z.number().describe('Its UDP port.'),
      version: z.number().describe('Protocol version.'),
      auth: z.enum(['chap', 'pap']).describe('How the password travels.'),
      sendChallenge: z.boolean().describe('Whether REQ_AUTH repeats the challenge.'),
      macBinding: z.boolean().describe('Whether known devices come in without a page.'),
    })
    .nullable()
    .describe('Portal 2.0 access controller.'),
  lastHeardAt: z.iso.datetime().nullable().describe('When it was last heard.'),
  createdAt: z.iso.datetime().describe('When it was registered.'),
});
/** Only the reply to making one, and the console, show the secret. */
const gatewayMade = gatewayReply.extend({
  secret: z
    .string()
    .nullable()
    .describe('Secret to set on the gateway, where its kind has one; not shown in lists.'),
  radiusSecret: z.string().nullable().describe('RADIUS secret to set on it; not shown again.'),
});
const gatewayParams = z.object({ id: z.uuid().describe('Gateway id.') });

const exampleGateway = {
  id: '0193a6c0-0000-7000-8000-000000000002',
  storeId: '0193a6c0-0000-7000-8000-000000000001',
  kind: 'opennds',
  name: 'Harbour Cafe',
  level: 3,
  login: null,
  hosts: [],
  sources: [],
  radius: null,
  unifi: null,
  portal2: null,
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
        reply: {
          ...exampleGateway,
          secret: '0123456789abcdef0123456789abcdef',
          radiusSecret: null,
        },
      },
      handler: async ({ caller, params, body }) => {
        const id = await createGateway(deps, caller.merchantId, params.id, body);
        const row = await deps.db.tx((tx) => gatewayById(tx, caller.merchantId, id), {
          tenant: caller.merchantId,
        });
        if (!row) throw problem('not-found');
        const { secret, radius } = row.settings;
        return {
          ...toGateway(row),
          secret: secret ?? null,
          radiusSecret: radius?.secret ?? null,
        };
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
  const { level, login, hosts, sources, radius, unifi, portal2 } = openSettings(row.settings);
  return {
    id: row.id,
    storeId: row.store_id,
    kind: row.kind,
    name: row.name,
    level: level ?? null,
    login: login ?? null,
    hosts: hosts ?? [],
    sources: sources ?? [],
    radius: radius
      ? {
          ...radius,
          learnt: radius.learnt ?? false,
          coa: radius.coa ?? null,
          swapOctets: radius.swapOctets ?? false,
          certificate: radius.certificate ?? null,
        }
      : null,
    unifi: unifi
      ? { ...unifi, fingerprint: unifi.fingerprint ?? null, aps: unifi.aps ?? [] }
      : null,
    portal2: portal2 ?? null,
    lastHeardAt: row.last_heard_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}
