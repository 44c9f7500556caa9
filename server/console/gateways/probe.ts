/** Asks a controller now, for the connection check, and keeps what came of it. */
import { setTimeout as pause } from 'node:timers/promises';
import { keepNotice } from '../../sessions/notice-queries.ts';
import type { ConsoleDeps } from '../deps.ts';
import type { Loaded } from './load.ts';

/** Longest that a person waits for a controller. */
const PATIENCE_MS = 12_000;

/** `none`: this equipment has nobody to ask. The reasons of a failure stand among the notices. */
export type Probe = { outcome: 'ok'; clients: number } | { outcome: 'failed' | 'none' };

export async function probeController(deps: ConsoleDeps, loaded: Loaded): Promise<Probe> {
  const { portal, gateway, store } = loaded;
  const enough = new AbortController();
  const late = pause(PATIENCE_MS, 'late' as const, { signal: enough.signal, ref: false });
  late.catch(() => undefined);
  try {
    const told = await Promise.race([deps.gateways.poll(portal, gateway), late]);
    if (told === null) return { outcome: 'none' };
    if (told === 'late') return { outcome: 'failed' };
    await note(deps, store.merchant_id, store.id, gateway.id);
    return { outcome: 'ok', clients: told.length };
  } catch (error) {
    deps.log.warn({ err: error, gateway: gateway.id }, 'a controller did not answer the check');
    return { outcome: 'failed' };
  } finally {
    enough.abort();
  }
}

async function note(
  deps: ConsoleDeps,
  merchantId: string,
  storeId: string,
  gatewayId: string,
): Promise<void> {
  const notice = { merchantId, storeId, gatewayId, code: 'controller-ok', detail: {}, times: 1 };
  await deps.db.tx((tx) => keepNotice(tx, notice, deps.clock()), { tenant: merchantId });
}
