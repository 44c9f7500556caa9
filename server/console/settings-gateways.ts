/** Settings of a store's gateways, with the exact lines to put on a router. */
import express from 'express';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { ProblemError, problem } from '../errors.ts';
import { changeGateway, createGateway, removeGateway } from '../stores/change.ts';
import { newGatewaySecret } from '../stores/change.ts';
import { gatewayById, gatewaysOf } from '../stores/queries.ts';
import type { GatewayRow } from '../stores/queries.ts';
import { gatewayKinds, gatewayName } from '../stores/gateway-schema.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, field, isId, needs, renderPage, staffOf } from './page.ts';
import { currentStore, storeOfForm } from './settings.ts';

const wanted = z.object({
  kind: z.enum(gatewayKinds),
  name: gatewayName,
  level: z.coerce.number().pipe(z.union([z.literal(1), z.literal(2), z.literal(3)])),
});
const list = '/console/settings/gateways';

export const gatewayPages: PageModule = (deps) => {
  const router = express.Router();
  router.use('/settings/gateways', needs('stores:write'));
  router.get('/settings/gateways', async (_request, response) => {
    await showList(deps, response, {}, []);
  });
  router.post('/settings/gateways', (request, response) => add(deps, request, response));
  router.get('/settings/gateways/:id', async (request, response) => {
    const { gateway, slug } = await load(deps, request, response);
    const setup = openNdsSetup({ publicUrl: deps.publicUrl, slug, gateway });
    await renderPage(response, 'gateway', { gateway, setup, title: gateway.name });
  });
  router.post('/settings/gateways/:id/secret', async (request, response) => {
    const { gateway } = await load(deps, request, response);
    const { merchantId } = staffOf(response);
    await changeGateway(deps, merchantId, gateway.id, { secret: newGatewaySecret() });
    done(response, `${list}/${gateway.id}`, 'secret-changed');
  });
  router.post('/settings/gateways/:id/remove', async (request, response) => {
    const { gateway } = await load(deps, request, response);
    if (field(request, 'word') !== gateway.name) {
      done(response, `${list}/${gateway.id}`, 'not-removed');
      return;
    }
    await removeGateway(deps, staffOf(response).merchantId, gateway.id);
    done(response, list, 'gateway-removed');
  });
  return router;
};

async function load(
  deps: ConsoleDeps,
  request: Request,
  response: Response,
): Promise<{ gateway: GatewayRow; slug: string }> {
  const { merchantId } = staffOf(response);
  const id = isId(request.params['id']);
  const gateway = await deps.db.tx((tx) => gatewayById(tx, merchantId, id), { tenant: merchantId });
  if (!gateway) throw problem('not-found');
  const store = await currentStore(deps, response, gateway.store_id);
  if (!store) throw problem('not-found');
  return { gateway, slug: store.slug };
}

async function showList(
  deps: ConsoleDeps,
  response: Response,
  typed: Record<string, string>,
  wrong: string[],
): Promise<void> {
  const row = await currentStore(deps, response);
  if (!row) throw problem('not-found');
  const { merchantId } = staffOf(response);
  const gateways = await deps.db.tx((tx) => gatewaysOf(tx, merchantId, row.id), {
    tenant: merchantId,
  });
  const rows = gateways.map((gateway) => ({
    ...gateway,
    tryOut: tryOutOf(deps, row.slug, gateway),
  }));
  const status = wrong.length > 0 ? 422 : 200;
  await renderPage(response, 'settings-gateways', { row, gateways: rows, typed, wrong }, status);
}

function tryOutOf(deps: ConsoleDeps, slug: string, gateway: GatewayRow): string | null {
  const { secret } = gateway.settings;
  if (gateway.kind !== 'pretend' || !secret || !deps.tryOut) return null;
  return deps.tryOut(slug, { name: gateway.name, secret });
}

async function add(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const row = await storeOfForm(deps, request, response);
  const typed = {
    kind: field(request, 'kind'),
    name: field(request, 'name', 60),
    level: field(request, 'level') || '3',
  };
  const read = wanted.safeParse(typed);
  if (!read.success) {
    await showList(deps, response, typed, ['name']);
    return;
  }
  try {
    const { level, ...asked } = read.data;
    const gateway = asked.kind === 'opennds' ? { ...asked, level } : asked;
    const id = await createGateway(deps, staffOf(response).merchantId, row.id, gateway);
    done(response, `${list}/${id}`, 'gateway-added');
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== 'conflict') throw error;
    await showList(deps, response, typed, ['taken']);
  }
}

export interface OpenNdsSetup {
  /** Lines for /etc/opennds/opennds.conf. */
  conf: string;
  /** The same for OpenWrt's uci. */
  uci: string;
  /** Levels 3 and up call home over https only. */
  needsHttps: boolean;
}

/** PURE. What must stand in the router's configuration, for an openNDS gateway; null for any other. */
export function openNdsSetup(input: {
  publicUrl: string;
  slug: string;
  gateway: Pick<GatewayRow, 'kind' | 'name' | 'settings'>;
}): OpenNdsSetup | null {
  const { publicUrl, slug, gateway } = input;
  if (gateway.kind !== 'opennds') return null;
  const url = new URL(publicUrl);
  const level = gateway.settings.level ?? 3;
  const isAddress = /^[\d.]+$/.test(url.hostname) || url.hostname.startsWith('[');
  const options: [string, string][] = [
    ['gatewayname', gateway.name],
    ['fas_secure_enabled', String(level)],
    [isAddress ? 'fasremoteip' : 'fasremotefqdn', url.hostname],
    ['fasport', url.port || (url.protocol === 'https:' ? '443' : '80')],
    ['faspath', `/p/${slug}`],
    ['faskey', gateway.settings.secret ?? ''],
  ];
  return {
    conf: options
      .map(([name, value]) => `${name === 'gatewayname' ? 'GatewayName' : name} ${value}`)
      .join('\n'),
    uci: [
      ...options.map(([name, value]) => `uci set opennds.@opennds[0].${name}=${quoted(value)}`),
      'uci commit opennds',
      'service opennds restart',
    ].join('\n'),
    needsHttps: level === 3 && url.protocol !== 'https:',
  };
}

function quoted(value: string): string {
  return /[^\w./-]/.test(value) ? `'${value}'` : value;
}
