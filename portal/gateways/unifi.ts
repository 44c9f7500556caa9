/** UniFi: its access points send guests to `/guest/s/<site>/`, and its controller lets them in when we ask it to. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Request, Response, Router } from 'express';
import type { RegisteredGateway, StoreView } from '../ports-store.ts';
import type { GatewayContext, PortalPorts } from '../ports.ts';
import type { KickOutcome, KickTarget, StoreRef } from '../ports-network.ts';
import type { Outcome } from './controller-http.ts';
import type { Gateway, Lobby, OpenRequest, Opening, Reading, Visit } from './gateway.ts';
import { openedAtOnce, stranger, tidyOrigin } from './gateway.ts';
import { anyMac, PLAIN_PAGE } from './next-hop.ts';
import { admittanceOf } from './unifi-api.ts';
import type { UnifiApi } from './unifi-api.ts';
import type { Controllers, UnifiOptions } from './unifi-controllers.ts';
import { createControllers, UNIFI_DEFAULTS } from './unifi-controllers.ts';

const SITE = /^[\w-]{1,64}$/;

function siteOf(visit: Visit): string | null {
  return /^https?:\/\/[^/]+\/guest\/s\/([\w-]{1,64})\/?(?:[?#]|$)/i.exec(visit.url)?.[1] ?? null;
}

/** Two controllers may use one short name: the access point tells their sites apart. */
function gatewayOf(
  store: StoreView,
  site: string | null,
  ap: string | null,
): RegisteredGateway | null {
  const known = store.gateways.filter(
    ({ kind, unifi }) => kind === 'unifi' && (site === null || unifi?.site === site),
  );
  const byAp = known.find(({ unifi }) => ap !== null && (unifi?.aps ?? []).includes(ap));
  return byAp ?? known[0] ?? null;
}

function read(query: URLSearchParams, store: StoreView, visit: Visit): Reading {
  const site = siteOf(visit);
  const marked = query.has('id') && query.has('ap') && (query.has('t') || query.has('ssid'));
  if (!marked && site === null) return { kind: 'absent' };
  const ap = anyMac(query.get('ap'));
  const gateway = gatewayOf(store, site, ap);
  if (gateway === null) return stranger(site);
  const mac = anyMac(query.get('id'));
  if (mac === null) return { kind: 'refused', reason: 'malformed', detail: { parameter: 'id' } };
  const origin = tidyOrigin(query.get('url') ?? '');
  const ssid = query.get('ssid') ?? '';
  const context: GatewayContext = {
    gatewayId: gateway.id,
    kind: 'unifi',
    mac,
    // Not told; the address a request comes from is the venue's, never the guest's own.
    ip: '',
    ...(ap === null ? {} : { ap }),
    ...(ssid === '' || ssid.length > 64 ? {} : { ssid }),
    ...(origin === null ? {} : { originUrl: origin }),
  };
  return { kind: 'known', gateway, context };
}

type Failure = Extract<Outcome<never>, { ok: false }>;
type Note = (
  store: StoreRef,
  gateway: RegisteredGateway,
  code: 'controller-refused' | 'controller-unreachable' | 'door-slow' | 'kick-failed',
  detail: string,
) => Promise<void>;

/** Telling the merchant must never cost a guest the door. */
function createNote(ports: PortalPorts): Note {
  return async (store, gateway, code, detail) => {
    const host = new URL(gateway.unifi?.url ?? 'https://unknown').host;
    ports.log.warn({ gateway: gateway.id, why: code, detail }, 'a controller did not do as asked');
    try {
      await ports.doors.noticed?.(store, gateway.id, { code, detail: { host, says: detail } });
    } catch {
      ports.log.warn({ gateway: gateway.id }, 'a notice could not be kept');
    }
  };
}

/** The access point follows the controller's word a moment later: until then the guest meets us again. */
async function settled(api: UnifiApi, mac: string, { status }: UnifiOptions): Promise<boolean> {
  const signal = AbortSignal.timeout(status.forMs);
  while (!signal.aborted) {
    const asked = await api.admitted(mac, signal);
    if (asked.ok && asked.value) return true;
    await pause(status.everyMs);
  }
  return false;
}

interface Tools {
  controllers: Controllers;
  options: UnifiOptions;
  note: Note;
}

async function open(tools: Tools, request: OpenRequest): Promise<Opening> {
  const { controllers, options, note } = tools;
  const { store, gateway, context, grant, doors } = request;
  const api = controllers.of(gateway);
  if (api === null) return { kind: 'shut', reason: 'refused' };
  const { sessionId, ...limits } = grant;
  const who = admittanceOf(context.mac, context.ap, limits);
  const failed = async ({ trouble, detail }: Failure): Promise<Opening> => {
    await note(store, gateway, `controller-${trouble}`, detail);
    return { kind: 'shut', reason: trouble, noted: true };
  };
  const admitted = await api.admit(who, AbortSignal.timeout(options.grantMs));
  if (!admitted.ok) return failed(admitted);
  // It said yes; an access point that is slow to follow is worth a note, not another page.
  if (!(await settled(api, who.mac, options)))
    await note(store, gateway, 'door-slow', 'granted, but not let through in time');
  const rhid = `unifi-${sessionId}`;
  await openedAtOnce(doors, store, gateway.id, { rhid, sessionId, ...limits });
  return { kind: 'open' };
}

async function kick({ controllers, note }: Tools, target: KickTarget): Promise<KickOutcome> {
  const { store, gateway, mac } = target;
  const api = controllers.of(gateway);
  if (api === null) return 'unable';
  const done = await api.dismiss(mac);
  if (done.ok) return 'done';
  await note(store, gateway, 'kick-failed', done.detail);
  return 'failed';
}

/** Guests whose site nobody registered are led to a page that says so, in their language. */
async function arrive(lobby: Lobby, request: Request, response: Response): Promise<void> {
  const site = String(request.params['site']);
  const cut = request.originalUrl.indexOf('?');
  const search = cut < 0 ? '' : request.originalUrl.slice(cut);
  const query = new URLSearchParams(search);
  const { desk } = lobby.ports;
  const ap = anyMac(query.get('ap'));
  const entry = { kind: 'unifi' as const, key: site, ...(ap === null ? {} : { ap }) };
  const store = SITE.test(site) ? ((await desk.storeByEntry?.(entry)) ?? null) : null;
  if (store === null) return response.redirect(302, `/p/${encodeURIComponent(site)}${search}`);
  const url = new URL(lobby.publicUrl).origin + request.originalUrl;
  const visit: Visit = { url, method: 'GET', networkIp: request.ip ?? '' };
  await lobby.receive(request, response, store, read(query, store, visit));
}

export function createUnifi(ports: PortalPorts, options: UnifiOptions = UNIFI_DEFAULTS): Gateway {
  const tools: Tools = {
    controllers: createControllers(() => ports.clock(), options),
    options,
    note: createNote(ports),
  };
  /** A double press, or a page that asks again meanwhile, waits for the same answer. */
  const underWay = new Map<string, Promise<Opening>>();
  return {
    capabilities: () => ({
      door: 'now',
      redirect: 'forgeable',
      limits: true,
      speed: true,
      accounting: true,
      kick: 'now',
      status: true,
      extend: true,
      knock: PLAIN_PAGE,
    }),
    read,
    open(request) {
      const { sessionId } = request.grant;
      const opening =
        underWay.get(sessionId) ?? open(tools, request).finally(() => underWay.delete(sessionId));
      underWay.set(sessionId, opening);
      return opening;
    },
    kick: (target) => kick(tools, target),
    async poll(store, gateway) {
      const listed = await tools.controllers.of(gateway)?.list();
      // An empty list would say that everybody left.
      if (listed === undefined) throw new Error('the gateway holds no controller');
      if (listed.ok) return listed.value;
      await tools.note(store, gateway, `controller-${listed.trouble}`, listed.detail);
      throw new Error(`the controller did not list its guests: ${listed.trouble}`);
    },
    mount(router: Router, lobby: Lobby) {
      router.get('/guest/s/:site', (request, response) => arrive(lobby, request, response));
    },
  };
}
