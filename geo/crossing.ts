/** PURE. Fences that a device went straight through between two pings. */
import type { Fence } from './fence.ts';
import type { Policy } from './policy.ts';
import type { Fix } from './quality.ts';
import type { FenceState } from './state.ts';
import type { Transition } from './visit.ts';
import { contains } from './contains.ts';
import { edgeDistance } from './depth.ts';
import { planeDistance } from './distance.ts';
import { relativeLon } from './fence.ts';
import { wrapLon } from './lonlat.ts';

const NOTHING: readonly Transition[] = [];

/** Shares along a–b at which the segment meets the fence's edges. */
function cuts(fence: Fence, a: Fix, dLon: number, dLat: number): number[] {
  const { xy, rings } = fence;
  const ax = relativeLon(fence, a.lon);
  const ay = a.lat - fence.lat0;
  const at: number[] = [];
  for (let r = 0; r + 1 < rings.length; r++) {
    for (let i = rings[r] as number; i < (rings[r + 1] as number) - 1; i++) {
      const x = (xy[2 * i] as number) - ax;
      const y = (xy[2 * i + 1] as number) - ay;
      const ex = (xy[2 * i + 2] as number) - ax - x;
      const ey = (xy[2 * i + 3] as number) - ay - y;
      const area = dLon * ey - dLat * ex;
      if (area === 0) continue;
      const s = (x * ey - y * ex) / area;
      const u = (x * dLat - y * dLon) / area;
      if (s >= 0 && s <= 1 && u >= 0 && u < 1) at.push(s);
    }
  }
  return at;
}

/**
 * Crossed: the straight line between two pings at most `crossSeconds` apart goes through the fence
 * both ends lie outside and its middle inside, each by more than the accuracy: noise along a shop
 * front is no crossing. Never a visit. `near` holds at least the fences whose box the line touches.
 */
export function crossings(
  before: Fix | null,
  now: Fix,
  near: readonly Fence[],
  followed: readonly FenceState[],
  policy: Policy,
): readonly Transition[] {
  if (near.length === 0 || before === null) return NOTHING;
  if (now.t - before.t > policy.crossSeconds * 1000) return NOTHING;
  const length = planeDistance(before.lon, before.lat, now.lon, now.lat);
  if (length <= before.acc + now.acc) return NOTHING;
  const dLon = wrapLon(now.lon - before.lon);
  const dLat = now.lat - before.lat;
  const found: Transition[] = [];
  for (const fence of near) {
    const state = followed.find((f) => f.fence === fence.id);
    if (state && state.phase !== 'away' && state.phase !== 'gone') continue;
    if (contains(fence, before.lon, before.lat) || contains(fence, now.lon, now.lat)) continue;
    const shares = cuts(fence, before, dLon, dLat);
    if (shares.length < 2) continue;
    if (edgeDistance(fence, before.lon, before.lat) <= before.acc) continue;
    if (edgeDistance(fence, now.lon, now.lat) <= now.acc) continue;
    const middle = (Math.min(...shares) + Math.max(...shares)) / 2;
    const [lon, lat] = [wrapLon(before.lon + middle * dLon), before.lat + middle * dLat];
    if (edgeDistance(fence, lon, lat) <= (before.acc + now.acc) / 2) continue;
    found.push({
      type: 'crossed',
      fence: fence.id,
      at: Math.round(before.t + middle * (now.t - before.t)),
      detectedAt: now.t,
      p: state?.p ?? 0,
    });
  }
  return found;
}
