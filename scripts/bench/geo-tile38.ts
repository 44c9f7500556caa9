/** Tile38 doing the like: points SET into a key that one channel for each fence watches, pipelined. */
import { randomUUID } from 'node:crypto';
import type { Reply, Resp } from './resp.ts';
import type { Land } from './geo-town.ts';
import { at } from './geo-town.ts';
import { median } from './measure.ts';
import { openResp } from './resp.ts';

export interface Tile38Row {
  readonly fences: number;
  readonly version: string;
  readonly points: number;
  /** Of the whole pair, over the loopback or the network; its server may use other cores. */
  readonly perSecond: number;
}

const BATCH = 1000;
const DEVICES = 2000;

function checked(replies: readonly Reply[]): void {
  const error = replies.find((reply) => reply instanceof Error);
  if (error instanceof Error) throw new Error(`Tile38 said: ${error.message}`);
}

/** Channels detect entering and leaving, as a shop would want; they are taken away again. */
export async function benchTile38(
  url: string,
  { fences, side }: Land,
  batches: number,
  random: () => number,
): Promise<Tile38Row> {
  const tile38 = await openResp(url);
  const key = `foyer-bench-${randomUUID()}`;
  try {
    await watch(tile38, key, fences);
    const rates: number[] = [];
    for (let batch = 0; batch < batches; batch++) {
      const sets = Array.from({ length: BATCH }, () => {
        const [lon, lat] = at(side * random(), side * random());
        const device = `d${Math.floor(DEVICES * random())}`;
        return ['SET', key, device, 'POINT', String(lat), String(lon)];
      });
      const start = performance.now();
      checked(await tile38.pipeline(sets));
      rates.push((BATCH * 1000) / (performance.now() - start));
    }
    return {
      fences: fences.length,
      version: await versionOf(tile38),
      points: BATCH * batches,
      perSecond: Math.round(median(rates)),
    };
  } finally {
    await tile38
      .pipeline([
        ['PDELCHAN', `${key}-*`],
        ['DROP', key],
      ])
      .catch(() => []);
    tile38.close();
  }
}

async function watch(tile38: Resp, key: string, fences: Land['fences']): Promise<void> {
  for (let from = 0; from < fences.length; from += BATCH) {
    const channels = fences.slice(from, from + BATCH).map(({ id, shape }) => {
      const watched = ['INTERSECTS', key, 'FENCE', 'DETECT', 'enter,exit'];
      return ['SETCHAN', `${key}-${id}`, ...watched, 'OBJECT', JSON.stringify(shape)];
    });
    checked(await tile38.pipeline(channels));
  }
}

async function versionOf(tile38: Resp): Promise<string> {
  const [reply] = await tile38.pipeline([['SERVER']]);
  if (!Array.isArray(reply)) return 'unknown';
  const place = reply.indexOf('version');
  return place < 0 ? 'unknown' : String(reply[place + 1]);
}
