/** RFC 8908 over HTTP: one address per client, by the key it was handed or, where only the gateway can fill it in, by its MAC. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import { CAPTIVE_JSON, captiveAnswer } from './captive-api.ts';
import { anyMac } from './gateways/next-hop.ts';
import { guard } from './headers.ts';
import type { Kit } from './kit.ts';
import { basePath } from './kit.ts';
import type { RegisteredGateway, StoreView } from './ports-store.ts';

const KEY = /^[\w-]{16,128}$/;

async function storeOf(kit: Kit, req: Request): Promise<StoreView | null> {
  const slug = String(req.params['store']);
  return /^[\w-]{1,64}$/.test(slug) ? kit.ports.desk.store(slug) : null;
}

function notFound(res: Response): void {
  res.status(404).type('application/problem+json').send('{"title":"Not found","status":404}');
}

async function tell(kit: Kit, res: Response, store: StoreView, key: string, own: boolean) {
  const session = await kit.ports.desk.sessionByClientKey(store, key);
  const page = own ? `${basePath(store)}/me/${key}` : basePath(store);
  const url = new URL(page, kit.settings.publicUrl).href;
  const extend = (one: RegisteredGateway) => kit.gateways.of(one.kind).capabilities(one).extend;
  const canExtend = store.gateways.length > 0 && store.gateways.every(extend);
  const more = own ? { offersUrl: url, canExtend } : { canExtend };
  const said = captiveAnswer(store, session, url, kit.ports.clock(), more);
  // Octets, not text: RFC 8908 registers the type without a charset, and express would add one.
  res.set({ 'Cache-Control': 'private, no-store', 'Content-Type': CAPTIVE_JSON });
  res.send(Buffer.from(JSON.stringify(said)));
}

/** RFC 8908 section 4: the key says who asks, and nobody else knows it. */
export function capport(kit: Kit) {
  return async (req: Request, res: Response) => {
    guard(res);
    const key = String(req.params['clientKey']);
    const store = KEY.test(key) ? await storeOf(kit, req) : null;
    if (store === null) return notFound(res);
    await tell(kit, res, store, key, true);
  };
}

function networkKey(secret: Buffer, slug: string): string {
  const said = `foyer capport by mac\n${slug}`;
  return createHmac('sha256', secret).update(said).digest('base64url').slice(0, 22);
}

/**
 * What a gateway puts its clients' MACs behind: the key in it is known to this store's network alone.
 * Whoever else knows a MAC learns nothing by it.
 */
export function capportPath(secret: Buffer, slug: string): string {
  return `/capport/${encodeURIComponent(slug)}/client/${networkKey(secret, slug)}/`;
}

function isKey(shown: string, meant: string): boolean {
  const [one, other] = [Buffer.from(shown), Buffer.from(meant)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/**
 * A gateway that writes its clients' MACs into one and the same address. Everybody on its network
 * can read a MAC off the air, so this tells only whether the client is inside and for how long, and never
 * the way to its own page.
 */
export function capportByMac(kit: Kit) {
  return async (req: Request, res: Response) => {
    guard(res);
    const mac = anyMac(String(req.params['mac']));
    const meant = networkKey(kit.settings.secret, String(req.params['store']));
    const ours = isKey(String(req.params['key']), meant);
    const store = mac !== null && ours ? await storeOf(kit, req) : null;
    if (store === null || mac === null) return notFound(res);
    await tell(kit, res, store, kit.ports.desk.clientKey(store, mac), false);
  };
}
