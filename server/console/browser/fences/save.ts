/** The fence API as the editor uses it: list, save, delete. */
import type { Answer } from '../page/api.ts';
import { call } from '../page/api.ts';
import type { Geometry } from '../map/shapes.ts';
import type { EditorFence } from './model.ts';

/** A fence as `/v1/fences` sends it. */
export interface ApiFence {
  id: string;
  name: string;
  floor: string | null;
  parentId: string | null;
  category: string | null;
  minDwellSeconds: number;
  active: boolean;
  version: number;
  geometry: Geometry;
  radius: number | null;
}

export function fromApi(fence: ApiFence): EditorFence {
  const { id, name, floor, parentId, category, minDwellSeconds, active, version } = fence;
  const { geometry, radius } = fence;
  return {
    id,
    name,
    floor,
    parentId,
    category,
    minDwellSeconds,
    active,
    version,
    geometry,
    radius,
  };
}

const isNew = (fence: EditorFence): boolean => fence.id.startsWith('new-');

/** Only a shape that was really changed is sent: the map shows rounded corners, the store keeps exact ones. */
function toApi(fence: EditorFence, before: EditorFence | undefined): Record<string, unknown> {
  const { name, floor, parentId, category, minDwellSeconds, active, geometry, radius } = fence;
  const fields = { name: name.trim(), floor, parentId, category, minDwellSeconds, active };
  const same =
    before !== undefined &&
    before.radius === radius &&
    JSON.stringify(before.geometry) === JSON.stringify(geometry);
  return same ? fields : { ...fields, geometry, radius };
}

export async function saveFence(
  fence: EditorFence,
  before: EditorFence | undefined,
  storeId: string,
): Promise<Answer<EditorFence>> {
  const body = toApi(fence, before);
  const answer = isNew(fence)
    ? await call<ApiFence>('POST', '/v1/fences', { ...body, storeId })
    : await call<ApiFence>('PATCH', `/v1/fences/${encodeURIComponent(fence.id)}`, body);
  return answer.ok ? { ok: true, data: fromApi(answer.data) } : answer;
}

export async function deleteFence(fence: EditorFence): Promise<Answer<unknown>> {
  if (isNew(fence)) return { ok: true, data: null };
  return call('DELETE', `/v1/fences/${encodeURIComponent(fence.id)}`);
}
