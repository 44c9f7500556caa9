/** PURE. A fence as people give it, judged by the engine's own parser, on its way to the database. */
import type { Datum } from '../../geo/datum.ts';
import type { FenceDefinition } from '../../geo/fence.ts';
import type { FenceFields, FenceRow } from './queries.ts';
import type { Direction, FenceKind, StoredShape } from './shape.ts';
import { parseFence } from '../../geo/geojson.ts';
import { problem } from '../errors.ts';
import { drawnGeometry } from './datum.ts';
import { toStored } from './shape.ts';

export type Box = readonly [number, number, number, number];

/** Something that is accepted and still odd. */
export interface Warning {
  code: string;
  message: string;
}

/** What decides where a fence is and who is in it. Left out: as it is, or the default. Not trusted. */
export interface GroundInput {
  kind?: FenceKind | null | undefined;
  /** GeoJSON Polygon, MultiPolygon, LineString, or Point; none for radio sets and composites. */
  geometry?: unknown;
  /** Metres, circles only. */
  radius?: number | null | undefined;
  /** Metres, corridors only. */
  width?: number | null | undefined;
  direction?: Direction | null | undefined;
  members?: readonly string[] | null | undefined;
  of?: 'any' | 'all' | null | undefined;
  /** Datum of `geometry`. */
  datum?: Datum | null | undefined;
}

/** What else the engine is told. */
export interface RuleInput {
  minDwellSeconds?: number | undefined;
  floor?: string | null | undefined;
  radio?: readonly string[] | null | undefined;
  priority?: number | undefined;
  cooldownSeconds?: number | undefined;
  hours?: unknown;
  source?: 'isochrone' | null | undefined;
}

export interface FenceInput extends GroundInput, RuleInput {
  name: string;
  storeId?: string | null | undefined;
  parentId?: string | null | undefined;
  category?: string | null | undefined;
  active?: boolean | undefined;
}

/** What is left out stays as it is. */
export type FenceChange = { [K in keyof FenceInput]?: FenceInput[K] | undefined };

export interface Accepted {
  fields: FenceFields;
  shape: StoredShape;
  /** The stored geometry is the one meant: it was not sent again. */
  keepGeometry: boolean;
  warnings: readonly Warning[];
}

/** A new fence, or the problem that says what to mend. */
export function acceptNew(input: FenceInput, expected: Box | null): Accepted {
  const { definition, warnings } = judge(input, expected);
  return {
    fields: fieldsOf(definition, {
      name: input.name,
      storeId: input.storeId ?? null,
      parentId: input.parentId ?? null,
      category: input.category ?? null,
      active: input.active ?? true,
      datum: input.datum ?? 'wgs84',
    }),
    shape: storedOf(definition),
    keepGeometry: false,
    warnings,
  };
}

/** A stored fence with a change over it. */
export function acceptChange(
  before: FenceRow,
  change: FenceChange,
  expected: Box | null,
): Accepted {
  const redrawn = change.geometry !== undefined || (change.datum ?? before.datum) !== before.datum;
  // A geometry that does not say is WGS 84, as replies give it.
  const datum = change.datum ?? (change.geometry === undefined ? before.datum : 'wgs84');
  const { definition, warnings } = judge(
    {
      ...rulesOf(before),
      ...given(change),
      ...groundOf(before, change, redrawn),
      name: change.name ?? before.name,
      // What is stored is WGS 84 already.
      datum: redrawn ? datum : 'wgs84',
    },
    expected,
  );
  const { storeId, parentId, category } = change;
  return {
    fields: fieldsOf(definition, {
      name: change.name ?? before.name,
      storeId: storeId === undefined ? before.store_id : storeId,
      parentId: parentId === undefined ? before.parent_id : parentId,
      category: category === undefined ? before.category : category,
      active: change.active ?? before.active,
      datum,
    }),
    shape: storedOf(definition),
    keepGeometry: !redrawn,
    warnings,
  };
}

/** Ids are kept as the database writes them: in capitals a member would never be found again. */
function storedOf({ shape }: FenceDefinition): StoredShape {
  const stored = toStored(shape);
  if (stored.members === null) return stored;
  return { ...stored, members: [...new Set(stored.members.map((id) => id.toLowerCase()))] };
}

function judge(input: FenceInput, expected: Box | null) {
  const result = parseFence(featureOf(input), { id: 'fence', ...(expected ? { expected } : {}) });
  if (result.ok) return { definition: result.fence, warnings: result.warnings };
  const path = result.code.startsWith('bad-') ? 'body' : 'body.geometry';
  throw problem('invalid-geometry', {
    detail: result.message,
    errors: [{ path, message: result.message }],
    fault: result.code,
  });
}

function featureOf(input: FenceInput): object {
  const { geometry, name, floor, kind, radius, width, direction, members, of, datum } = input;
  const { minDwellSeconds, radio, priority, cooldownSeconds, hours, source } = input;
  const ground = { kind, radius, width, direction, members, of, datum };
  const rules = { minDwellSeconds, radio, priority, cooldownSeconds, hours, source };
  return {
    type: 'Feature',
    geometry: geometry ?? null,
    properties: { name, floor, ...ground, ...rules },
  };
}

/** What kind and numbers a changed fence has; another kind of geometry brings its own. */
function groundOf(before: FenceRow, change: FenceChange, redrawn: boolean): GroundInput {
  const { kind, radius, width, direction, members, of } = change;
  const drawn = change.geometry === undefined ? drawnGeometry(before) : change.geometry;
  const geometry = redrawn ? drawn : before.geometry;
  const other =
    kind !== undefined ? kind !== before.kind : sort(geometry) !== sort(before.geometry);
  if (other) return { kind, radius, width, direction, members, of, geometry };
  return {
    kind: before.kind,
    geometry,
    radius: radius === undefined ? before.radius_m : radius,
    width: width === undefined ? before.width_m : width,
    direction: direction === undefined ? before.direction : direction,
    members: members === undefined ? before.members : members,
    of: of === undefined ? before.members_of : of,
  };
}

/** Polygons and multipolygons are one sort of thing; lines, points and nothing are three others. */
function sort(geometry: unknown): string {
  const { type } = (geometry ?? {}) as { type?: unknown };
  return type === 'MultiPolygon' ? 'Polygon' : String(type);
}

const rulesOf = (row: FenceRow): RuleInput => ({
  minDwellSeconds: row.min_dwell_s,
  floor: row.floor,
  radio: row.radio,
  priority: row.priority,
  cooldownSeconds: row.cooldown_s,
  hours: row.hours,
  source: row.made,
});

const given = (change: FenceChange): FenceChange =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));

type Own = Pick<FenceFields, 'name' | 'storeId' | 'parentId' | 'category' | 'active' | 'datum'>;

/** What the parser read, with what only our own columns know. */
export function fieldsOf(definition: FenceDefinition, own: Own): FenceFields {
  return {
    ...own,
    floor: definition.floor ?? null,
    minDwellSeconds: definition.minDwellSeconds ?? 180,
    radio: definition.radio ? [...definition.radio] : null,
    priority: definition.priority ?? 0,
    cooldownSeconds: definition.cooldownSeconds ?? 0,
    hours: definition.hours ?? null,
    made: definition.source ?? null,
  };
}
