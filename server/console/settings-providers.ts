/** Settings of identity providers that guests may sign in with: add, change, remove; their secrets are never shown. */
import express from 'express';
import type { Request, Response } from 'express';
import { problem } from '../errors.ts';
import type { StoreRow } from '../stores/queries.ts';
import { readSettings } from '../stores/settings.ts';
import type { KeptOidc } from '../stores/settings.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, field, needs, renderPage } from './page.ts';
import { currentStore, storeOfForm, typedOf } from './settings.ts';
import type { Typed } from './settings.ts';
import { faultsBelow, faultsOfEntry, freshKey, saveSettings } from './store-form.ts';
import type { Faults } from './store-form.ts';

const here = '/console/settings/providers';
const names = ['name', 'issuer', 'clientId', 'clientSecret', 'scopes', 'realName'];
const MOST_PROVIDERS = 5;

export const providerPages: PageModule = (deps) => {
  const router = express.Router();
  router.use('/settings/providers', needs('stores:write'));
  router.get('/settings/providers', async (_request, response) => {
    const row = await currentStore(deps, response);
    if (!row) throw problem('not-found');
    await renderPage(response, 'settings-providers', listOf(deps, row));
  });
  router.post('/settings/providers', (request, response) => add(deps, request, response));
  router.get('/settings/providers/:key', async (request, response) => {
    const row = await currentStore(deps, response);
    if (!row) throw problem('not-found');
    const one = found(row, request);
    await renderPage(response, 'settings-provider', oneOf(deps, row, one));
  });
  router.post('/settings/providers/:key', (request, response) => change(deps, request, response));
  router.post('/settings/providers/:key/remove', async (request, response) => {
    const row = await storeOfForm(deps, request, response);
    const one = found(row, request);
    if (field(request, 'word') !== one.name) {
      done(response, `${here}/${one.id}`, 'not-removed');
      return;
    }
    const { oidc, methods } = readSettings(row.settings);
    const rest = oidc.filter(({ id }) => id !== one.id);
    const ways = rest.length > 0 ? methods : methods.filter((method) => method !== 'oidc');
    // A store never loses its last way in.
    const said = { oidc: rest.map(plain), ...(ways.length > 0 ? { methods: ways } : {}) };
    const faults = await saveSettings(deps, response, row, said);
    if (Object.keys(faults).length > 0) {
      await renderPage(
        response,
        'settings-provider',
        oneOf(deps, row, one, undefined, faults),
        422,
      );
      return;
    }
    done(response, here, 'provider-removed');
  });
  return router;
};

function found(row: StoreRow, request: Request): KeptOidc {
  const { oidc } = readSettings(row.settings);
  const one = oidc.find(({ id }) => id === request.params['key']);
  if (!one) throw problem('not-found');
  return one;
}

/** What a provider is given so that it sends guests back to us (portal/leave.ts). */
function returnAddress(deps: Pick<ConsoleDeps, 'publicUrl'>, row: StoreRow): string {
  return `${deps.publicUrl}/p/${row.slug}/oidc`;
}

function listOf(deps: ConsoleDeps, row: StoreRow, typed: Typed = {}, faults: Faults = {}) {
  const { oidc, methods } = readSettings(row.settings);
  return {
    row,
    providers: oidc.map(({ clientSecret: _secret, ...shown }) => shown),
    on: methods.includes('oidc'),
    full: oidc.length >= MOST_PROVIDERS,
    typed: { scopes: 'openid email profile', ...typed, clientSecret: '' },
    faults,
    faultsBelow,
    back: returnAddress(deps, row),
  };
}

function oneOf(
  deps: ConsoleDeps,
  row: StoreRow,
  one: KeptOidc,
  given?: Typed,
  faults: Faults = {},
) {
  const { name, issuer, clientId, scopes, realName } = one;
  const kept: Typed = {
    name,
    issuer,
    clientId,
    scopes: scopes.join(' '),
    realName: realName ? 'yes' : '',
  };
  return {
    row,
    key: one.id,
    kept: name,
    title: name,
    typed: { ...(given ?? kept), clientSecret: '' },
    faults,
    faultsBelow,
    back: returnAddress(deps, row),
  };
}

/** Its secret is left out: what is kept stays. */
function plain({ clientSecret: _secret, ...rest }: KeptOidc): Record<string, unknown> {
  return rest;
}

function said(key: string, typed: Typed): Record<string, unknown> {
  const text = (name: string): string => typed[name] ?? '';
  return {
    id: key,
    name: text('name'),
    issuer: text('issuer'),
    clientId: text('clientId'),
    ...(text('clientSecret') ? { clientSecret: text('clientSecret') } : {}),
    scopes: text('scopes')
      .split(/[\s,]+/)
      .filter(Boolean),
    realName: text('realName') === 'yes',
  };
}

async function add(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const row = await storeOfForm(deps, request, response);
  const typed = typedOf(request, names);
  const { oidc } = readSettings(row.settings);
  const taken = oidc.map(({ id }) => id);
  const key = freshKey(typed['name'] ?? '', 'account', taken);
  const list = [...oidc.map(plain), said(key, typed)];
  const all = await saveSettings(deps, response, row, { oidc: list });
  const faults = faultsOfEntry(all, `oidc.${oidc.length}`);
  if (Object.keys(faults).length > 0) {
    await renderPage(response, 'settings-providers', listOf(deps, row, typed, faults), 422);
    return;
  }
  done(response, here, 'provider-added');
}

async function change(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const row = await storeOfForm(deps, request, response);
  const one = found(row, request);
  const typed = typedOf(request, names);
  const { oidc } = readSettings(row.settings);
  const at = oidc.findIndex(({ id }) => id === one.id);
  const list = oidc.map((known) => (known.id === one.id ? said(one.id, typed) : plain(known)));
  const all = await saveSettings(deps, response, row, { oidc: list });
  const faults = faultsOfEntry(all, `oidc.${at}`);
  if (Object.keys(faults).length > 0) {
    await renderPage(response, 'settings-provider', oneOf(deps, row, one, typed, faults), 422);
    return;
  }
  done(response, here, 'saved');
}
