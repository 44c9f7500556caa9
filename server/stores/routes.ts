/** Stores over the API. */
import { z } from 'zod';
import { problem } from '../errors.ts';
import type { AnyRoute } from '../http/route.ts';
import { route } from '../http/route.ts';
import { changeStore, createStore } from './change.ts';
import type { StoreDeps } from './change.ts';
import { gatewayRoutes } from './gateway-routes.ts';
import { storeById, storesOf } from './queries.ts';
import type { StoreRow } from './queries.ts';
import { countryText, nameText, settingsChange, slugText, zoneText } from './schema.ts';
import { settingsReply, shownSettings } from './settings-reply.ts';

const tag = 'Stores';

const place = z.object({
  lon: z.number().min(-180).max(180).describe('Longitude, WGS 84 degrees.'),
  lat: z.number().min(-90).max(90).describe('Latitude, WGS 84 degrees.'),
});
const createBody = z.object({
  slug: slugText.describe('Address of the portal, /p/<slug>. It cannot be changed later.'),
  name: nameText.describe('As it stands on the door.'),
  timezone: zoneText.describe('IANA time zone; days and hours of all figures are in it.'),
  country: countryText.describe('ISO 3166-1 alpha-2; how phone numbers without + are read.'),
  location: place.nullish().describe('Where the door is; the map starts there.'),
  settings: settingsChange.optional().describe('Settings that differ from the usual.'),
});
const changeBody = createBody
  .omit({ slug: true })
  .partial()
  .describe('Anything left out stays as it is.');
/** A logo comes within the settings. */
const bodyLimit = 512 * 1024;
const storeParams = z.object({ id: z.uuid().describe('Store id.') });

const storeReply = z.object({
  id: z.uuid().describe('Store id.'),
  slug: z.string().describe('Address of the portal, /p/<slug>.'),
  name: z.string().describe('Name of the store.'),
  timezone: z.string().describe('IANA time zone.'),
  country: z.string().describe('ISO 3166-1 alpha-2.'),
  location: z
    .object({
      lon: z.number().describe('Longitude, WGS 84 degrees.'),
      lat: z.number().describe('Latitude, WGS 84 degrees.'),
    })
    .nullable()
    .describe('Where the door is.'),
  settings: settingsReply.describe('Everything the portal is made from.'),
  createdAt: z.iso.datetime().describe('When it was made.'),
  updatedAt: z.iso.datetime().describe('When it was last changed.'),
});

const exampleStore = {
  id: '0193a6c0-0000-7000-8000-000000000001',
  slug: 'harbour-cafe',
  name: 'Harbour Café',
  timezone: 'Europe/Berlin',
  country: 'DE',
  location: { lon: 9.993, lat: 53.551 },
  settings: {
    ...shownSettings({}, 'DE'),
    wordings: [
      {
        purpose: 'access' as const,
        version: 'own-1',
        text: { en: 'Use it well.', 'zh-CN': '请文明上网。' },
      },
    ],
  },
  createdAt: '2026-11-17T09:00:00.000Z',
  updatedAt: '2026-11-17T09:00:00.000Z',
};
export function storeRoutes(deps: StoreDeps): AnyRoute[] {
  return [...storeList(deps), ...storeChanges(deps), ...gatewayRoutes(deps)];
}

function storeList({ db }: StoreDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/stores',
      summary: 'List stores',
      tag,
      access: 'stores:read',
      reply: z.object({ stores: z.array(storeReply).describe('All stores, oldest first.') }),
      example: { reply: { stores: [exampleStore] } },
      handler: async ({ caller: { merchantId } }) => {
        const rows = await db.tx((tx) => storesOf(tx, merchantId), { tenant: merchantId });
        return { stores: rows.map(toStore) };
      },
    }),
    route({
      method: 'get',
      path: '/v1/stores/:id',
      summary: 'Read a store',
      tag,
      access: 'stores:read',
      params: storeParams,
      reply: storeReply,
      example: { reply: exampleStore },
      handler: ({ caller, params }) => oneStore(db, caller.merchantId, params.id),
    }),
  ];
}

function storeChanges(deps: StoreDeps): AnyRoute[] {
  return [
    route({
      method: 'post',
      path: '/v1/stores',
      summary: 'Open a store',
      tag,
      access: 'stores:write',
      bodyLimit,
      body: createBody,
      status: 201,
      reply: storeReply,
      example: {
        body: {
          slug: 'harbour-cafe',
          name: 'Harbour Café',
          timezone: 'Europe/Berlin',
          country: 'DE',
        },
        reply: exampleStore,
      },
      handler: async ({ caller, body }) => {
        const id = await createStore(deps, caller.merchantId, body);
        return oneStore(deps.db, caller.merchantId, id);
      },
    }),
    route({
      method: 'patch',
      path: '/v1/stores/:id',
      summary: 'Change a store',
      description:
        'The accent is darkened when neither white nor dark text would be readable on it. A logo is drawn anew from its pixels, at most 480 × 160. An edited wording gets a new version; consents name the version the guest saw. What the law of the store’s country forbids is refused, part by part.',
      tag,
      access: 'stores:write',
      params: storeParams,
      bodyLimit,
      body: changeBody,
      reply: storeReply,
      example: { body: { settings: { accent: '#ffcc00' } }, reply: exampleStore },
      handler: async ({ caller, params, body }) =>
        toStore(await changeStore(deps, caller.merchantId, params.id, body)),
    }),
  ];
}

async function oneStore(
  db: StoreDeps['db'],
  merchantId: string,
  id: string,
): Promise<z.input<typeof storeReply>> {
  const row = await db.tx((tx) => storeById(tx, merchantId, id), { tenant: merchantId });
  if (!row) throw problem('not-found');
  return toStore(row);
}

function toStore(row: StoreRow): z.input<typeof storeReply> {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    timezone: row.timezone,
    country: row.country,
    location: row.lon === null || row.lat === null ? null : { lon: row.lon, lat: row.lat },
    settings: shownSettings(row.settings, row.country),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
