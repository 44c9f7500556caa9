/** PURE. A condition tree as closures, in Kleene's three-valued logic: unknown is not true. */
import type { FactGroup, FactValue, Operator } from './fields.ts';
import { fieldOf } from './fields.ts';
import type { Condition, Leaf } from './schema.ts';

/** `undefined` is "unknown": a fact was missing and the answer hung on it. */
export type Truth = boolean | undefined;

/** Facts by field name; a missing name is a fact nobody knows. */
export type Facts = ReadonlyMap<string, FactValue>;

export type Test = (facts: Facts) => Truth;

/** The tree again, with what each question found. */
export type Trace =
  | { all: Trace[]; result: Answer }
  | { any: Trace[]; result: Answer }
  | { not: Trace; result: Answer }
  | { field: string; op: Operator; value?: Leaf['value']; fact: FactValue | null; result: Answer };
export type Answer = 'true' | 'false' | 'unknown';

type Compare = (fact: FactValue) => boolean;

/** Compares a fact that is there. Types were checked when the rule was saved; a stray one is false. */
function compare(op: Operator, value: Leaf['value']): Compare {
  const list = Array.isArray(value) ? value : [];
  const number = typeof value === 'number' ? value : Number.NaN;
  const [low, high] = [Number(list[0]), Number(list[1])];
  const part = typeof value === 'string' ? value.toLowerCase() : undefined;
  const table: Record<Operator, Compare> = {
    eq: (fact) => fact === value,
    ne: (fact) => fact !== value,
    lt: (fact) => typeof fact === 'number' && fact < number,
    lte: (fact) => typeof fact === 'number' && fact <= number,
    gt: (fact) => typeof fact === 'number' && fact > number,
    gte: (fact) => typeof fact === 'number' && fact >= number,
    between: (fact) => typeof fact === 'number' && fact >= low && fact <= high,
    in: (fact) => list.includes(fact),
    not_in: (fact) => !list.includes(fact),
    contains: (fact) =>
      typeof fact === 'string' && part !== undefined && fact.toLowerCase().includes(part),
    known: () => true,
    unknown: () => false,
  };
  return table[op];
}

/** What a question answers when its fact is missing: only "is it known?" can be answered then. */
function whenMissing(op: Operator): Truth {
  if (op === 'known') return false;
  return op === 'unknown' ? true : undefined;
}

/** The tree as one function of the facts. */
export function compile(node: Condition): Test {
  if ('not' in node) {
    const inner = compile(node.not);
    return (facts) => negate(inner(facts));
  }
  if ('field' in node) {
    const { field, op } = node;
    const [holds, missing] = [compare(op, node.value), whenMissing(op)];
    return (facts) => {
      const fact = facts.get(field);
      return fact === undefined ? missing : holds(fact);
    };
  }
  // `all` is settled by one false, `any` by one true; an unknown child leaves the rest undecided.
  const settles = 'any' in node;
  const tests = ('all' in node ? node.all : node.any).map(compile);
  return (facts) => {
    let result: Truth = !settles;
    for (const test of tests) {
      const truth = test(facts);
      if (truth === settles) return settles;
      if (truth === undefined) result = undefined;
    }
    return result;
  };
}

function negate(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

function answer(truth: Truth): Answer {
  return truth === undefined ? 'unknown' : truth ? 'true' : 'false';
}

/** The tree with every question's fact and answer, for "why" and "why not". */
export function explain(node: Condition, facts: Facts): Trace {
  const result = answer(compile(node)(facts));
  if ('not' in node) return { not: explain(node.not, facts), result };
  if ('all' in node) return { all: node.all.map((child) => explain(child, facts)), result };
  if ('any' in node) return { any: node.any.map((child) => explain(child, facts)), result };
  const { field, op, value } = node;
  return {
    field,
    op,
    ...(value === undefined ? {} : { value }),
    fact: facts.get(field) ?? null,
    result,
  };
}

/** The groups of facts a tree asks for, so that only those are read. */
export function groupsOf(node: Condition, into = new Set<FactGroup>()): Set<FactGroup> {
  if ('not' in node) return groupsOf(node.not, into);
  if ('field' in node) {
    const field = fieldOf(node.field);
    if (field) into.add(field.group);
    return into;
  }
  for (const child of 'all' in node ? node.all : node.any) groupsOf(child, into);
  return into;
}
