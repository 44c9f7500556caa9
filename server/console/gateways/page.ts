/** One gateway: how to set it up, whether it works, what it can do, and its settings. */
import express from 'express';
import type { Request, Response, Router } from 'express';
import { ProblemError, problem } from '../../errors.ts';
import { changeGateway, newGatewaySecret, removeGateway } from '../../stores/change.ts';
import type { ConsoleDeps } from '../deps.ts';
import { done, field, pageOf, renderPage, staffOf } from '../page.ts';
import { typedOf } from '../settings.ts';
import type { Typed } from '../settings.ts';
import { abilityRows } from './abilities.ts';
import { fieldsOf, groupsOf } from './fields.ts';
import { filledForm, readForm } from './form.ts';
import type { Loaded } from './load.ts';
import { checkGateway, loadGateway } from './load.ts';
import type { Probe } from './probe.ts';
import { probeController } from './probe.ts';

const list = '/console/settings/gateways';

export function gatewayPage(deps: ConsoleDeps): Router {
  const router = express.Router();
  router.get('/settings/gateways/:id', (request, response) => setup(deps, request, response));
  router.get('/settings/gateways/:id/files/:number', (request, response) =>
    download(deps, request, response),
  );
  router.get('/settings/gateways/:id/check', async (request, response) => {
    await showCheck(deps, response, await loadGateway(deps, request, response));
  });
  router.post('/settings/gateways/:id/check', async (request, response) => {
    const loaded = await loadGateway(deps, request, response);
    await showCheck(deps, response, loaded, await probeController(deps, loaded));
  });
  router.get('/settings/gateways/:id/abilities', async (request, response) => {
    const loaded = await loadGateway(deps, request, response);
    const abilities = abilityRows(deps.gateways.capabilities(loaded.gateway));
    await render(deps, response, 'gateway-abilities', loaded, { abilities });
  });
  router.get('/settings/gateways/:id/edit', async (request, response) => {
    const loaded = await loadGateway(deps, request, response);
    const { kind, name, settings } = loaded.row;
    await showEdit(deps, response, loaded, filledForm(kind, name, settings), []);
  });
  router.post('/settings/gateways/:id/edit', (request, response) => save(deps, request, response));
  router.post('/settings/gateways/:id/secret', (request, response) =>
    renew(deps, request, response),
  );
  router.post('/settings/gateways/:id/remove', (request, response) =>
    remove(deps, request, response),
  );
  return router;
}

/** A page of one gateway: its name, its tabs and its state stand above each. */
async function render(
  deps: ConsoleDeps,
  response: Response,
  view: string,
  loaded: Loaded,
  data: Record<string, unknown>,
  status = 200,
): Promise<void> {
  const { check, live } = await checkGateway(deps, staffOf(response).merchantId, loaded);
  const { row, store } = loaded;
  const base = { gateway: row, site: store, base: `${list}/${row.id}`, check, live };
  await renderPage(response, view, { ...base, title: row.name, ...data }, status);
}

async function setup(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const loaded = await loadGateway(deps, request, response);
  const { gateway, portal } = loaded;
  const guide = deps.gateways.guide(gateway, portal, pageOf(response).locale);
  const tryOut =
    gateway.kind === 'pretend' && gateway.secret
      ? deps.tryOut?.(portal.slug, { name: gateway.name, secret: gateway.secret })
      : undefined;
  const scripts = ['gateway.js'];
  await render(deps, response, 'gateway', loaded, { guide, tryOut: tryOut ?? null, scripts });
}

/** A file of the guide, as text: what a browser would run or open stays closed. */
async function download(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const { gateway, portal } = await loadGateway(deps, request, response);
  const { parts } = deps.gateways.guide(gateway, portal, pageOf(response).locale);
  const files = parts.filter((part) => part.kind === 'file');
  const asked = String(request.params['number']);
  const file = /^\d{1,2}$/.test(asked) ? files[Number(asked)] : undefined;
  if (!file) throw problem('not-found');
  const name = file.name.split('/').at(-1) ?? 'settings.txt';
  response.attachment(name).type('text/plain; charset=utf-8').send(file.content);
}

async function showCheck(
  deps: ConsoleDeps,
  response: Response,
  loaded: Loaded,
  probe: Probe | null = null,
): Promise<void> {
  const asks = loaded.row.kind === 'unifi';
  const command = `npm run selftest -- --portal ${deps.publicUrl} --store ${loaded.store.slug}`;
  // A page that answers a form is not fetched anew: that would send the form again.
  const scripts = probe === null ? ['gateway.js', 'refresh.js'] : ['gateway.js'];
  const data = { probe, asks, command, scripts };
  await render(deps, response, 'gateway-check', loaded, data);
}

async function showEdit(
  deps: ConsoleDeps,
  response: Response,
  loaded: Loaded,
  typed: Typed,
  wrong: string[],
): Promise<void> {
  const { kind, settings } = loaded.row;
  const kept = {
    'unifi.password': settings.unifi?.password !== undefined,
    'unifi.apiKey': settings.unifi?.apiKey !== undefined,
    'radius.macAuth.fixed': settings.radius?.macAuth?.fixed !== undefined,
    secret: settings.secret !== undefined,
    'radius.secret': settings.radius !== undefined,
  };
  const data = { kind, groups: groupsOf(kind), typed, wrong, kept };
  await render(deps, response, 'gateway-edit', loaded, data, wrong.length > 0 ? 422 : 200);
}

async function save(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const loaded = await loadGateway(deps, request, response);
  const { kind, id, settings } = loaded.row;
  const names = fieldsOf(kind).map(({ name }) => name);
  const typed = typedOf(request, names);
  const read = readForm(kind, typed, settings);
  if (!read.ok) {
    await showEdit(deps, response, loaded, typed, read.wrong);
    return;
  }
  const { kind: _same, ...change } = read.body;
  try {
    await changeGateway(deps, staffOf(response).merchantId, id, change);
    done(response, `${list}/${id}/edit`, 'saved');
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== 'conflict') throw error;
    await showEdit(deps, response, loaded, typed, ['taken']);
  }
}

/** A new secret, made here and shown in the answer to this very form. */
async function renew(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const loaded = await loadGateway(deps, request, response);
  const { id, settings } = loaded.row;
  const radius = field(request, 'which') === 'radius';
  if (radius ? !settings.radius : settings.secret === undefined) throw problem('not-found');
  const secret = newGatewaySecret();
  const change = radius ? { radius: { secret } } : { secret };
  await changeGateway(deps, staffOf(response).merchantId, id, change);
  const which = radius ? 'radius' : 'own';
  await render(deps, response, 'gateway-secret', loaded, {
    secret,
    which,
    scripts: ['gateway.js'],
  });
}

async function remove(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const { row } = await loadGateway(deps, request, response);
  if (field(request, 'word') !== row.name) {
    done(response, `${list}/${row.id}/edit`, 'not-removed');
    return;
  }
  await removeGateway(deps, staffOf(response).merchantId, row.id);
  done(response, list, 'gateway-removed');
}
