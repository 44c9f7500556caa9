/** PURE. Boxes in degrees: grown by metres, cut in two where they cross the antimeridian. */
import type { Metres } from './lonlat.ts';
import { METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';

/** Same member names as rbush items, so that a box can go straight into the tree. */
export interface Box {
  readonly minX: number;
  readonly minY: number;
  readonly maxX: number;
  readonly maxY: number;
}

/** The box with `metres` added on each side; longitudes may leave [-180, 180]. */
export function growBox(box: Box, metres: Metres): Box {
  const dy = metres / METRES_PER_DEGREE;
  const poleward = Math.max(Math.abs(box.minY), Math.abs(box.maxY)) + dy;
  const dx = Math.min(180, metres / metresPerLonDegree(Math.min(90, poleward)));
  return {
    minX: box.minX - dx,
    minY: Math.max(-90, box.minY - dy),
    maxX: box.maxX + dx,
    maxY: Math.min(90, box.maxY + dy),
  };
}

/** One or two boxes inside [-180, 180] that cover the same ground. */
export function splitBox(box: Box): Box[] {
  if (box.maxX - box.minX >= 360) return [{ ...box, minX: -180, maxX: 180 }];
  if (box.minX >= -180 && box.maxX <= 180) return [box];
  const shift = box.minX < -180 ? 360 : box.minX > 180 ? -360 : 0;
  const minX = box.minX + shift;
  const maxX = box.maxX + shift;
  if (maxX <= 180) return [{ ...box, minX, maxX }];
  return [
    { ...box, minX, maxX: 180 },
    { ...box, minX: -180, maxX: maxX - 360 },
  ];
}
