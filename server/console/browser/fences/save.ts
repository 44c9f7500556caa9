/** The fence API as the editor uses it: list, save, delete, import. */
import type { Answer } from '../page/api.ts';
import { call, send } from '../page/api.ts';
import type { Datum, FenceGeometry, FenceValue } from '../../shared/fence.ts';
import type { EditorFence } from './model.ts';

/** A fence as `/v1/fences` sends it. */
export interface ApiFence extends FenceValue {
  id: string;
  version: number;
  /** As it was drawn; null when that is WGS 84. */
  drawn: FenceGeometry | null;
}

export interface Warning {
  code: string;
  message: string;
}

export function fromApi(fence: ApiFence): EditorFence {
  return {
    id: fence.id,
    name: fence.name,
    kind: fence.kind,
    floor: fence.floor,
    parentId: fence.parentId,
    category: fence.category,
    minDwellSeconds: fence.minDwellSeconds,
    active: fence.active,
    version: fence.version,
    geometry: fence.drawn ?? fence.geometry,
    radius: fence.radius,
    width: fence.width,
    direction: fence.direction,
    members: fence.members,
    of: fence.of,
    radio: fence.radio,
    priority: fence.priority,
    cooldownSeconds: fence.cooldownSeconds,
    hours: fence.hours,
    datum: fence.datum,
  };
}

const isNew = (fence: EditorFence): boolean => fence.id.startsWith('new-');

/** Only a shape that was really changed is sent: the map shows rounded corners, the store keeps exact ones. */
function toApi(fence: EditorFence, before: EditorFence | undefined): Record<string, unknown> {
  const { id: _id, version: _version, geometry, kind, ...rest } = fence;
  const fields = { ...rest, name: rest.name.trim() };
  const same =
    before !== undefined &&
    before.datum === fence.datum &&
    JSON.stringify(before.geometry) === JSON.stringify(geometry);
  return same ? fields : { ...fields, kind, geometry };
}

export interface Saved {
  fence: EditorFence;
  warnings: readonly Warning[];
}

export async function saveFence(
  fence: EditorFence,
  before: EditorFence | undefined,
  storeId: string,
): Promise<Answer<Saved>> {
  type Reply = ApiFence & { warnings: Warning[] };
  const body = toApi(fence, before);
  const answer = isNew(fence)
    ? await call<Reply>('POST', '/v1/fences', { ...body, storeId })
    : await call<Reply>('PATCH', `/v1/fences/${encodeURIComponent(fence.id)}`, body);
  if (!answer.ok) return answer;
  return { ok: true, data: { fence: fromApi(answer.data), warnings: answer.data.warnings } };
}

export async function deleteFence(fence: EditorFence): Promise<Answer<unknown>> {
  if (isNew(fence)) return { ok: true, data: null };
  return call('DELETE', `/v1/fences/${encodeURIComponent(fence.id)}`);
}

/** The store's fences; pages of the API one after the other. */
export async function listFences(storeId: string): Promise<Answer<EditorFence[]>> {
  const found: EditorFence[] = [];
  let cursor = '';
  do {
    const query = new URLSearchParams({ storeId, limit: '500', ...(cursor ? { cursor } : {}) });
    const answer = await call<{ fences: ApiFence[]; next: string | null }>(
      'GET',
      `/v1/fences?${query}`,
    );
    if (!answer.ok) return answer;
    found.push(...answer.data.fences.map(fromApi));
    cursor = answer.data.next ?? '';
  } while (cursor !== '' && found.length < 20_000);
  return { ok: true, data: found };
}

export interface ImportReply {
  created: number;
  updated: number;
  warnings: (Warning & { id: string })[];
}

const GEOJSON = 'application/geo+json';
const KML = 'application/vnd.google-earth.kml+xml';

/** Sends a GeoJSON or KML file; everything in it becomes a fence, or nothing does. */
export async function importFile(
  file: File,
  storeId: string,
  datum: Datum,
): Promise<Answer<ImportReply>> {
  const text = await file.text();
  const isKml = /\.kml$/i.test(file.name) || text.trimStart().startsWith('<');
  const query = new URLSearchParams({ storeId, datum });
  return send<ImportReply>('POST', `/v1/fences/import?${query}`, {
    type: isKml ? KML : GEOJSON,
    text,
  });
}
