/** The portal served over HTTP to emulated equipment, and a guest's browser without scripts or cookies. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { PortalEquipment } from '../../portal/equipment.ts';
import { createPortal } from '../../portal/router.ts';
import type { RegisteredGateway, StoreView } from '../../portal/ports-store.ts';
import { formsOf, headingOf, refreshOf } from '../e2e/opennds/guest.ts';
import { closeServer } from '../support/emulators/doors.ts';
import { fakeStore, makeFakes } from '../support/fakes.ts';
import type { Fakes } from '../support/fakes.ts';

export interface Sight {
  url: string;
  status: number;
  html: string;
  heading: string;
}

export interface Wire {
  url: string;
  server: Server;
  fakes: Fakes;
  store: StoreView;
  equipment: PortalEquipment;
  /** Follows redirects and every way to a gateway's door, until a page stays. */
  browse(url: string): Promise<Sight>;
  /** Sends the page's first form, or the one whose address ends so, and follows on. */
  submit(from: Sight, values?: Record<string, string>, ending?: string): Promise<Sight>;
  /** From a redirect of the gateway as far as a click-through leads. */
  walkIn(redirect: string): Promise<Sight>;
  close(): Promise<void>;
}

const HOPS = 20;

/** Serves a store with these gateways; the equipment's doors stand on this machine. */
export async function startWire(
  gateways: RegisteredGateway[],
  more: Partial<StoreView> = {},
): Promise<Wire> {
  const local = gateways.map((gateway) => ({ ...gateway, hosts: ['127.0.0.1'] }));
  const store = fakeStore({
    gateways: local,
    methods: ['click-through'],
    questions: [],
    ...more,
  });
  const fakes = makeFakes({ stores: [store] });
  const app = express();
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings = { secret: Buffer.alloc(32, 5), publicUrl: url, viewCache: true };
  const portal = createPortal(fakes.ports, settings);
  app.use(portal.router);
  portal.equipment.attach(server);

  async function see(response: Response, hops: number): Promise<Sight> {
    const next = response.headers.get('location');
    if (next !== null && response.status >= 300 && response.status < 400)
      return go(new URL(next, response.url).href, hops - 1);
    const html = await response.text();
    const heading = headingOf(html);
    const refresh = refreshOf(html);
    if (refresh !== null && refresh.seconds === 0 && hops > 0)
      return go(new URL(refresh.url, response.url).href, hops - 1);
    return { url: response.url, status: response.status, html, heading };
  }
  const go = async (address: string, hops = HOPS): Promise<Sight> =>
    see(await fetch(address, { redirect: 'manual' }), hops);

  async function submit(
    from: Sight,
    values: Record<string, string> = {},
    ending = '',
  ): Promise<Sight> {
    const form = formsOf(from.html).find(({ action }) => action.endsWith(ending));
    if (form === undefined) throw new Error(`no form ${ending} on “${from.heading}”`);
    const body = new URLSearchParams({ ...form.fields, ...values });
    const address = new URL(form.action, from.url).href;
    return see(await fetch(address, { method: 'POST', body, redirect: 'manual' }), HOPS);
  }

  return {
    url,
    server,
    fakes,
    store,
    equipment: portal.equipment,
    browse: (address) => go(address),
    submit,
    async walkIn(redirect) {
      let sight = await go(redirect);
      for (let turn = 0; turn < 4 && formsOf(sight.html).length > 0; turn++) {
        if (sight.heading === 'You are online') break;
        sight = await submit(sight);
      }
      return sight;
    },
    async close() {
      await portal.equipment.close();
      await closeServer(server);
    },
  };
}
