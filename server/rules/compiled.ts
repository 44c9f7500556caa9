/** Stored definitions as runnable rules, kept by rule and version: a version never changes. */
import type { Queryable } from '../db/database.ts';
import type { Log } from '../log.ts';
import { compile, groupsOf } from './evaluate.ts';
import type { Test } from './evaluate.ts';
import type { FactGroup } from './fields.ts';
import { definitionsOf } from './decisions/queries.ts';
import type { Candidate } from './decisions/queries.ts';
import { definitionSchema } from './schema.ts';
import type { Definition } from './schema.ts';

/** A rule ready to run; `definition` is null when the stored one cannot be read any more. */
export interface Compiled {
  definition: Definition | null;
  test: Test | undefined;
  groups: ReadonlySet<FactGroup>;
}

/** Compiled rules kept in memory, some kilobytes each. */
const MOST_KEPT = 2_000;

/** Gives the compiled form of rule versions, reading only those not seen before. */
export type CompiledRules = (
  tx: Queryable,
  merchantId: string,
  candidates: readonly Candidate[],
) => Promise<Map<string, Compiled>>;

const keyOf = (rule: { id: string; version: number }): string => `${rule.id} ${rule.version}`;

/**
 * Which rules are live is read from the table for every event, so all processes agree at once; only
 * the compiling is remembered, under a key that an edit changes.
 */
export function compiledRules(log: Log): CompiledRules {
  const kept = new Map<string, Compiled>();
  return async (tx, merchantId, candidates) => {
    const missing = candidates.filter((each) => !kept.has(keyOf(each))).map((each) => each.id);
    const fresh = missing.length > 0 ? await definitionsOf(tx, merchantId, missing) : [];
    const read = new Map(fresh.map((row) => [keyOf(row), prepare(row, log)]));
    const found = new Map<string, Compiled>();
    for (const candidate of candidates) {
      const key = keyOf(candidate);
      const compiled = kept.get(key) ?? read.get(key);
      // Missing only when the rule was edited between the two reads: the next event sees it.
      if (compiled === undefined) continue;
      found.set(candidate.id, compiled);
      kept.delete(key);
      kept.set(key, compiled);
    }
    for (const key of kept.keys()) {
      if (kept.size <= MOST_KEPT) break;
      kept.delete(key);
    }
    return found;
  };
}

function prepare(row: { id: string; definition: unknown }, log: Log): Compiled {
  const parsed = definitionSchema.safeParse(row.definition);
  if (!parsed.success) {
    log.error({ rule: row.id }, 'a stored rule cannot be read');
    return { definition: null, test: undefined, groups: new Set() };
  }
  const { when } = parsed.data;
  return {
    definition: parsed.data,
    test: when && compile(when),
    groups: when ? groupsOf(when) : new Set(),
  };
}
