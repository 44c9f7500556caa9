/** PURE. A rule told as a sentence, in parts, so that a page can print the chosen words in bold. */
import { fieldOf } from './fields.ts';
import type { FactValue } from './fields.ts';
import type { Condition, Definition, Leaf } from './schema.ts';
import { words } from './words.ts';
import type { Language, Words } from './words.ts';

/** `strong` marks what the merchant chose; plain text, never HTML. */
export interface Part {
  text: string;
  strong?: true;
}

/** What ids are called; a missing name is told as deleted. */
export interface Names {
  offer: string;
  stores: ReadonlyMap<string, string>;
  fences: ReadonlyMap<string, string>;
}

interface Telling {
  say: Words;
  language: Language;
  names: Names;
}

const plain = (text: string): Part => ({ text });
const strong = (text: string): Part => ({ text, strong: true });

/** The whole rule as one or more sentences. */
export function toSentence(definition: Definition, names: Names, language: Language): Part[] {
  const telling: Telling = { say: words[language], language, names };
  const { say } = telling;
  const [before, verb, after] = say.trigger[definition.trigger];
  const parts = [plain(before), strong(verb), plain(after), strong(place(definition, telling))];
  if (definition.when) parts.push(plain(say.condition), ...tell(definition.when, telling, true));
  parts.push(plain(say.send), strong(names.offer), plain(say.end));
  return merge([...parts, ...limits(definition, say)]);
}

/** The same without the bold. */
export function asText(parts: readonly Part[]): string {
  return parts.map((part) => part.text).join('');
}

function place({ trigger, scope }: Definition, { say, names }: Telling): string {
  if (scope.fenceId !== undefined) return names.fences.get(scope.fenceId) ?? say.goneFence;
  if (scope.storeId !== undefined) return names.stores.get(scope.storeId) ?? say.goneStore;
  return trigger === 'guest.admitted' ? say.anyStore : say.anyFence;
}

function tell(node: Condition, telling: Telling, outermost = false): Part[] {
  const { say } = telling;
  if ('field' in node) return tellLeaf(node, telling);
  if ('not' in node) return [plain(say.not), plain('('), ...tell(node.not, telling), plain(')')];
  const [children, glue] = 'all' in node ? [node.all, say.and] : [node.any, say.or];
  const joined = children.flatMap((child, i) =>
    i === 0 ? tell(child, telling) : [plain(glue), ...tell(child, telling)],
  );
  return outermost || children.length === 1 ? joined : [plain('('), ...joined, plain(')')];
}

function labelOf(name: string, { say, language }: Telling): string {
  const field = fieldOf(name);
  if (field?.name === 'answer.*') return say.answer(name.slice('answer.'.length));
  const label = field?.label[language] ?? name;
  return language === 'en' ? label.charAt(0).toLowerCase() + label.slice(1) : label;
}

function tellLeaf({ field, op, value }: Leaf, telling: Telling): Part[] {
  const { say, language } = telling;
  const gap = language === 'en' ? ' ' : '';
  const head = plain(`${labelOf(field, telling)}${gap}`);
  if (value === undefined) return [head, strong(say.operator[op])];
  const glue = op === 'between' ? say.betweenJoin : say.listJoin;
  const told = (Array.isArray(value) ? value : [value])
    .map((each) => tellValue(field, each, telling))
    .join(glue);
  return [head, plain(`${say.operator[op]}${gap}`), strong(told)];
}

function tellValue(name: string, value: FactValue, { say, names }: Telling): string {
  if (typeof value === 'boolean') return value ? say.yes : say.no;
  if (typeof value === 'number') {
    const unit = fieldOf(name)?.unit ?? '';
    return unit === 's' ? tellSeconds(value, say) : `${value}${say.unit[unit] ?? ''}`;
  }
  if (name === 'store.id') return names.stores.get(value) ?? say.goneStore;
  if (name === 'visit.fence_id') return names.fences.get(value) ?? say.goneFence;
  return value;
}

/** 5400 → 1 hour 30 minutes; what is no whole number of seconds stays one number. */
export function tellSeconds(seconds: number, say: Words): string {
  if (!Number.isInteger(seconds) || seconds <= 0) return say.span.s(seconds);
  const parts: [keyof Words['span'], number][] = [
    ['h', Math.floor(seconds / 3600)],
    ['m', Math.floor(seconds / 60) % 60],
    ['s', seconds % 60],
  ];
  return parts
    .filter(([, n]) => n > 0)
    .map(([unit, n]) => say.span[unit](n))
    .join(say.spanJoin);
}

function tellSpan(per: string, say: Words): string {
  return say.span[per.slice(-1) as 'm' | 'h' | 'd'](Number.parseInt(per, 10));
}

/** `At most {n} …` with its gaps filled in bold. */
function fill(template: string, values: Record<string, string | number>): Part[] {
  return template
    .split(/(\{\w+\})/)
    .filter((piece) => piece !== '')
    .map((piece) =>
      piece.startsWith('{') ? strong(String(values[piece.slice(1, -1)])) : plain(piece),
    );
}

function limits(definition: Definition, say: Words): Part[] {
  const { window, caps, quiet, group, budget, experiment } = definition;
  const capParts = (template: string, list: readonly { n: number; per: string }[]): Part[] =>
    list.flatMap(({ n, per }) => fill(template, { n, per: tellSpan(per, say) }));
  const days = window?.days?.map((day) => say.days[day - 1]).join(say.listJoin);
  return [
    ...(window?.from ? fill(say.from, { from: window.from }) : []),
    ...(window?.to ? fill(say.until, { to: window.to }) : []),
    ...(days ? fill(say.onDays, { days }) : []),
    ...(window?.hours ? fill(say.hours, { ...window.hours }) : []),
    ...capParts(say.guestCap, caps.guest),
    ...capParts(say.storeCap, caps.store),
    ...(quiet ? fill(say.quiet, { from: quiet.from, to: quiet.to }) : []),
    ...(group ? fill(say.group, { ...group, per: tellSpan(group.per, say) }) : []),
    ...(budget ? fill(say.budget, { units: budget.units }) : []),
    ...(experiment.holdout > 0
      ? fill(say.holdout, { share: `${Math.round(experiment.holdout * 1000) / 10} %` })
      : [plain(say.noHoldout)]),
  ];
}

/** Neighbours of the same weight as one part. */
function merge(parts: Part[]): Part[] {
  const merged: Part[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if (part.text === '') continue;
    if (last && last.strong === part.strong) last.text += part.text;
    else merged.push({ ...part });
  }
  return merged;
}
