/** Rules as sentences: the list with its figures, and the form whose bold parts are the fields. */
import express from 'express';
import type { Request, Response } from 'express';
import { ProblemError, problem } from '../errors.ts';
import { offersOf } from '../offers/queries.ts';
import { fields as catalogue, operators } from '../rules/fields.ts';
import { changeRuleStatus, createRule, editRule } from '../rules/manage.ts';
import type { StoredRule } from '../rules/queries.ts';
import { deleteUnusedRule, namesOf, ruleById, rulesOf } from '../rules/queries.ts';
import type { Definition } from '../rules/schema.ts';
import { definitionSchema } from '../rules/schema.ts';
import type { Part } from '../rules/sentence.ts';
import { toSentence } from '../rules/sentence.ts';
import { words } from '../rules/words.ts';
import { dataBlock } from './client-texts.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, field, fields, needs, pageOf, query, renderPage, staffOf } from './page.ts';
import { ruleFigures } from './queries.ts';
import type { RuleDraft } from './rule-form.ts';
import { draftOfDefinition, emptyRule, postedRule, readDefinition } from './rule-form.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

type Names = Awaited<ReturnType<typeof namesOf>>;

export const rulePages: PageModule = (deps) => {
  const pages = express.Router();
  pages.get('/rules', needs('rules:read'), async (_request, response) => {
    await showList(deps, response);
  });
  pages.get('/rules/new', needs('rules:write'), async (request, response) => {
    await showRule(deps, response, { ...emptyRule, offerId: query(request, 'offer') }, []);
  });
  pages.post('/rules/preview', needs('rules:read'), async (request, response) => {
    await preview(deps, request, response);
  });
  pages.get('/rules/:id', needs('rules:read'), async (request, response) => {
    await showRule(deps, response, draftOf(await stored(deps, request, response)), []);
  });
  pages.post('/rules{/:id}', needs('rules:write'), async (request, response) => {
    await save(deps, request, response);
  });
  pages.post('/rules/:id/status', needs('rules:write'), async (request, response) => {
    const rule = await stored(deps, request, response);
    const to = field(request, 'status') === 'live' ? 'live' : 'paused';
    await changeRuleStatus(deps, staffOf(response).merchantId, rule.id, to);
    done(response, '/console/rules', 'saved');
  });
  pages.post('/rules/:id/delete', needs('rules:write'), async (request, response) => {
    const rule = await stored(deps, request, response);
    const { merchantId } = staffOf(response);
    const gone = await deps.db.tx((tx) => deleteUnusedRule(tx, merchantId, rule.id), {
      tenant: merchantId,
    });
    if (gone) done(response, '/console/rules', 'saved');
    else {
      const wrong = pageOf(response).t('rules.used');
      await showRule(deps, response, draftOf(rule), [wrong]);
    }
  });
  return pages;
};

async function stored(
  deps: ConsoleDeps,
  request: Request,
  response: Response,
): Promise<StoredRule> {
  const { merchantId } = staffOf(response);
  const { id } = request.params;
  if (typeof id !== 'string' || !uuid.test(id)) throw problem('not-found');
  const rule = await deps.db.tx((tx) => ruleById(tx, merchantId, id), {
    tenant: merchantId,
    readOnly: true,
  });
  if (!rule) throw problem('not-found');
  return rule;
}

/** Null for a definition of another version that this one cannot read. */
function definitionOf(rule: StoredRule): Definition | null {
  const read = definitionSchema.safeParse({
    ...(rule.definition as object),
    trigger: rule.trigger,
  });
  return read.success ? read.data : null;
}

function draftOf(rule: StoredRule): RuleDraft {
  const { id, version, name, offerId, status } = rule;
  const definition = definitionOf(rule);
  const rest = { id, version, name, offerId, status };
  return definition
    ? draftOfDefinition(definition, rest)
    : { ...emptyRule, ...rest, trigger: rule.trigger };
}

function sentenceOf(
  definition: Definition,
  names: Names,
  offerId: string,
  response: Response,
): Part[] {
  const { locale, t } = pageOf(response);
  const offer = names.offers.get(offerId) ?? t('rules.noOffer');
  return toSentence(definition, { offer, stores: names.stores, fences: names.fences }, locale);
}

async function showList(deps: ConsoleDeps, response: Response): Promise<void> {
  const { merchantId } = staffOf(response);
  const found = await deps.db.tx(
    async (tx) => ({
      rules: await rulesOf(tx, merchantId),
      names: await namesOf(tx, merchantId),
      figures: await ruleFigures(tx, merchantId),
    }),
    { tenant: merchantId, readOnly: true },
  );
  const rules = found.rules.map((rule) => {
    const definition = definitionOf(rule);
    const sentence = definition && sentenceOf(definition, found.names, rule.offerId, response);
    const figures = found.figures.get(rule.id) ?? { heldOut: 0, refused: 0 };
    return { ...rule, sentence, figures };
  });
  await renderPage(response, 'rules', {
    rules,
    hasOffers: found.names.offers.size > 0,
    styles: ['rules.css'],
  });
}

interface Judged {
  definition: Definition | null;
  wrong: string[];
}

function judge(draft: RuleDraft, before: Definition | null, names: Names): Judged {
  const read = definitionSchema.safeParse(readDefinition(draft, before, names));
  if (read.success) return { definition: read.data, wrong: [] };
  const wrong = read.error.issues.slice(0, 10).map(({ path, message }) => {
    const where = path.filter((step) => typeof step === 'string').join(' ');
    return `${where}: ${message}`;
  });
  return { definition: null, wrong: [...new Set(wrong)] };
}

function posted(request: Request): RuleDraft {
  const { id } = request.params;
  const given = {
    one: (name: string, max?: number) => field(request, name, max),
    many: (name: string) => fields(request, name),
  };
  return postedRule(given, typeof id === 'string' ? id : '');
}

async function namesFor(deps: ConsoleDeps, response: Response): Promise<Names> {
  const { merchantId } = staffOf(response);
  return deps.db.tx((tx) => namesOf(tx, merchantId), { tenant: merchantId, readOnly: true });
}

/** Buttons without scripts: one more row, or one less; the rest of the form comes back as typed. */
function reshaped(draft: RuleDraft, action: string): RuleDraft | null {
  if (action === 'add') {
    const row = { field: '', key: '', op: 'eq', value: '' };
    return { ...draft, conditions: [...draft.conditions, row].slice(0, 64) };
  }
  const removed = /^remove:(\d+)$/.exec(action);
  if (!removed) return null;
  return { ...draft, conditions: draft.conditions.filter((_, i) => i !== Number(removed[1])) };
}

async function save(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const { merchantId, staffId } = staffOf(response);
  const { t } = pageOf(response);
  const draft = posted(request);
  const changed = reshaped(draft, field(request, 'do', 20));
  if (changed) {
    await showRule(deps, response, changed, [], 200);
    return;
  }
  const before = draft.id === '' ? null : await stored(deps, request, response);
  const names = await namesFor(deps, response);
  const { definition, wrong } = judge(draft, before && definitionOf(before), names);
  if (draft.name === '') wrong.unshift(t('rules.wrong.name'));
  if (!names.offers.has(draft.offerId)) wrong.unshift(t('rules.wrong.offer'));
  if (!definition || wrong.length > 0) {
    await showRule(deps, response, draft, wrong);
    return;
  }
  const { name, offerId, status } = draft;
  const given = { name, offerId, definition };
  try {
    if (before) {
      await editRule(deps, merchantId, before.id, given, draft.version || null, staffId);
      if (status !== before.status) await changeRuleStatus(deps, merchantId, before.id, status);
    } else await createRule(deps, merchantId, given, status, staffId);
    done(response, '/console/rules', 'saved');
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status >= 500) throw error;
    const told = error.extras.errors?.map(({ message }) => message) ?? [error.message];
    await showRule(deps, response, draft, told);
  }
}

/** The sentence of what is in the form right now, for the page's script. */
async function preview(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const draft = posted(request);
  const names = await namesFor(deps, response);
  const { definition, wrong } = judge(draft, null, names);
  const sentence = definition ? sentenceOf(definition, names, draft.offerId, response) : [];
  response.json({ sentence, wrong });
}

async function showRule(
  deps: ConsoleDeps,
  response: Response,
  draft: RuleDraft,
  wrong: string[],
  status = wrong.length > 0 ? 422 : 200,
): Promise<void> {
  const page = pageOf(response);
  const { merchantId } = staffOf(response);
  const { names, offers } = await deps.db.tx(
    async (tx) => ({
      names: await namesOf(tx, merchantId),
      offers: await offersOf(tx, merchantId),
    }),
    { tenant: merchantId, readOnly: true },
  );
  const { definition } = judge(draft, null, names);
  const say = words[page.locale];
  const named = (map: ReadonlyMap<string, string>): { id: string; name: string }[] =>
    [...map].map(([id, name]) => ({ id, name })).toSorted((a, b) => a.name.localeCompare(b.name));
  const lists = { stores: named(names.stores), fences: named(names.fences) };
  const choices = catalogue.map((each) => ({
    name: each.name,
    label: each.label[page.locale],
    type: each.type,
    unit: each.unit,
    operators: each.operators,
    choices: each.choices ?? [],
    triggers: each.triggers,
  }));
  const operatorNames = Object.fromEntries(operators.map((op) => [op, say.operator[op]]));
  await renderPage(
    response,
    'rule',
    {
      title: draft.id === '' ? page.t('rules.new') : draft.name,
      draft,
      wrong,
      say,
      offers,
      lists,
      choices,
      operatorNames,
      sentence: definition ? sentenceOf(definition, names, draft.offerId, response) : null,
      data: dataBlock({
        choices,
        operatorNames,
        lists,
        yes: say.yes,
        no: say.no,
        minutes: page.t('rules.form.minutes'),
      }),
      scripts: ['rules.js'],
      styles: ['rules.css'],
    },
    status,
  );
}
