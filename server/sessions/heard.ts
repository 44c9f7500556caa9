/** When a gateway was heard last, written now and then: with every packet it would be the busiest row of all. */
import type { Queryable } from '../db/database.ts';
import { heardGateway } from './door-queries.ts';

const EVERY_MS = 30_000;
const MOST = 20_000;

export type Hear = (
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  now: number,
) => Promise<void>;

export function createHeard(): Hear {
  const written = new Map<string, number>();
  return async (tx, merchantId, gatewayId, now) => {
    const key = `${merchantId} ${gatewayId}`;
    if (Math.abs(now - (written.get(key) ?? 0)) < EVERY_MS) return;
    if (written.size >= MOST) written.clear();
    written.set(key, now);
    await heardGateway(tx, merchantId, gatewayId, now, EVERY_MS);
  };
}
