/** What the fence routes take and give, with one example of each. */
import { z } from 'zod';
import type { Warning } from './input.ts';
import type { FenceRow } from './queries.ts';
import { DATUMS } from '../../geo/datum.ts';
import { drawnGeometry } from './datum.ts';

const printable = /^[^\p{Cc}\p{Cs}]*$/u;
const short = (limit: number) =>
  z.string().trim().min(1).max(limit).regex(printable, 'must be printable');

const kinds = ['area', 'circle', 'corridor', 'tripwire', 'radio', 'composite'] as const;
const span = z.array(z.union([z.number(), z.string().max(5)])).length(2);
const hoursIn = z.object({
  timezone: z.string().max(60).describe('IANA name, such as Europe/London.'),
  week: z
    .array(z.array(span).max(8))
    .length(7)
    .describe(
      'Monday first: for each day the spans it is open, [opens, closes] as "09:00" or minutes after midnight. Closing at or before opening is past midnight; a day without spans is closed.',
    ),
});

const fields = {
  name: short(120).describe('What people call the place, 1 to 120 characters.'),
  kind: z
    .enum(kinds)
    .optional()
    .describe(
      'Found from the geometry unless said: `area` (Polygon, MultiPolygon), `circle` (Point and `radius`), `corridor` (LineString and `width`), `tripwire` (LineString and `direction`), `composite` (`members`, no geometry), `radio` (`radio`, no geometry).',
    ),
  geometry: z
    .unknown()
    .optional()
    .describe('GeoJSON Polygon, MultiPolygon, LineString, or Point; longitude first.'),
  radius: z.number().nullish().describe('Metres, for a circle: 3 to 10,000.'),
  width: z.number().nullish().describe('Metres from edge to edge, for a corridor: 1 to 2,000.'),
  direction: z
    .enum(['left', 'right', 'both'])
    .nullish()
    .describe(
      'Which crossings of a tripwire count, seen along the line: to its left, its right, or both.',
    ),
  members: z
    .array(z.string().max(64))
    .nullish()
    .describe('Ids of the fences a composite is made of.'),
  of: z
    .enum(['any', 'all'])
    .nullish()
    .describe('A composite is where one is in any of its members, or in all at once.'),
  datum: z
    .enum(DATUMS)
    .nullish()
    .describe(
      'What the coordinates of `geometry` are: `wgs84` (GPS, OpenStreetMap, Google outside China) unless said, `gcj02` (AMap, Tencent), `bd09` (Baidu). They are converted once; fences are kept in WGS 84. Alone, it says that what was drawn was in another datum than was thought.',
    ),
  radio: z
    .array(z.string().max(200))
    .nullish()
    .describe(
      'What can only be heard here: `bssid:aa:bb:cc:dd:ee:ff`, `gateway:<id>`, `beacon:<uuid>:<major>:<minor>`, `qr:<code>`. Any fence may list them.',
    ),
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
  priority: z
    .number()
    .int()
    .min(-100)
    .max(100)
    .optional()
    .describe('Ground that two fences share belongs to the one of higher priority; 0 unless said.'),
  cooldownSeconds: z
    .number()
    .int()
    .min(0)
    .max(2_592_000)
    .optional()
    .describe('After leaving, it triggers nothing for the same device for so long; 0 unless said.'),
  hours: hoursIn.nullish().describe('When it is open; always unless said.'),
  source: z
    .literal('isochrone')
    .nullish()
    .describe('What the shape is beyond its geometry: an imported travel-time polygon.'),
  active: z.boolean().optional().describe('Whether pings are judged against it; true unless said.'),
};
export const createBody = z.object({
  ...fields,
  since: z.iso
    .datetime()
    .optional()
    .describe(
      'From when on it counts, up to 30 days back: pings taken since then that arrive late are judged by it. From now on unless said.',
    ),
});
export const changeBody = z.object({
  ...fields,
  name: fields.name.optional(),
});

const warningReply = z.object({
  code: z.string().describe('Short name of what is odd.'),
  message: z.string().describe('The same in words.'),
});
export const fenceReply = z.object({
  id: z.uuid().describe('Fence id.'),
  name: z.string().describe('What people call the place.'),
  kind: z.enum(kinds).describe('What it is made of.'),
  geometry: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe(
      'GeoJSON geometry in WGS 84: a Point for a circle, a LineString for a corridor or tripwire, null for radio sets and composites.',
    ),
  radius: z.number().nullable().describe('Metres, circles only.'),
  width: z.number().nullable().describe('Metres, corridors only.'),
  direction: z.string().nullable().describe('Which crossings count, tripwires only.'),
  members: z.array(z.string()).nullable().describe('Fence ids, composites only.'),
  of: z.string().nullable().describe('any or all, composites only.'),
  radio: z.array(z.string()).nullable().describe('What can only be heard here.'),
  datum: z.string().describe('What it was drawn in.'),
  drawn: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe('The geometry as it was drawn, in `datum`; null when that is WGS 84.'),
  storeId: z.uuid().nullable().describe('Store the fence belongs to.'),
  parentId: z.uuid().nullable().describe('Fence it lies in.'),
  floor: z.string().nullable().describe('Floor.'),
  category: z.string().nullable().describe('Kind of place.'),
  minDwellSeconds: z.int().describe('Seconds of stay that make a visit.'),
  priority: z.int().describe('Of fences that share ground the highest has it.'),
  cooldownSeconds: z.int().describe('Seconds after leaving in which it triggers nothing.'),
  hours: z
    .object({
      timezone: z.string().describe('IANA name.'),
      week: z
        .array(z.array(z.array(z.number())))
        .describe('Monday first: spans of minutes after midnight.'),
    })
    .nullable()
    .describe('When it is open; null is always.'),
  source: z.string().nullable().describe('isochrone, or null.'),
  version: z
    .int()
    .describe('Rises when its ground changes; visits say which one they were judged by.'),
  active: z.boolean().describe('Whether pings are judged against it.'),
  createdAt: z.iso.datetime().describe('When it was drawn.'),
  updatedAt: z.iso.datetime().describe('When it last changed.'),
});
export const savedReply = fenceReply.extend({
  warnings: z.array(warningReply).describe('What was taken and is still odd; mostly empty.'),
});
export const listReply = z.object({
  fences: z.array(fenceReply).describe('Fences, newest first.'),
  next: z.string().nullable().describe('Cursor of the next page; null at the end.'),
});

export function present(row: FenceRow): z.input<typeof fenceReply> {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    geometry: row.geometry && { ...row.geometry },
    radius: row.radius_m,
    width: row.width_m,
    direction: row.direction,
    members: row.members,
    of: row.members_of,
    radio: row.radio,
    datum: row.datum,
    drawn: row.datum === 'wgs84' || row.geometry === null ? null : { ...drawnGeometry(row) },
    storeId: row.store_id,
    parentId: row.parent_id,
    floor: row.floor,
    category: row.category,
    minDwellSeconds: row.min_dwell_s,
    priority: row.priority,
    cooldownSeconds: row.cooldown_s,
    hours: row.hours && {
      timezone: row.hours.timezone,
      week: row.hours.week.map((day) => day.map(([opens, closes]) => [opens, closes])),
    },
    source: row.made,
    version: row.version,
    active: row.active,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

export const presentSaved = (row: FenceRow & { warnings: readonly Warning[] }) => ({
  ...present(row),
  warnings: row.warnings.map(({ code, message }) => ({ code, message })),
});

export const square = {
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
export const exampleFence = {
  id: '01933b2e-8f00-7000-8000-0000000000fe',
  name: 'Shoes',
  kind: 'area' as const,
  geometry: square,
  radius: null,
  width: null,
  direction: null,
  members: null,
  of: null,
  radio: null,
  datum: 'wgs84',
  drawn: null,
  storeId: null,
  parentId: null,
  floor: '1',
  category: null,
  minDwellSeconds: 180,
  priority: 0,
  cooldownSeconds: 0,
  hours: null,
  source: null,
  version: 1,
  active: true,
  createdAt: '2026-11-21T10:00:00.000Z',
  updatedAt: '2026-11-21T10:00:00.000Z',
};
export const exampleSaved = { ...exampleFence, warnings: [] };
