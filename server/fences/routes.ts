/** Fences over the API: one by one, or as GeoJSON in bulk. */
import { z } from 'zod';
import type { Database, Queryable } from '../db/database.ts';
import type { AnyRoute } from '../http/route.ts';
import type { FenceRow } from './queries.ts';
import { problem } from '../errors.ts';
import { decodeCursor, paged } from '../http/cursor.ts';
import { route } from '../http/route.ts';
import { changeFence, createFence, removeFence } from './change.ts';
import { fencesAsGeoJson, toFeature } from './geojson.ts';
import { importFences } from './import.ts';
import { fenceById, listFences } from './queries.ts';

export interface FenceDeps {
  db: Database;
  clock: () => number;
}

const tag = 'Fences';
const printable = /^[^\p{Cc}\p{Cs}]*$/u;
const short = (limit: number) =>
  z.string().trim().min(1).max(limit).regex(printable, 'must be printable');
const idParams = z.object({ id: z.uuid().describe('Fence id.') });

const fields = {
  name: short(120).describe('What people call the place, 1 to 120 characters.'),
  geometry: z
    .unknown()
    .describe('GeoJSON Polygon, MultiPolygon, or Point with `radius`; longitude first.'),
  radius: z.number().nullish().describe('Metres, for a circle: 3 to 10,000.'),
  storeId: z.uuid().nullish().describe('Store the fence belongs to.'),
  parentId: z.uuid().nullish().describe('Fence it lies in: the mall of a shop.'),
  floor: short(40).nullish().describe('Floor; fences on different floors exclude each other.'),
  category: short(60).nullish().describe('Kind of place, for reports.'),
  minDwellSeconds: z
    .number()
    .int()
    .min(0)
    .max(86_400)
    .optional()
    .describe('Seconds of stay that make a visit; 180 unless said.'),
  active: z.boolean().optional().describe('Whether pings are judged against it; true unless said.'),
};
const createBody = z.object(fields);
const changeBody = z.object({
  ...fields,
  name: fields.name.optional(),
  geometry: fields.geometry.optional(),
});

const fenceReply = z.object({
  id: z.uuid().describe('Fence id.'),
  name: z.string().describe('What people call the place.'),
  geometry: z.record(z.string(), z.unknown()).describe('GeoJSON geometry; a Point for a circle.'),
  radius: z.number().nullable().describe('Metres, circles only.'),
  storeId: z.uuid().nullable().describe('Store the fence belongs to.'),
  parentId: z.uuid().nullable().describe('Fence it lies in.'),
  floor: z.string().nullable().describe('Floor.'),
  category: z.string().nullable().describe('Kind of place.'),
  minDwellSeconds: z.int().describe('Seconds of stay that make a visit.'),
  version: z
    .int()
    .describe('Rises when the shape changes; visits say which one they were judged by.'),
  active: z.boolean().describe('Whether pings are judged against it.'),
  createdAt: z.iso.datetime().describe('When it was drawn.'),
  updatedAt: z.iso.datetime().describe('When it last changed.'),
});
const listReply = z.object({
  fences: z.array(fenceReply).describe('Fences, newest first.'),
  next: z.string().nullable().describe('Cursor of the next page; null at the end.'),
});
const featureReply = z.object({
  type: z.literal('Feature').describe('Always Feature.'),
  id: z.string().describe('Fence id.'),
  geometry: z.record(z.string(), z.unknown()).describe('GeoJSON geometry.'),
  properties: z
    .record(z.string(), z.unknown())
    .describe('name, radius, parent, storeId, floor, category, minDwellSeconds, active, version.'),
});
const collectionReply = z.object({
  type: z.literal('FeatureCollection').describe('Always FeatureCollection.'),
  features: z.array(featureReply).describe('One feature per fence.'),
});
const importReply = z.object({
  created: z.int().describe('Fences made.'),
  updated: z.int().describe('Fences changed.'),
  ids: z.record(z.string(), z.uuid()).describe('Id in the collection → fence id.'),
});

const square = {
  type: 'Polygon' as const,
  coordinates: [
    [
      [120.155, 30.274],
      [120.1553, 30.274],
      [120.1553, 30.2743],
      [120.155, 30.2743],
      [120.155, 30.274],
    ],
  ],
};
const exampleFence = {
  id: '01933b2e-8f00-7000-8000-0000000000fe',
  name: 'Shoes',
  geometry: square,
  radius: null,
  storeId: null,
  parentId: null,
  floor: '1',
  category: null,
  minDwellSeconds: 180,
  version: 1,
  active: true,
  createdAt: '2026-11-21T10:00:00.000Z',
  updatedAt: '2026-11-21T10:00:00.000Z',
};
const exampleFeature = {
  type: 'Feature' as const,
  id: exampleFence.id,
  geometry: square,
  properties: { name: 'Shoes', floor: '1' },
};
const exampleCollection = { type: 'FeatureCollection' as const, features: [exampleFeature] };

function present(row: FenceRow) {
  return {
    id: row.id,
    name: row.name,
    geometry: { ...(row.geometry as object) },
    radius: row.radius_m,
    storeId: row.store_id,
    parentId: row.parent_id,
    floor: row.floor,
    category: row.category,
    minDwellSeconds: row.min_dwell_s,
    version: row.version,
    active: row.active,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

function presentFeature(row: FenceRow) {
  const { geometry, properties, ...rest } = toFeature(row);
  return { ...rest, geometry: { ...geometry }, properties: { ...properties } };
}

async function oneFence(db: Database, merchantId: string, id: string): Promise<FenceRow> {
  const read = (tx: Queryable) => fenceById(tx, merchantId, id);
  const row = await db.tx(read, { tenant: merchantId, readOnly: true });
  if (!row) throw problem('not-found', { detail: 'There is no fence with this id.' });
  return row;
}

function readRoutes({ db }: FenceDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/fences',
      summary: 'List fences',
      tag,
      access: 'fences:read',
      query: z.object({
        storeId: z.uuid().optional().describe('Only fences of this store.'),
        active: z
          .enum(['true', 'false'])
          .transform((text) => text === 'true')
          .optional()
          .describe('Only fences in use, or only retired ones.'),
        limit: z.coerce.number().int().min(1).max(500).default(100).describe('Fences per page.'),
        cursor: z.string().max(200).optional().describe('`next` of the page before.'),
      }),
      reply: listReply,
      example: { reply: { fences: [exampleFence], next: null } },
      handler: async ({ caller: { merchantId }, query }) => {
        const { cursor, limit, ...filter } = query;
        const whole = { ...filter, after: decodeCursor(cursor), limit: limit + 1 };
        const rows = await db.tx((tx) => listFences(tx, merchantId, whole), {
          tenant: merchantId,
          readOnly: true,
        });
        const { page, next } = paged(rows, limit, (row) => row.created_at);
        return { fences: page.map(present), next };
      },
    }),
    route({
      method: 'get',
      path: '/v1/fences/:id',
      summary: 'One fence',
      tag,
      access: 'fences:read',
      params: idParams,
      reply: fenceReply,
      example: { reply: exampleFence },
      handler: async ({ caller, params }) =>
        present(await oneFence(db, caller.merchantId, params.id)),
    }),
  ];
}

function geoJsonRoutes({ db, clock }: FenceDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/fences/geojson',
      summary: 'All fences as GeoJSON',
      description:
        'A circle is a Point with the property `radius` in metres. Sent back to the import, it updates the same fences.',
      tag,
      access: 'fences:read',
      query: z.object({ storeId: z.uuid().optional().describe('Only fences of this store.') }),
      reply: collectionReply,
      example: { reply: exampleCollection },
      handler: async ({ caller: { merchantId }, query }) => {
        const read = (tx: Queryable) => fencesAsGeoJson(tx, merchantId, query.storeId);
        const collection = await db.tx(read, { tenant: merchantId, readOnly: true });
        const features = collection.features.map((feature) => ({
          ...feature,
          geometry: { ...feature.geometry },
          properties: { ...feature.properties },
        }));
        return { type: collection.type, features };
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
        presentFeature(await oneFence(db, caller.merchantId, params.id)),
    }),
    route({
      method: 'post',
      path: '/v1/fences/geojson',
      summary: 'Import fences from GeoJSON',
      description:
        'A Feature or a FeatureCollection of at most 2,000 features; all are stored or, with every fault named, none. Properties: name, radius (metres, for a Point), parent (an id in this collection or a fence id), storeId, floor, category, minDwellSeconds, active. A feature whose id is one of your fence ids changes that fence; any other makes a new one.',
      tag,
      access: 'fences:write',
      query: z.object({
        storeId: z.uuid().optional().describe('Store of features that name none.'),
      }),
      body: z.unknown().describe('GeoJSON Feature or FeatureCollection.'),
      bodyLimit: 8 * 1024 * 1024,
      reply: importReply,
      example: {
        body: exampleCollection,
        reply: { created: 1, updated: 0, ids: { shoes: exampleFence.id } },
      },
      handler: async ({ caller: { merchantId }, query, body }) => {
        const { created, updated, ids } = await db.tx(
          (tx) => importFences(tx, merchantId, body, query.storeId ?? null, clock()),
          { tenant: merchantId },
        );
        return { created: created.length, updated: updated.length, ids };
      },
    }),
  ];
}

function writeRoutes({ db, clock }: FenceDeps): AnyRoute[] {
  return [
    route({
      method: 'post',
      path: '/v1/fences',
      summary: 'Draw a fence',
      tag,
      access: 'fences:write',
      body: createBody,
      bodyLimit: 1024 * 1024,
      status: 201,
      reply: fenceReply,
      example: { body: { name: 'Shoes', geometry: square, floor: '1' }, reply: exampleFence },
      handler: async ({ caller: { merchantId }, body }) => {
        const row = await db.tx((tx) => createFence(tx, merchantId, body, clock()), {
          tenant: merchantId,
        });
        return present(row);
      },
    }),
    route({
      method: 'patch',
      path: '/v1/fences/:id',
      summary: 'Change a fence',
      description: 'Only what is sent changes. Another shape makes a new version.',
      tag,
      access: 'fences:write',
      params: idParams,
      body: changeBody,
      bodyLimit: 1024 * 1024,
      reply: fenceReply,
      example: {
        body: { name: 'Shoes and bags' },
        reply: { ...exampleFence, name: 'Shoes and bags' },
      },
      handler: async ({ caller: { merchantId }, params, body }) => {
        const row = await db.tx((tx) => changeFence(tx, merchantId, params.id, body, clock()), {
          tenant: merchantId,
        });
        return present(row);
      },
    }),
    route({
      method: 'delete',
      path: '/v1/fences/:id',
      summary: 'Remove a fence',
      description:
        'A fence that has visits is retired instead: it leaves the map, its visits stay.',
      tag,
      access: 'fences:write',
      params: idParams,
      status: 204,
      reply: z.object({}),
      example: { reply: {} },
      handler: async ({ caller: { merchantId }, params }) => {
        await db.tx((tx) => removeFence(tx, merchantId, params.id, clock()), {
          tenant: merchantId,
        });
        return {};
      },
    }),
  ];
}

/** GeoJSON first: its address would otherwise be taken for a fence id. */
export function fenceRoutes(deps: FenceDeps): AnyRoute[] {
  return [...geoJsonRoutes(deps), ...readRoutes(deps), ...writeRoutes(deps)];
}
