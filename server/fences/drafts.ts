/** PURE. GeoJSON features on their way to becoming fences: read, judged, put in order. */
import type { Datum } from '../../geo/datum.ts';
import type { FenceDefinition } from '../../geo/fence.ts';
import type { Box, Warning } from './input.ts';
import { parseFence } from '../../geo/geojson.ts';
import { problem } from '../errors.ts';

/** Features in one request. */
const MAX_IMPORT = 2_000;
const SHOWN = 20;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface Draft {
  index: number;
  /** The id the collection uses, for parents and members. */
  outerId: string;
  definition: FenceDefinition;
  parent: string | null;
  members: readonly string[];
  /** What only our own columns know. */
  own: {
    name: string;
    storeId: string | null;
    category: string | null;
    active: boolean;
    datum: Datum;
  };
  warnings: readonly Warning[];
}

export interface Refusal {
  path: string;
  message: string;
  fault: string;
}

/** Every feature as a draft, or one problem that names what is wrong with each. */
export function readDrafts(collection: unknown, datum: Datum, expected: Box | null): Draft[] {
  const drafts: Draft[] = [];
  const faults: Refusal[] = [];
  const seen = new Set<string>();
  featuresOf(collection).forEach((feature, index) => {
    const path = `body.features.${index}`;
    const properties = propertiesOf(feature);
    // Our own export says in what a fence was drawn, and is itself WGS 84.
    const own = properties['drawnIn'] == null ? datum : 'wgs84';
    const bounds = expected ? { expected } : {};
    const options = { id: `feature-${index}`, datum: own, ...bounds };
    const result = parseFence(feature, options);
    if (!result.ok) {
      faults.push({ path, message: result.message, fault: result.code });
      return;
    }
    const { fence } = result;
    const fault = seen.has(fence.id)
      ? { fault: 'duplicate-id', message: 'an earlier feature has the same id' }
      : propertyFault(fence, properties);
    seen.add(fence.id);
    if (fault) faults.push({ path, ...fault });
    else drafts.push(draftOf(index, fence, properties, result.warnings));
  });
  if (faults.length > 0) throw refused(faults);
  return drafts;
}

function featuresOf(collection: unknown): unknown[] {
  const { type, features } = (collection ?? {}) as { type?: unknown; features?: unknown };
  const list = type === 'Feature' ? [collection] : features;
  if (type !== 'Feature' && (type !== 'FeatureCollection' || !Array.isArray(list))) {
    throw refused([
      {
        path: 'body',
        message: 'Send a GeoJSON Feature or FeatureCollection.',
        fault: 'not-a-collection',
      },
    ]);
  }
  const found = list as unknown[];
  if (found.length > MAX_IMPORT) {
    const message = `${found.length} features; at most ${MAX_IMPORT} fit into one request.`;
    throw refused([{ path: 'body.features', message, fault: 'too-many-fences' }]);
  }
  return found;
}

function propertiesOf(feature: unknown): Readonly<Record<string, unknown>> {
  const { properties } = (feature ?? {}) as { properties?: unknown };
  return (properties ?? {}) as Record<string, unknown>;
}

function draftOf(
  index: number,
  fence: FenceDefinition,
  properties: Readonly<Record<string, unknown>>,
  warnings: readonly Warning[],
): Draft {
  const { shape } = fence;
  return {
    index,
    outerId: fence.id,
    definition: fence,
    parent: fence.parent ?? null,
    members: shape.type === 'Composite' ? shape.members : [],
    own: {
      name: fence.name.trim(),
      storeId: (properties['storeId'] as string | null | undefined) ?? null,
      category: (properties['category'] as string | null | undefined) ?? null,
      active: (properties['active'] as boolean | null | undefined) ?? true,
      datum: fence.drawnIn ?? 'wgs84',
    },
    warnings,
  };
}

const shortText = (value: unknown, limit: number): boolean =>
  value == null ||
  (typeof value === 'string' && value.length <= limit && !/[\p{Cc}\p{Cs}]/u.test(value));

/** What our own columns ask beyond what the engine asks. */
function propertyFault(
  { name }: FenceDefinition,
  properties: Readonly<Record<string, unknown>>,
): Omit<Refusal, 'path'> | null {
  if (name.trim() === '' || !shortText(name, 120)) {
    return { fault: 'bad-name', message: 'the name needs 1 to 120 printable characters' };
  }
  const { storeId, floor, category, active } = properties;
  if (storeId != null && (typeof storeId !== 'string' || !uuid.test(storeId))) {
    return { fault: 'bad-property', message: 'storeId must be the id of a store' };
  }
  if (!shortText(typeof floor === 'number' ? '' : floor, 40) || !shortText(category, 60)) {
    return { fault: 'bad-property', message: 'floor and category are short texts' };
  }
  if (active != null && typeof active !== 'boolean') {
    return { fault: 'bad-property', message: 'active must be true or false' };
  }
  return null;
}

/** A child may stand before its parent in the file; in the database the parent comes first. */
export function parentsFirst(
  drafts: readonly Draft[],
  known: { has(id: string): boolean },
): Draft[] {
  const waiting = new Map(drafts.map((draft) => [draft.outerId, draft]));
  const ordered: Draft[] = [];
  for (const start of drafts) {
    const line: Draft[] = [];
    let draft: Draft | undefined = start;
    while (draft && waiting.delete(draft.outerId)) {
      line.push(draft);
      const { parent }: Draft = draft;
      // A parent that is stored already may be written later.
      draft = parent === null || known.has(parent) ? undefined : waiting.get(parent);
      if (parent !== null && line.some(({ outerId }) => outerId === parent)) {
        throw problem('conflict', {
          detail: 'A fence cannot lie inside itself: the parents form a ring.',
          fault: 'ring',
        });
      }
    }
    ordered.push(...line.toReversed());
  }
  return ordered;
}

export function refused(faults: readonly Refusal[]) {
  return problem('invalid-geometry', {
    detail: `${faults.length} of the features cannot be used: ${faults[0]?.message ?? ''}`,
    errors: faults.slice(0, SHOWN).map(({ path, message }) => ({ path, message })),
    faults: faults.slice(0, SHOWN),
    fault: faults[0]?.fault,
  });
}
