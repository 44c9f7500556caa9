/** Fences in bulk: GeoJSON out and in, KML in. */
import { z } from 'zod';
import type { Queryable } from '../db/database.ts';
import type { AnyRoute } from '../http/route.ts';
import type { FenceDeps } from './routes.ts';
import type { Imported } from './import.ts';
import { DATUMS } from '../../geo/datum.ts';
import { route } from '../http/route.ts';
import { fencesAsGeoJson, toFeature } from './geojson.ts';
import type { FenceFeature } from './geojson.ts';
import { importFences } from './import.ts';
import { oneFence } from './one.ts';
import { exampleFence, square } from './schema.ts';
import { sinceWhen } from './since.ts';
import { collectionOf } from './upload.ts';

const tag = 'Fences';
const LIMIT = 8 * 1024 * 1024;

const featureReply = z.object({
  type: z.literal('Feature').describe('Always Feature.'),
  id: z.string().describe('Fence id.'),
  geometry: z.record(z.string(), z.unknown()).nullable().describe('GeoJSON geometry, WGS 84.'),
  properties: z
    .record(z.string(), z.unknown())
    .describe(
      'name, kind, radius, width, direction, members, of, radio, parent, storeId, floor, category, minDwellSeconds, priority, cooldownSeconds, hours, source, drawnIn, active, version; what does not apply is left out.',
    ),
});
const collectionReply = z.object({
  type: z.literal('FeatureCollection').describe('Always FeatureCollection.'),
  features: z.array(featureReply).describe('One feature per fence.'),
});
const importReply = z.object({
  created: z.int().describe('Fences made.'),
  updated: z.int().describe('Fences changed.'),
  ids: z.record(z.string(), z.uuid()).describe('Id in the collection → fence id.'),
  warnings: z
    .array(
      z.object({
        index: z.int().describe('Place in the collection, from 0.'),
        id: z.string().describe('Id in the collection.'),
        code: z.string().describe('Short name of what is odd.'),
        message: z.string().describe('The same in words.'),
      }),
    )
    .describe('What was taken and is still odd.'),
});
const importQuery = z.object({
  storeId: z.uuid().optional().describe('Store of features that name none.'),
  datum: z
    .enum(DATUMS)
    .optional()
    .describe('Datum of the coordinates of features that name none; wgs84 unless said.'),
  since: z.iso
    .datetime()
    .optional()
    .describe('From when on new fences count, up to 30 days back; from now on unless said.'),
});
const idParams = z.object({ id: z.uuid().describe('Fence id.') });

const exampleFeature = {
  type: 'Feature' as const,
  id: exampleFence.id,
  geometry: square,
  properties: { name: 'Shoes', floor: '1' },
};
const exampleCollection = { type: 'FeatureCollection' as const, features: [exampleFeature] };
const exampleImport = { created: 1, updated: 0, ids: { shoes: exampleFence.id }, warnings: [] };

const properties =
  'Properties: name, kind, radius (metres, for a Point), width (metres, for a LineString that is a corridor), direction (of a tripwire), members and of (composites, geometry null), radio (a list of keys), datum (of the coordinates), parent (an id in this collection or a fence id), storeId, floor, category, minDwellSeconds, priority, cooldownSeconds, hours, source, active.';

function shown(feature: FenceFeature) {
  return {
    ...feature,
    geometry: feature.geometry && { ...feature.geometry },
    properties: { ...feature.properties },
  };
}

const counted = ({ created, updated, ids, warnings }: Imported) => ({
  created: created.length,
  updated: updated.length,
  ids,
  warnings,
});

function exportRoutes({ db }: FenceDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/fences/geojson',
      summary: 'All fences as GeoJSON',
      description: 'Sent back to the import, it updates the same fences.',
      tag,
      access: 'fences:read',
      query: z.object({ storeId: z.uuid().optional().describe('Only fences of this store.') }),
      reply: collectionReply,
      example: { reply: exampleCollection },
      handler: async ({ caller: { merchantId }, query }) => {
        const read = (tx: Queryable) => fencesAsGeoJson(tx, merchantId, query.storeId);
        const collection = await db.tx(read, { tenant: merchantId, readOnly: true });
        return { type: collection.type, features: collection.features.map(shown) };
      },
    }),
    route({
      method: 'get',
      path: '/v1/fences/:id/geojson',
      summary: 'One fence as a GeoJSON Feature',
      tag,
      access: 'fences:read',
      params: idParams,
      reply: featureReply,
      example: { reply: exampleFeature },
      handler: async ({ caller, params }) =>
        shown(toFeature(await oneFence(db, caller.merchantId, params.id))),
    }),
  ];
}

function importRoutes({ db, clock }: FenceDeps): AnyRoute[] {
  const take = (merchantId: string, collection: unknown, query: z.output<typeof importQuery>) => {
    const { storeId, datum } = query;
    const options = { storeId, datum, since: sinceWhen(query.since, clock()) };
    return db.tx((tx) => importFences(tx, merchantId, collection, options, clock()), {
      tenant: merchantId,
    });
  };
  return [
    route({
      method: 'post',
      path: '/v1/fences/geojson',
      summary: 'Import fences from GeoJSON',
      description: `A Feature or a FeatureCollection of at most 2,000 features; all are stored or, with every fault named, none. ${properties} A feature whose id is one of your fence ids changes that fence; any other makes a new one.`,
      tag,
      access: 'fences:write',
      query: importQuery,
      body: z.unknown().describe('GeoJSON Feature or FeatureCollection.'),
      bodyLimit: LIMIT,
      reply: importReply,
      example: { body: exampleCollection, reply: exampleImport },
      handler: async ({ caller: { merchantId }, query, body }) =>
        counted(await take(merchantId, body, query)),
    }),
    route({
      method: 'post',
      path: '/v1/fences/import',
      summary: 'Import fences from a file: GeoJSON or KML',
      description:
        'Content-Type says which: application/geo+json or application/json, or application/vnd.google-earth.kml+xml. KML polygons, lines and points become fences; whatever else GeoJSON features may say is read from their ExtendedData. Otherwise as the GeoJSON import.',
      tag,
      access: 'fences:write',
      query: importQuery,
      body: z.unknown().describe('The file.'),
      bodyLimit: LIMIT,
      textBody: true,
      reply: importReply,
      example: { body: exampleCollection, reply: exampleImport },
      handler: async ({ caller: { merchantId }, query, body, headers }) =>
        counted(await take(merchantId, collectionOf(body, headers['content-type']), query)),
    }),
  ];
}

/** Before the routes of one fence: `geojson` and `import` would otherwise be taken for fence ids. */
export function bulkRoutes(deps: FenceDeps): AnyRoute[] {
  return [...exportRoutes(deps), ...importRoutes(deps)];
}
