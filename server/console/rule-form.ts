/** PURE. The rule form: a definition written into fields, and posted fields read back into a definition. */
import type { FactValue, Operator, Trigger } from '../rules/fields.ts';
import { fieldOf, operators, triggers } from '../rules/fields.ts';
import type { Condition, Definition, DefinitionInput, Leaf } from '../rules/schema.ts';

/** One question as typed. `key` is the question's name when the field is `answer.*`. */
export interface ConditionDraft {
  field: string;
  key: string;
  op: string;
  value: string;
}

export interface SpanDraft {
  n: string;
  per: string;
  unit: 'm' | 'h' | 'd';
}

/** The form's fields as typed; empty means "not limited". */
export interface RuleDraft {
  id: string;
  version: number;
  name: string;
  offerId: string;
  status: 'draft' | 'live' | 'paused';
  trigger: Trigger;
  /** `any`, `store:<id>` or `fence:<id>`. */
  place: string;
  glue: 'all' | 'any';
  conditions: ConditionDraft[];
  /** A tree too deep for rows, as JSON; then `conditions` is not used. */
  tree: string;
  guestCap: SpanDraft;
  storeCap: SpanDraft;
  days: string[];
  hours: { from: string; to: string };
  quiet: { from: string; to: string };
  group: { name: string; priority: string; span: SpanDraft };
  holdout: string;
  units: string;
  maxAge: string;
  minBand: string;
}

export const emptyRule: RuleDraft = {
  id: '',
  version: 0,
  name: '',
  offerId: '',
  status: 'draft',
  trigger: 'visit.dwelled',
  place: 'any',
  glue: 'all',
  conditions: [{ field: 'visit.dwell_seconds', key: '', op: 'gte', value: '5' }],
  tree: '',
  guestCap: { n: '1', per: '7', unit: 'd' },
  storeCap: { n: '', per: '1', unit: 'd' },
  days: [],
  hours: { from: '', to: '' },
  quiet: { from: '', to: '' },
  group: { name: '', priority: '0', span: { n: '1', per: '4', unit: 'h' } },
  holdout: '10',
  units: '',
  maxAge: '120',
  minBand: 'none',
};

const lists = new Set(['in', 'not_in', 'between']);
const presence = new Set(['known', 'unknown']);

/** Seconds are typed as minutes: nobody thinks of a visit as 300 s. */
function factorOf(name: string): number {
  return fieldOf(name)?.unit === 's' ? 60 : 1;
}

function writeSpan(cap: { n: number; per: string } | undefined, empty: SpanDraft): SpanDraft {
  if (!cap) return empty;
  const unit = cap.per.slice(-1) as SpanDraft['unit'];
  return { n: String(cap.n), per: cap.per.slice(0, -1), unit };
}

function writeLeaf({ field, op, value }: Leaf): ConditionDraft {
  const one = (each: FactValue): string => {
    if (typeof each === 'boolean') return each ? 'yes' : 'no';
    if (typeof each === 'number') return String(Math.round((each / factorOf(field)) * 1e6) / 1e6);
    return each;
  };
  const values = value === undefined ? [] : Array.isArray(value) ? value : [value];
  const answer = field.startsWith('answer.');
  return {
    field: answer ? 'answer.*' : field,
    key: answer ? field.slice('answer.'.length) : '',
    op,
    value: values.map(one).join(', '),
  };
}

/** "Not over 3" is "at most 3": what is not known stays unknown either way. */
const opposites: Partial<Record<Operator, Operator>> = {
  lt: 'gte',
  gte: 'lt',
  gt: 'lte',
  lte: 'gt',
};

function unNot(node: Condition): Condition {
  if (!('not' in node) || !('field' in node.not)) return node;
  const op = opposites[node.not.op];
  return op ? { ...node.not, op } : node;
}

/** Rows when the tree is one level of questions, else the tree as JSON. */
function writeTree(when: Condition | undefined): Pick<RuleDraft, 'glue' | 'conditions' | 'tree'> {
  if (!when) return { glue: 'all', conditions: [], tree: '' };
  if ('field' in when) return { glue: 'all', conditions: [writeLeaf(when)], tree: '' };
  const children = ('all' in when ? when.all : 'any' in when ? when.any : null)?.map(unNot) ?? null;
  if (children === null || !children.every((child) => 'field' in child)) {
    return { glue: 'all', conditions: [], tree: JSON.stringify(when, null, 2) };
  }
  return { glue: 'all' in when ? 'all' : 'any', conditions: children.map(writeLeaf), tree: '' };
}

/** A stored definition as the form shows it. */
export function draftOfDefinition(
  definition: Definition,
  rest: Pick<RuleDraft, 'id' | 'version' | 'name' | 'offerId' | 'status'>,
): RuleDraft {
  const { scope, caps, window, quiet, group, experiment, budget } = definition;
  const { storeId, fenceId } = scope;
  const place = fenceId ? `fence:${fenceId}` : storeId ? `store:${storeId}` : 'any';
  return {
    ...emptyRule,
    ...rest,
    trigger: definition.trigger,
    place,
    ...writeTree(definition.when),
    guestCap: writeSpan(caps.guest[0], { ...emptyRule.guestCap, n: '' }),
    storeCap: writeSpan(caps.store[0], emptyRule.storeCap),
    days: (window?.days ?? []).map(String),
    hours: window?.hours ? { ...window.hours } : emptyRule.hours,
    quiet: quiet ? { from: quiet.from, to: quiet.to } : emptyRule.quiet,
    group: group
      ? {
          name: group.name,
          priority: String(group.priority),
          span: writeSpan({ n: 1, per: group.per }, emptyRule.group.span),
        }
      : emptyRule.group,
    holdout: String(Math.round(experiment.holdout * 1000) / 10),
    units: budget ? String(budget.units) : '',
    maxAge: String(definition.maxAgeSeconds),
    minBand: definition.minBand,
  };
}

/** What ids a person may have typed as names. */
export interface Lookup {
  stores: ReadonlyMap<string, string>;
  fences: ReadonlyMap<string, string>;
}

function readValue(name: string, text: string, lookup: Lookup): FactValue {
  const field = fieldOf(name);
  const typed = text.trim();
  if (field?.type === 'number') {
    const number = Number(typed);
    return typed === '' || Number.isNaN(number) ? typed : number * factorOf(name);
  }
  if (field?.type === 'boolean') {
    if (/^(yes|true|是)$/i.test(typed)) return true;
    return /^(no|false|否)$/i.test(typed) ? false : typed;
  }
  if (field?.type === 'id') {
    const names = name === 'store.id' ? lookup.stores : lookup.fences;
    return [...names].find(([, label]) => label === typed)?.[0] ?? typed;
  }
  return typed;
}

function readLeaf(draft: ConditionDraft, lookup: Lookup): Leaf {
  const field = draft.field === 'answer.*' ? `answer.${draft.key}` : draft.field;
  const op = draft.op as Operator;
  if (presence.has(op)) return { field, op };
  if (!lists.has(op)) return { field, op, value: readValue(field, draft.value, lookup) };
  const values = draft.value
    .split(/[,，、]/)
    .filter((each) => each.trim() !== '')
    .map((each) => readValue(field, each, lookup));
  return { field, op, value: values };
}

/** A row without a field says nothing. */
const says = ({ field }: ConditionDraft): boolean => field !== '';

function readTree(draft: RuleDraft, lookup: Lookup): unknown {
  if (draft.tree.trim() !== '') {
    try {
      return JSON.parse(draft.tree) as unknown;
    } catch {
      return draft.tree;
    }
  }
  const leaves = draft.conditions.filter(says).map((each) => readLeaf(each, lookup));
  return leaves.length === 0 ? undefined : { [draft.glue]: leaves };
}

const readSpan = ({ n, per, unit }: SpanDraft): { n: number; per: string } => ({
  n: Number(n),
  per: `${Number(per)}${unit}`,
});

const hoursOf = (given: { from: string; to: string }): { from: string; to: string } | undefined =>
  given.from === '' && given.to === '' ? undefined : given;

function scopeOf(place: string): { storeId?: string; fenceId?: string } {
  const [kind, id = ''] = place.split(':');
  if (kind === 'store') return { storeId: id };
  return kind === 'fence' ? { fenceId: id } : {};
}

/**
 * The typed fields as a definition to be checked by the schema. What the form does not show
 * (first and last instant, further caps, the draw's seed) stays as it is in `before`.
 */
export function readDefinition(
  draft: RuleDraft,
  before: Definition | null,
  lookup: Lookup,
): Record<keyof DefinitionInput, unknown> {
  const { guestCap, storeCap, group } = draft;
  const hours = hoursOf(draft.hours);
  const quiet = hoursOf(draft.quiet);
  const window = {
    ...(before?.window?.from ? { from: before.window.from } : {}),
    ...(before?.window?.to ? { to: before.window.to } : {}),
    ...(draft.days.length > 0 ? { days: draft.days.map(Number) } : {}),
    ...(hours ? { hours } : {}),
  };
  return {
    trigger: draft.trigger,
    scope: scopeOf(draft.place),
    when: readTree(draft, lookup),
    window: Object.keys(window).length > 0 ? window : undefined,
    caps: {
      guest: [
        ...(guestCap.n === '' ? [] : [readSpan(guestCap)]),
        ...(before?.caps.guest.slice(1) ?? []),
      ],
      store: [
        ...(storeCap.n === '' ? [] : [readSpan(storeCap)]),
        ...(before?.caps.store.slice(1) ?? []),
      ],
    },
    quiet,
    group:
      group.name === ''
        ? undefined
        : {
            name: group.name,
            priority: Number(group.priority || 0),
            per: readSpan(group.span).per,
          },
    experiment: {
      ...(before?.experiment.salt === undefined ? {} : { salt: before.experiment.salt }),
      holdout: Number(draft.holdout || 0) / 100,
    },
    budget: draft.units === '' ? undefined : { units: Number(draft.units) },
    maxAgeSeconds: Number(draft.maxAge || 120),
    minBand: draft.minBand,
  };
}

export interface Posted {
  one(name: string, max?: number): string;
  many(name: string): string[];
}

const span = (posted: Posted, name: string): SpanDraft => {
  const unit = posted.one(`${name}Unit`);
  return {
    n: posted.one(`${name}N`, 12),
    per: posted.one(`${name}Per`, 12),
    unit: unit === 'm' || unit === 'h' ? unit : 'd',
  };
};

/** The posted form as a draft; nothing is judged yet. */
export function postedRule(posted: Posted, id: string): RuleDraft {
  const [names, ops] = [posted.many('cField'), posted.many('cOp')];
  const [values, keys] = [posted.many('cValue'), posted.many('cKey')];
  const status = posted.one('status');
  const trigger = posted.one('trigger');
  return {
    id,
    version: Number(posted.one('version')) || 0,
    name: posted.one('name', 120),
    offerId: posted.one('offerId', 36),
    status: status === 'live' || status === 'paused' ? status : 'draft',
    trigger: triggers.find((known) => known === trigger) ?? 'visit.dwelled',
    place: posted.one('place', 60) || 'any',
    glue: posted.one('glue') === 'any' ? 'any' : 'all',
    conditions: names.slice(0, 64).map((name, i) => ({
      field: name,
      key: keys[i] ?? '',
      op: operators.find((known) => known === ops[i]) ?? 'eq',
      value: (values[i] ?? '').slice(0, 2_000),
    })),
    tree: posted.one('tree', 20_000),
    guestCap: span(posted, 'guestCap'),
    storeCap: span(posted, 'storeCap'),
    days: posted.many('days').slice(0, 7),
    hours: { from: posted.one('hoursFrom', 5), to: posted.one('hoursTo', 5) },
    quiet: { from: posted.one('quietFrom', 5), to: posted.one('quietTo', 5) },
    group: {
      name: posted.one('groupName', 60),
      priority: posted.one('groupPriority', 6),
      span: span(posted, 'group'),
    },
    holdout: posted.one('holdout', 8),
    units: posted.one('units', 12),
    maxAge: posted.one('maxAge', 6),
    minBand: posted.one('minBand', 10) || 'none',
  };
}
