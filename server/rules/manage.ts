/** Rules are written here and nowhere else: checked, versioned, bounded. */
import type { Database, Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { uuidv7 } from '../ids.ts';
import { offerById } from '../offers/queries.ts';
import { checkDefinition } from './check.ts';
import type { Complaint } from './check.ts';
import {
  countLive,
  insertRule,
  insertVersion,
  ruleById,
  scopeOf,
  setRuleStatus,
  updateRule,
} from './queries.ts';
import type { RuleFields, RuleStatus, StoredRule } from './queries.ts';
import type { Definition } from './schema.ts';

/** Live rules of one merchant: every event looks at them all. */
export const MOST_LIVE_RULES = 200;

export interface ManageDeps {
  db: Database;
  /** ms since 1970. */
  clock: () => number;
}

/** A rule as its author gives it; the definition has passed the schema. */
export interface RuleDraft {
  name: string;
  offerId: string;
  definition: Definition;
}

function invalid(errors: Complaint[]): Error {
  const detail = errors.map(({ message }) => message).join(' ');
  return problem('invalid-rule', { detail: detail.slice(0, 500), errors: errors.slice(0, 20) });
}

/** Throws `invalid-rule` unless the definition makes sense and all it names is the merchant's. */
async function checked(tx: Queryable, merchantId: string, draft: RuleDraft): Promise<RuleFields> {
  const { name, offerId, definition } = draft;
  const { storeId = null, fenceId = null } = definition.scope;
  const complaints = checkDefinition(definition);
  const offer = await offerById(tx, merchantId, offerId);
  if (!offer) complaints.push({ path: 'offerId', message: 'There is no such offer.' });
  const scope = await scopeOf(tx, merchantId, storeId, fenceId);
  if (storeId !== null && !scope.store) {
    complaints.push({ path: 'scope.storeId', message: 'There is no such store.' });
  }
  if (fenceId !== null && !scope.fence) {
    complaints.push({ path: 'scope.fenceId', message: 'There is no such fence.' });
  } else if (storeId !== null && scope.fenceStoreId !== null && scope.fenceStoreId !== storeId) {
    complaints.push({ path: 'scope.fenceId', message: 'The fence is in another store.' });
  }
  if (complaints.length > 0) throw invalid(complaints);
  return { storeId, offerId, name, trigger: definition.trigger, definition };
}

async function roomForLive(
  tx: Queryable,
  merchantId: string,
  id: string,
  status: RuleStatus,
): Promise<void> {
  if (status !== 'live') return;
  if ((await countLive(tx, merchantId, id)) >= MOST_LIVE_RULES) {
    throw problem('conflict', { detail: `At most ${MOST_LIVE_RULES} rules can be live at once.` });
  }
}

async function stored(tx: Queryable, merchantId: string, id: string): Promise<StoredRule> {
  const rule = await ruleById(tx, merchantId, id);
  if (!rule) throw problem('not-found');
  return rule;
}

/** Makes version 1. `by` is a staff or key id, for the history. */
export async function createRule(
  { db, clock }: ManageDeps,
  merchantId: string,
  draft: RuleDraft,
  status: RuleStatus,
  by: string | null,
): Promise<StoredRule> {
  const now = clock();
  const id = uuidv7(now);
  return db.tx(
    async (tx) => {
      const fields = await checked(tx, merchantId, draft);
      await roomForLive(tx, merchantId, id, status);
      await insertRule(tx, merchantId, id, fields, status, now);
      await insertVersion(tx, merchantId, id, 1, fields, by, now);
      return stored(tx, merchantId, id);
    },
    { tenant: merchantId },
  );
}

/** Makes the next version; `version`, when given, must be the one the author started from. */
export async function editRule(
  { db, clock }: ManageDeps,
  merchantId: string,
  id: string,
  draft: RuleDraft,
  version: number | null,
  by: string | null,
): Promise<StoredRule> {
  const now = clock();
  return db.tx(
    async (tx) => {
      await stored(tx, merchantId, id);
      const fields = await checked(tx, merchantId, draft);
      const next = await updateRule(tx, merchantId, id, fields, version, now);
      if (next === null) {
        throw problem('conflict', { detail: 'The rule was edited meanwhile: read it again.' });
      }
      await insertVersion(tx, merchantId, id, next, fields, by, now);
      return stored(tx, merchantId, id);
    },
    { tenant: merchantId },
  );
}

/** Draft, live or paused; takes effect with the next event. */
export async function changeRuleStatus(
  { db, clock }: ManageDeps,
  merchantId: string,
  id: string,
  status: RuleStatus,
): Promise<StoredRule> {
  return db.tx(
    async (tx) => {
      await stored(tx, merchantId, id);
      await roomForLive(tx, merchantId, id, status);
      await setRuleStatus(tx, merchantId, id, status, clock());
      return stored(tx, merchantId, id);
    },
    { tenant: merchantId },
  );
}
