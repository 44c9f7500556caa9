/** PURE. In which datum the console's map stands: what is drawn over shifted tiles is shifted as they are. */
import type { Datum } from './shared/fence.ts';

/** From the tiles' address; plain ground and all maps of the rest of the world are WGS 84. */
export function datumOfTiles(tiles: { url: string } | null | undefined): Datum {
  const url = tiles?.url ?? '';
  if (/autonavi|amap\.com|gaode|\.qq\.com|gtimg|tencent/i.test(url)) return 'gcj02';
  return /bdimg|baidu/i.test(url) ? 'bd09' : 'wgs84';
}
