/** Rules over HTTP: catalogue, reading, writing in versions, and why each decision fell as it did. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { problem } from '../errors.ts';
import { decodeCursor, paged, textId } from '../http/cursor.ts';
import { route } from '../http/route.ts';
import type { AnyRoute } from '../http/route.ts';
import type { Log } from '../log.ts';
import { fields } from './fields.ts';
import { changeRuleStatus, createRule, editRule } from './manage.ts';
import {
  decisionsList,
  deleteUnusedRule,
  namesOf,
  ruleById,
  rulesOf,
  versionsOf,
} from './queries.ts';
import type { StoredRule } from './queries.ts';
import {
  decisionQuery,
  decisionReply,
  editRuleBody,
  newRuleBody,
  ruleParams,
  ruleReply,
  showDecision,
  showRule,
  statusBody,
} from './shapes.ts';

export interface RuleRouteDeps {
  db: Database;
  /** ms since 1970. */
  clock: () => number;
  log: Log;
}

const tag = 'Rules';
const exampleDefinition = {
  trigger: 'visit.dwelled',
  scope: { storeId: '01890a5d-ac96-774b-bcce-b302099a8057' },
  when: {
    all: [
      { field: 'visit.dwell_seconds', op: 'gte', value: 300 },
      { not: { field: 'guest.visits_30d', op: 'gt', value: 10 } },
    ],
  },
  caps: { guest: [{ n: 1, per: '7d' }], store: [] },
  quiet: { from: '22:00', to: '09:00', mode: 'drop' },
  group: { name: 'store-offer', priority: 50, per: '4h' },
  experiment: { holdout: 0.1 },
  budget: { units: 500 },
  maxAgeSeconds: 120,
  minBand: 'none',
};
const exampleRule = {
  id: '01890a5d-ac96-774b-bcce-b302099a8059',
  name: 'Coffee for stayers',
  offerId: '01890a5d-ac96-774b-bcce-b302099a8058',
  storeId: '01890a5d-ac96-774b-bcce-b302099a8057',
  status: 'live',
  version: 1,
  trigger: 'visit.dwelled',
  definition: exampleDefinition,
  issued: 12,
  sentence: {
    en: [{ text: 'When somebody ' }, { text: 'stays in', strong: true as const }],
    'zh-CN': [{ text: '当有人' }, { text: '停留在', strong: true as const }],
  },
  createdAt: '2026-11-17T12:00:00.000Z',
  updatedAt: '2026-11-17T12:00:00.000Z',
};

export function ruleRoutes(deps: RuleRouteDeps): AnyRoute[] {
  return [...readingRoutes(deps), ...writingRoutes(deps), decisionsRoute(deps), fieldsRoute()];
}

async function shown({ db }: RuleRouteDeps, merchantId: string, rule: StoredRule) {
  const names = await db.tx((tx) => namesOf(tx, merchantId), { tenant: merchantId });
  return showRule(rule, names);
}

function readingRoutes(deps: RuleRouteDeps): AnyRoute[] {
  const { db } = deps;
  const list = route({
    method: 'get',
    path: '/v1/rules',
    summary: 'All rules, newest first',
    tag,
    access: 'rules:read',
    reply: z.object({ items: z.array(ruleReply).describe('Rules, at most 500') }),
    example: { reply: { items: [exampleRule] } },
    handler: ({ caller: { merchantId } }) =>
      db.tx(
        async (tx) => {
          const names = await namesOf(tx, merchantId);
          return { items: (await rulesOf(tx, merchantId)).map((rule) => showRule(rule, names)) };
        },
        { tenant: merchantId },
      ),
  });
  const one = route({
    method: 'get',
    path: '/v1/rules/:id',
    summary: 'One rule',
    tag,
    access: 'rules:read',
    params: ruleParams,
    reply: ruleReply,
    example: { reply: exampleRule },
    handler: async ({ caller: { merchantId }, params }) => {
      const rule = await db.tx((tx) => ruleById(tx, merchantId, params.id), { tenant: merchantId });
      if (!rule) throw problem('not-found');
      return shown(deps, merchantId, rule);
    },
  });
  return [list, one, versionsRoute(deps)];
}

function versionsRoute({ db }: RuleRouteDeps): AnyRoute {
  return route({
    method: 'get',
    path: '/v1/rules/:id/versions',
    summary: 'What a rule said before',
    tag,
    access: 'rules:read',
    params: ruleParams,
    reply: z.object({
      items: z
        .array(
          z.object({
            version: z.number().describe('Version'),
            offerId: z.string().nullable().describe('Offer of this version'),
            definition: z.record(z.string(), z.unknown()).describe('What it said'),
            changedAt: z.iso.datetime().describe('When it was saved'),
            changedBy: z.string().nullable().describe('Staff or key id'),
          }),
        )
        .describe('Versions, newest first, at most 100'),
    }),
    example: {
      reply: {
        items: [
          {
            version: 1,
            offerId: exampleRule.offerId,
            definition: exampleDefinition,
            changedAt: exampleRule.createdAt,
            changedBy: null,
          },
        ],
      },
    },
    handler: ({ caller: { merchantId }, params }) =>
      db.tx(
        async (tx) => {
          if (!(await ruleById(tx, merchantId, params.id))) throw problem('not-found');
          const versions = await versionsOf(tx, merchantId, params.id);
          return {
            items: versions.map((each) => ({
              ...each,
              definition: each.definition as Record<string, unknown>,
              changedAt: each.changedAt.toISOString(),
            })),
          };
        },
        { tenant: merchantId },
      ),
  });
}

function writingRoutes(deps: RuleRouteDeps): AnyRoute[] {
  const { name, offerId } = exampleRule;
  const create = route({
    method: 'post',
    path: '/v1/rules',
    summary: 'Make a rule',
    description:
      'Conditions are three-valued: a fact that is not known makes no answer true, so a missing fact never fires an offer. `invalid-rule` names every mistake.',
    tag,
    access: 'rules:write',
    body: newRuleBody,
    status: 201,
    reply: ruleReply,
    example: {
      body: { name, offerId, status: 'live', definition: exampleDefinition },
      reply: exampleRule,
    },
    handler: async ({ caller: { merchantId, id: by }, body }) =>
      shown(deps, merchantId, await createRule(deps, merchantId, body, body.status, by)),
  });
  const edit = route({
    method: 'put',
    path: '/v1/rules/:id',
    summary: 'Edit a rule: makes its next version',
    tag,
    access: 'rules:write',
    params: ruleParams,
    body: editRuleBody,
    reply: ruleReply,
    example: {
      body: { name, offerId, definition: exampleDefinition, version: 1 },
      reply: { ...exampleRule, version: 2 },
    },
    handler: async ({ caller: { merchantId, id: by }, params, body }) => {
      const version = body.version ?? null;
      return shown(
        deps,
        merchantId,
        await editRule(deps, merchantId, params.id, body, version, by),
      );
    },
  });
  return [create, edit, statusRoute(deps), deleteRoute(deps)];
}

function statusRoute(deps: RuleRouteDeps): AnyRoute {
  return route({
    method: 'patch',
    path: '/v1/rules/:id',
    summary: 'Start, pause or shelve a rule',
    tag,
    access: 'rules:write',
    params: ruleParams,
    body: statusBody,
    reply: ruleReply,
    example: { body: { status: 'paused' }, reply: { ...exampleRule, status: 'paused' } },
    handler: async ({ caller: { merchantId }, params, body }) =>
      shown(deps, merchantId, await changeRuleStatus(deps, merchantId, params.id, body.status)),
  });
}

function deleteRoute({ db }: RuleRouteDeps): AnyRoute {
  return route({
    method: 'delete',
    path: '/v1/rules/:id',
    summary: 'Delete a rule that never decided anything',
    description: 'A rule with decisions is evidence: it can be paused, not deleted (`conflict`).',
    tag,
    access: 'rules:write',
    params: ruleParams,
    status: 204,
    reply: z.null(),
    example: { reply: null },
    handler: ({ caller: { merchantId }, params }) =>
      db.tx(
        async (tx) => {
          if (!(await ruleById(tx, merchantId, params.id))) throw problem('not-found');
          if (await deleteUnusedRule(tx, merchantId, params.id)) return null;
          throw problem('conflict', { detail: 'The rule has decided before: pause it instead.' });
        },
        { tenant: merchantId },
      ),
  });
}

const exampleDecision = {
  id: 'Zk0s3k0cHc2Y8v3bq5tq0mX1b7u2c9de',
  ruleId: exampleRule.id,
  ruleName: exampleRule.name,
  ruleVersion: 1,
  eventId: '01890a5d-ac96-774b-bcce-b302099a8060',
  trigger: 'visit.dwelled',
  storeId: exampleRule.storeId,
  fenceId: null,
  visitId: 'v1',
  sessionId: null,
  guestId: '01890a5d-ac96-774b-bcce-b302099a8061',
  deviceId: null,
  group: 'store-offer',
  outcome: 'refused',
  gate: 'caps',
  gateText: { en: 'Caps', 'zh-CN': '频次上限' },
  reason: 'guest-cap',
  reasonText: {
    en: 'The guest has had enough of these.',
    'zh-CN': '该顾客已达到次数上限。',
  },
  trace: { detail: { n: 1, per: '7d', had: 1 } },
  decidedAt: '2026-11-17T12:00:00.000Z',
};

function decisionsRoute({ db }: RuleRouteDeps): AnyRoute {
  return route({
    method: 'get',
    path: '/v1/decisions',
    summary: 'Why offers went out, and why not',
    description:
      'One line per candidate rule and event, held-out guests included: the gate at which it stopped, a stable reason code, and the conditions with the facts they saw.',
    tag,
    access: 'rules:read',
    query: decisionQuery,
    reply: decisionReply,
    example: { reply: { items: [exampleDecision], next: null } },
    handler: async ({ caller: { merchantId }, query }) => {
      const { cursor, limit, ...filter } = query;
      const before = decodeCursor(cursor, textId);
      const found = await db.tx(
        (tx) => decisionsList(tx, merchantId, { ...filter, before }, limit + 1),
        { tenant: merchantId },
      );
      const { page, next } = paged(found, limit, (decision) => decision.decidedAt);
      return { items: page.map(showDecision), next };
    },
  });
}

const label = z.object({
  en: z.string().describe('English'),
  'zh-CN': z.string().describe('Chinese'),
});

function fieldsRoute(): AnyRoute {
  return route({
    method: 'get',
    path: '/v1/rule-fields',
    summary: 'What conditions may ask about',
    tag,
    access: 'rules:read',
    reply: z.object({
      items: z
        .array(
          z.object({
            name: z.string().describe('Name in a condition; `answer.*` takes a question key'),
            type: z.string().describe('number, boolean, text, choice or id'),
            unit: z.string().describe('Unit of a number, empty where there is none'),
            label: label.describe('Name for people'),
            source: z.string().describe('Where the value comes from'),
            purpose: z.string().describe('Consent it is used under'),
            freshness: z.string().describe('How old it may be'),
            operators: z.array(z.string()).describe('Operators it takes'),
            choices: z.array(z.string()).optional().describe('Values of a choice'),
            triggers: z.array(z.string()).describe('Events on which it can be known'),
          }),
        )
        .describe('The catalogue'),
    }),
    example: {
      reply: {
        items: [
          {
            name: 'guest.returning',
            type: 'boolean',
            unit: '',
            label: { en: 'Has been here before', 'zh-CN': '曾经来过' },
            source: 'an earlier local day with a presence in this store',
            purpose: 'marketing',
            freshness: 'read as the event is decided',
            operators: ['eq', 'known', 'unknown'],
            triggers: ['visit.entered'],
          },
        ],
      },
    },
    handler: () =>
      Promise.resolve({
        items: fields.map((each) => ({
          ...each,
          operators: [...each.operators],
          triggers: [...each.triggers],
          choices: each.choices && [...each.choices],
        })),
      }),
  });
}
