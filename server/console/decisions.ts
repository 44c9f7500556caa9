/** Why and why not: every decision with the gate it stopped at, the reason, and what was asked and found. */
import express from 'express';
import type { Request } from 'express';
import { fieldOf } from '../rules/fields.ts';
import type { FactValue } from '../rules/fields.ts';
import type { Trace } from '../rules/evaluate.ts';
import type { Decision, DecisionFilter, Outcome } from '../rules/queries.ts';
import { decisionsList, namesOf, rulesOf } from '../rules/queries.ts';
import { gateText, reasonText } from '../rules/reasons.ts';
import { tellSeconds } from '../rules/sentence.ts';
import type { Words } from '../rules/words.ts';
import { words } from '../rules/words.ts';
import type { PageModule } from './deps.ts';
import { needs, pageOf, query, renderPage, staffOf } from './page.ts';
import type { Page } from './page.ts';

const PAGE_SIZE = 50;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const outcomes = ['issued', 'held_out', 'refused'] as const;

type Names = Awaited<ReturnType<typeof namesOf>>;

export const decisionPages: PageModule = (deps) => {
  const pages = express.Router();
  pages.get('/decisions', needs('rules:read'), async (request, response) => {
    const page = pageOf(response);
    const { merchantId } = staffOf(response);
    const filter = filterOf(request);
    const found = await deps.db.tx(
      async (tx) => ({
        rules: await rulesOf(tx, merchantId),
        names: await namesOf(tx, merchantId),
        decisions: await decisionsList(tx, merchantId, filter, PAGE_SIZE + 1),
      }),
      { tenant: merchantId, readOnly: true },
    );
    const shown = found.decisions.slice(0, PAGE_SIZE);
    const last = shown.at(-1);
    const more = found.decisions.length > PAGE_SIZE && last ? nextPage(filter, last) : '';
    await renderPage(response, 'decisions', {
      filter,
      outcomes,
      more,
      rules: found.rules,
      lines: shown.map((decision) => lineOf(decision, found.names, page)),
      styles: ['rules.css'],
    });
  });
  return pages;
};

function filterOf(request: Request): DecisionFilter {
  const rule = query(request, 'rule');
  const outcome = outcomes.find((known) => known === query(request, 'outcome'));
  const [at = '', id = ''] = query(request, 'before').split('~');
  const when = new Date(at);
  return {
    ...(uuid.test(rule) ? { ruleId: rule } : {}),
    ...(outcome ? { outcome } : {}),
    ...(id !== '' && !Number.isNaN(when.getTime()) ? { before: { at: when, id } } : {}),
  };
}

function nextPage(filter: DecisionFilter, last: Decision): string {
  const params = new URLSearchParams({ before: `${last.decidedAt.toISOString()}~${last.id}` });
  if (filter.ruleId) params.set('rule', filter.ruleId);
  if (filter.outcome) params.set('outcome', filter.outcome);
  return `/console/decisions?${params.toString()}`;
}

interface Line {
  at: Date;
  ruleId: string;
  rule: string;
  version: number;
  outcome: Outcome;
  gate: string;
  reason: string;
  /** Guest or device, by the end of its id; names are for the guests' page. */
  who: string;
  where: string;
  trace: TraceLine[];
}

/** One question and what was found. */
export interface TraceLine {
  depth: number;
  asked: string;
  found: string;
  result: 'true' | 'false' | 'unknown';
}

function lineOf(decision: Decision, names: Names, page: Page): Line {
  const { locale, t } = page;
  const { fenceId, storeId, guestId, deviceId, trace } = decision;
  const subject = guestId ?? deviceId ?? '';
  const when = (trace as { when?: Trace } | null)?.when;
  return {
    at: decision.decidedAt,
    ruleId: decision.ruleId,
    rule: decision.ruleName,
    version: decision.ruleVersion,
    outcome: decision.outcome,
    gate: gateText(decision.gate, locale),
    reason: reasonText(decision.reason, locale),
    who: t(guestId ? 'decisions.guest' : 'decisions.visitor', { id: subject.slice(-6) }),
    where: names.fences.get(fenceId ?? '') ?? names.stores.get(storeId ?? '') ?? '–',
    trace: when ? traceLines(when, names, page) : [],
  };
}

/** The tree of questions as lines, in words. */
export function traceLines(node: Trace, names: Names, page: Page, depth = 0): TraceLine[] {
  const say = words[page.locale];
  if ('field' in node) {
    const label = fieldOf(node.field)?.label[page.locale] ?? node.field;
    const values = node.value === undefined ? [] : [node.value].flat();
    const told = values.map((value) => tell(node.field, value, names, say)).join(say.listJoin);
    const asked = [label, say.operator[node.op], told].filter((piece) => piece !== '').join(' ');
    const found =
      node.fact === null
        ? page.t('decisions.notKnown')
        : page.t('decisions.was', { value: tell(node.field, node.fact, names, say) });
    return [{ depth, asked, found, result: node.result }];
  }
  if ('not' in node) {
    const head = { depth, asked: page.t('decisions.not'), found: '', result: node.result };
    return [head, ...traceLines(node.not, names, page, depth + 1)];
  }
  const [key, children] = 'all' in node ? ['all', node.all] : ['any', node.any];
  const head = { depth, asked: page.t(`decisions.${key}`), found: '', result: node.result };
  return [head, ...children.flatMap((child) => traceLines(child, names, page, depth + 1))];
}

function tell(name: string, value: FactValue, names: Names, say: Words): string {
  if (typeof value === 'boolean') return value ? say.yes : say.no;
  if (typeof value === 'number') {
    const unit = fieldOf(name)?.unit ?? '';
    if (unit === 's') return tellSeconds(Math.round(value), say);
    return `${Math.round(value * 100) / 100}${say.unit[unit] ?? ''}`;
  }
  if (name === 'visit.fence_id') return names.fences.get(value) ?? say.goneFence;
  return name === 'store.id' ? (names.stores.get(value) ?? say.goneStore) : value;
}
