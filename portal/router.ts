/** Every guest URL, in the order a guest meets them; mounted by the host at `/`. */
import express from 'express';
import type { ErrorRequestHandler, Request, Response, Router } from 'express';
import { capport, capportByMac } from './capport.ts';
import { probeAnswer } from './captive-api.ts';
import { crowd } from './crowd.ts';
import { entry, fieldsOf, machine, receiver } from './entry.ts';
import { createEquipment } from './equipment.ts';
import type { PortalEquipment } from './equipment.ts';
import type { Lobby } from './gateways/gateway.ts';
import { actions, liveness, offersNews } from './forms.ts';
import { notice } from './admit.ts';
import { comeBackFromProvider, goOn, leave } from './leave.ts';
import { guard, seeOther } from './headers.ts';
import type { Help } from './help.ts';
import { createHelp } from './help.ts';
import type { Kit, PortalSettings } from './kit.ts';
import { createKit, stepPath } from './kit.ts';
import { pageFor } from './pages.ts';
import type { PortalPorts } from './ports.ts';
import { languageOf, opened, show, showSorry, walkerOf, withStore } from './reply.ts';
import { rememberHere } from './resume.ts';
import type { SetupOptions } from './setup/parts.ts';
import { logoVersion } from './theme.ts';
import { mountSelf } from './self/routes.ts';
import { ableOf, look } from './walk.ts';

export type { PortalSettings } from './kit.ts';
export { pretendRedirect } from './gateways/pretend.ts';

/** Operating systems' probes that the network brings here: a redirect tells them that a portal waits. */
function probes({ settings }: Kit) {
  const stores = new Map(Object.entries(settings.probes ?? {}));
  return (req: Request, res: Response, next: () => void) => {
    const host = (req.hostname ?? '').toLowerCase();
    const slug = stores.get(host);
    if (slug === undefined || probeAnswer(host, req.path) === null) return next();
    guard(res);
    res.redirect(302, new URL(`/p/${encodeURIComponent(slug)}`, settings.publicUrl).href);
  };
}

function asset(kit: Kit) {
  return (req: Request, res: Response) => {
    const found = kit.renderer.asset(String(req.params['file']));
    guard(res);
    if (found === null) {
      res.status(404).type('text').send('not found\n');
      return;
    }
    const fixed = fieldsOf(req).get('v') === found.etag;
    res.set('Cache-Control', fixed ? 'public, max-age=31536000, immutable' : 'no-cache');
    res.set('ETag', `"${found.etag}"`).type(found.type).send(found.body);
  };
}

/** A store's logo where it is too large to stand in every page. */
function logo(kit: Kit) {
  return withStore(kit, ({ store, language }, req, res) => {
    const data = store.theme.logo?.data;
    if (data === undefined) return showSorry(kit, res, { kind: 'not-found', store, language });
    const fixed = fieldsOf(req).get('v') === logoVersion(data);
    res.set('Cache-Control', fixed ? 'public, max-age=31536000, immutable' : 'no-cache');
    res.type('png').send(Buffer.from(data, 'base64'));
  });
}

/** What RFC 8908 calls the user portal: for who is inside, the time left and the offers. */
function mine(kit: Kit) {
  return withStore(kit, async (guest, req, res) => {
    const { store, language } = guest;
    const key = String(req.params['clientKey']);
    const session = /^[\w-]{16,128}$/.test(key)
      ? await kit.ports.desk.sessionByClientKey(store, key)
      : null;
    if (session?.state !== 'active')
      return showSorry(kit, res, { kind: 'no-gateway', store, language, here: req.originalUrl });
    const now = kit.ports.clock();
    const { sessionId, expiresAt } = session;
    const minutes = expiresAt === 0 ? 0 : Math.max(1, Math.ceil((expiresAt - now) / 60_000));
    const unlimited = { upKbps: 0, downKbps: 0, upQuotaKB: 0, downQuotaKB: 0 };
    const journey = {
      storeId: store.id,
      language,
      startedAt: now,
      binding: '',
      session: { grant: { sessionId, minutes, ...unlimited }, expiresAt, admittedAt: now },
    };
    seeOther(res, stepPath(kit, store, journey));
  });
}

/** The page a journey has reached: refresh, back and reopening all lead here. */
function go(kit: Kit) {
  return withStore(kit, async (guest, req, res) => {
    const journey = opened(kit, guest, fieldsOf(req).get('j'), req, res);
    if (journey === null) return;
    const walker = walkerOf(kit, guest.store, journey, req, res);
    const turns = Number(fieldsOf(req).get('n') ?? 0);
    const looked = await look(kit, walker);
    show(kit, res, await pageFor(kit, walker, looked, turns > 0 ? turns : 0));
  });
}

/** The browser came back from the gateway's own door. */
function landed(kit: Kit) {
  return withStore(kit, async (guest, req, res) => {
    const { store } = guest;
    const journey = opened(kit, guest, fieldsOf(req).get('j'), req, res);
    if (journey === null) return;
    const { session } = journey;
    const able = ableOf(kit, store, journey);
    if (session === undefined || able?.door !== 'browser')
      return seeOther(res, stepPath(kit, store, journey));
    // A browser's word counts only where the gateway gives none: anybody can ask for this address.
    if (!able.status) await kit.ports.doors.landed(store, session.grant.sessionId);
    notice(kit, { store, journey }, 'door-opened');
    kit.resume.forget(store, journey);
    const inside = { ...journey, session: { ...session, landed: true } };
    if (session.grace === true) rememberHere(kit, walkerOf(kit, store, inside, req, res), inside);
    seeOther(res, stepPath(kit, store, inside));
  });
}

/** Anything that went wrong below: a page for the guest, a line without names for the host. */
function failures(kit: Kit): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (res.headersSent || !/^\/(?:p|capport|guest)\//.test(req.path)) return next(error);
    const status = Number((error as { status?: unknown }).status ?? 500);
    const theirs = status >= 400 && status < 500;
    const name = error instanceof Error ? error.name : 'unknown';
    if (!theirs) kit.ports.log.error({ error: name }, 'the portal could not answer');
    const language = languageOf(req, null);
    const here = res.locals['here'] as (() => string) | undefined;
    const back = req.method === 'GET' ? req.originalUrl : here?.();
    showSorry(kit, res, {
      kind: theirs ? 'bad-form' : 'host-down',
      store: null,
      language,
      ...(back === undefined ? {} : { here: back }),
    });
  };
}

/** Everything a guest or a gateway meets. */
export interface Portal {
  router: Router;
  equipment: PortalEquipment;
  /** For staff who set up gateways; told how equipment reaches the doors that are no web pages. */
  help(options: SetupOptions): Help;
}

export function createPortal(ports: PortalPorts, settings: PortalSettings): Portal {
  const kit = createKit(ports, settings);
  const router = express.Router();
  const form = express.urlencoded({ extended: false, limit: '16kb', parameterLimit: 40 });
  router.use(['/p', '/capport', '/guest'], crowd(ports.clock, settings.crowd));
  router.use(probes(kit));
  router.get('/p/assets/:file', asset(kit));
  router.get('/capport/:store/client/:key/:mac', capportByMac(kit));
  router.get('/capport/:store/:clientKey', capport(kit));
  router.get('/p/:store', entry(kit));
  router.post('/p/:store', form, machine(kit));
  router.get('/p/:store/go', go(kit));
  router.get('/p/:store/landed', landed(kit));
  router.get('/p/:store/status.json', liveness(kit));
  router.get('/p/:store/offers.json', offersNews(kit));
  router.get('/p/:store/me/:clientKey', mine(kit));
  router.get('/p/:store/logo.png', logo(kit));
  router.get('/p/:store/r/:key', goOn(kit));
  router.get('/p/:store/leave', leave(kit));
  router.get('/p/:store/oidc', comeBackFromProvider(kit));
  for (const [name, action] of Object.entries(actions))
    router.post(`/p/:store/${name}`, form, action(kit));
  mountSelf(router, kit);
  const lost = withStore(kit, ({ store, language }, _req, res) =>
    showSorry(kit, res, { kind: 'not-found', store, language }),
  );
  router.use('/p/:store', lost);
  const lobby: Lobby = { ports, publicUrl: settings.publicUrl, receive: receiver(kit) };
  for (const gateway of kit.gateways.all()) gateway.mount?.(router, lobby);
  router.use(failures(kit));
  return {
    router,
    equipment: createEquipment(kit.gateways, lobby, kit.refuses),
    help: (options) => createHelp(kit.gateways, settings, options),
  };
}
