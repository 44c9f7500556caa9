/** Settings of a store's gateways: the list with its state, and choosing and registering equipment. */
import express from 'express';
import type { Request, Response } from 'express';
import { ProblemError, problem } from '../errors.ts';
import { createGateway } from '../stores/change.ts';
import type { GatewayKind } from '../stores/gateway-schema.ts';
import { takesNoBlank } from '../stores/gateway-schema.ts';
import type { GatewayRow } from '../stores/queries.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { cardOf, families } from './gateways/families.ts';
import type { Card } from './gateways/families.ts';
import { fieldsOf, groupsOf } from './gateways/fields.ts';
import { blankForm, readForm } from './gateways/form.ts';
import { checkStore } from './gateways/load.ts';
import { gatewayPage } from './gateways/page.ts';
import { done, field, needs, pageOf, query, renderPage, staffOf } from './page.ts';
import { currentStore, storeOfForm, typedOf } from './settings.ts';
import type { Typed } from './settings.ts';

const list = '/console/settings/gateways';

export const gatewayPages: PageModule = (deps) => {
  const router = express.Router();
  router.use('/settings/gateways', needs('stores:write'));
  router.get('/settings/gateways', (_request, response) => showList(deps, response));
  router.get('/settings/gateways/new', (request, response) => choose(deps, request, response));
  router.post('/settings/gateways', (request, response) => add(deps, request, response));
  router.use(gatewayPage(deps));
  return router;
};

async function showList(deps: ConsoleDeps, response: Response): Promise<void> {
  const row = await currentStore(deps, response);
  if (!row) throw problem('not-found');
  const checked = await checkStore(deps, staffOf(response).merchantId, row);
  const rows = checked.map((one) => ({ ...one, tryOut: tryOutOf(deps, row.slug, one.gateway) }));
  await renderPage(response, 'settings-gateways', { row, rows });
}

function tryOutOf(deps: ConsoleDeps, slug: string, gateway: GatewayRow): string | null {
  const { secret } = gateway.settings;
  if (gateway.kind !== 'pretend' || !secret || !deps.tryOut) return null;
  return deps.tryOut(slug, { name: gateway.name, secret });
}

async function choose(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const row = await currentStore(deps, response);
  if (!row) throw problem('not-found');
  const card = cardOf(query(request, 'equipment', 20));
  if (!card) {
    await renderPage(response, 'gateway-new', { row, families });
    return;
  }
  const typed = { ...blankForm(card.kind, card.profile), name: suggestion(row.name, card.kind) };
  await showForm(response, { row, card, typed, wrong: [] });
}

/** A name that survives openNDS, shells and addresses, made from the store's where that can be. */
export function suggestion(storeName: string, kind: GatewayKind): string {
  const plain = storeName
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9 ._-]+/g, '')
    .trim()
    .slice(0, 40)
    .trim();
  const name = takesNoBlank(kind) ? plain.replaceAll(/ +/g, '-') : plain;
  return /^[A-Za-z0-9]/.test(name) ? name : '';
}

interface Asked {
  row: { id: string; name: string };
  card: Card;
  typed: Typed;
  wrong: string[];
}

async function showForm(response: Response, { row, card, typed, wrong }: Asked): Promise<void> {
  const { t } = pageOf(response);
  const title = t('gateway-form.add', { equipment: t(`gateway-new.cards.${card.key}.title`) });
  const groups = groupsOf(card.kind);
  const status = wrong.length > 0 ? 422 : 200;
  const data = { row, card, kind: card.kind, groups, typed, wrong, title, kept: {} };
  await renderPage(response, 'gateway-form', data, status);
}

async function add(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const row = await storeOfForm(deps, request, response);
  const card = cardOf(field(request, 'equipment', 20)) ?? cardOf(field(request, 'kind', 20));
  if (!card) {
    done(response, `${list}/new`);
    return;
  }
  const names = fieldsOf(card.kind).map(({ name }) => name);
  const typed = typedOf(request, names);
  const read = readForm(card.kind, typed);
  if (!read.ok) {
    await showForm(response, { row, card, typed, wrong: read.wrong });
    return;
  }
  try {
    const id = await createGateway(deps, staffOf(response).merchantId, row.id, read.body);
    done(response, `${list}/${id}`, 'gateway-added');
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== 'conflict') throw error;
    await showForm(response, { row, card, typed, wrong: ['taken'] });
  }
}
