/** A gateway with its store, what was noticed of it, and the check made from that. */
import type { Request, Response } from 'express';
import type { Queryable } from '../../db/database.ts';
import { problem } from '../../errors.ts';
import { noticesOf } from '../../sessions/notice-queries.ts';
import type { NoticeRow } from '../../sessions/notice-queries.ts';
import { gatewayById, gatewaysOf, storeById } from '../../stores/queries.ts';
import type { GatewayRow, StoreRow } from '../../stores/queries.ts';
import { portalStore } from '../../stores/view.ts';
import type { PortalGateway, PortalStore } from '../../stores/view.ts';
import type { ConsoleDeps } from '../deps.ts';
import { isId, staffOf } from '../page.ts';
import type { Check } from './check.ts';
import { checkOf } from './check.ts';
import type { Traffic } from './queries.ts';
import { trafficOf } from './queries.ts';

const MOST_NOTICES = 500;
const LONGEST_INTERIM_MS = 15 * 60_000;
const nobody = { live: 0, uncounted: 0, granted_at: null, confirmed_at: null, stuck: 0 };

export interface Loaded {
  row: GatewayRow;
  store: StoreRow;
  /** Both as the portal has them. */
  gateway: PortalGateway;
  portal: PortalStore;
  /** Where who looks at it is: installers stand in the very network. */
  viewer: string;
}

export interface Checked {
  gateway: GatewayRow;
  check: Check;
  live: number;
}

/** The gateway of the address; anybody else's is not found. */
export async function loadGateway(
  deps: ConsoleDeps,
  request: Request,
  response: Response,
): Promise<Loaded> {
  const { merchantId } = staffOf(response);
  const id = isId(request.params['id']);
  return deps.db.tx(
    async (tx) => {
      const row = await gatewayById(tx, merchantId, id);
      const store = row && (await storeById(tx, merchantId, row.store_id));
      if (!row || !store) throw problem('not-found');
      const portal = portalStore(store, [row]);
      const viewer = (request.ip ?? '').replace(/^::ffff:/, '');
      return { row, store, portal, gateway: portal.gateways[0]!, viewer };
    },
    { tenant: merchantId, readOnly: true },
  );
}

/** Whose redirects carry a parameter of this name; others cannot have lacked it. */
function lacks(gateway: GatewayRow, parameter: string): boolean {
  const own = Object.values(gateway.settings.portal2?.parameters ?? {});
  if (parameter.startsWith('wlan') || own.includes(parameter)) return gateway.kind === 'portal2';
  const only: Record<string, string> = { md: 'coova', id: 'unifi' };
  return (only[parameter] ?? gateway.kind) === gateway.kind;
}

/**
 * Notices that may concern this gateway: its own, and those of which nobody knows whose they are. Where
 * the store has several, a gateway that has sent somebody rightly is not suspected.
 */
function concerning(
  gateway: GatewayRow,
  notices: readonly NoticeRow[],
  others: number,
): NoticeRow[] {
  const own = notices.filter((notice) => notice.gateway_id === gateway.id);
  const works = own.some((notice) => notice.code === 'redirect-ok');
  const apart = gateway.kind === 'radius' || (others > 0 && (works || gateway.kind === 'pretend'));
  const anybody = notices.filter(
    ({ gateway_id: id, detail }) =>
      id === null && !apart && lacks(gateway, detail['parameter'] ?? ''),
  );
  return [...own, ...anybody];
}

/**
 * Of senders that no gateway names, the one this gateway would be: at an address it is registered with for
 * something else, or in the network of who looks. Nobody is told of other people's networks.
 */
function strangerNear(deps: ConsoleDeps, { settings }: GatewayRow, viewer: string) {
  const { radius, portal2 } = settings;
  const near = [radius?.coa?.host, portal2?.host, viewer].filter(Boolean);
  const found = deps.gateways.strangers().find(({ address }) => near.includes(address));
  return radius === undefined || found === undefined ? null : found;
}

function checked(
  deps: ConsoleDeps,
  gateway: GatewayRow,
  store: StoreRow,
  found: { notices: NoticeRow[]; traffic: Map<string, Traffic> },
  viewer = '',
): Checked {
  const { notices, traffic } = found;
  const own = traffic.get(gateway.id) ?? nobody;
  const registered = portalStore(store, [gateway]).gateways[0]!;
  const check = checkOf({
    gateway,
    notices: concerning(gateway, notices, traffic.size - 1),
    alone: traffic.size <= 1,
    traffic: own,
    abilities: deps.gateways.capabilities(registered),
    doors: deps.gateways.doors,
    stranger: strangerNear(deps, gateway, viewer),
    now: new Date(deps.clock()),
  });
  return { gateway, check, live: own.live };
}

async function known(deps: ConsoleDeps, tx: Queryable, merchantId: string, storeId: string) {
  const since = new Date(deps.clock() - LONGEST_INTERIM_MS);
  return {
    notices: await noticesOf(tx, merchantId, storeId, MOST_NOTICES),
    traffic: await trafficOf(tx, merchantId, storeId, since),
  };
}

/** Every gateway of a store with its check. */
export async function checkStore(
  deps: ConsoleDeps,
  merchantId: string,
  store: StoreRow,
): Promise<Checked[]> {
  return deps.db.tx(
    async (tx) => {
      const gateways = await gatewaysOf(tx, merchantId, store.id);
      const found = await known(deps, tx, merchantId, store.id);
      return gateways.map((gateway) => checked(deps, gateway, store, found));
    },
    { tenant: merchantId, readOnly: true },
  );
}

export async function checkGateway(
  deps: ConsoleDeps,
  merchantId: string,
  { row, store, viewer }: Loaded,
): Promise<Checked> {
  return deps.db.tx(
    async (tx) => checked(deps, row, store, await known(deps, tx, merchantId, store.id), viewer),
    { tenant: merchantId, readOnly: true },
  );
}
