/** The tables of rules and their versions, and the decisions they led to. */
import type { Queryable, Row } from '../db/database.ts';
import type { Trigger } from './fields.ts';

export type RuleStatus = 'draft' | 'live' | 'paused';

/** A rule as stored; `definition` is checked by whoever reads it. */
export interface StoredRule {
  id: string;
  storeId: string | null;
  offerId: string;
  name: string;
  status: RuleStatus;
  version: number;
  trigger: Trigger;
  definition: unknown;
  /** Vouchers issued by it, all versions together. */
  issued: number;
  createdAt: Date;
  updatedAt: Date;
}

interface RuleRow extends Row {
  id: string;
  store_id: string | null;
  offer_id: string;
  name: string;
  status: RuleStatus;
  version: number;
  trigger: Trigger;
  definition: unknown;
  issued: number;
  created_at: Date;
  updated_at: Date;
}

const ruleColumns =
  'id, store_id, offer_id, name, status, version, trigger, definition, issued, created_at, updated_at';

function toRule(row: RuleRow): StoredRule {
  return {
    id: row.id,
    storeId: row.store_id,
    offerId: row.offer_id,
    name: row.name,
    status: row.status,
    version: row.version,
    trigger: row.trigger,
    definition: row.definition,
    issued: row.issued,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** A merchant's rules, newest first, at most 500. */
export async function rulesOf(tx: Queryable, merchantId: string): Promise<StoredRule[]> {
  const { rows } = await tx.query<RuleRow>(
    `select ${ruleColumns} from rules where merchant_id = $1 order by created_at desc, id desc limit 500`,
    [merchantId],
  );
  return rows.map(toRule);
}

export async function ruleById(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<StoredRule | null> {
  const { rows } = await tx.query<RuleRow>(
    `select ${ruleColumns} from rules where merchant_id = $1 and id = $2`,
    [merchantId, id],
  );
  return rows[0] ? toRule(rows[0]) : null;
}

/** What is written of a rule. */
export interface RuleFields {
  storeId: string | null;
  offerId: string;
  name: string;
  trigger: Trigger;
  definition: object;
}

export async function insertRule(
  tx: Queryable,
  merchantId: string,
  id: string,
  fields: RuleFields,
  status: RuleStatus,
  now: number,
): Promise<void> {
  const { storeId, offerId, name, trigger, definition } = fields;
  await tx.query(
    `insert into rules (id, merchant_id, store_id, offer_id, name, status, version, trigger, definition,
       created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9, $9)`,
    [
      id,
      merchantId,
      storeId,
      offerId,
      name,
      status,
      trigger,
      JSON.stringify(definition),
      new Date(now),
    ],
  );
}

/** Makes the next version; gives its number, or null when the stored one is not `version`. */
export async function updateRule(
  tx: Queryable,
  merchantId: string,
  id: string,
  fields: RuleFields,
  version: number | null,
  now: number,
): Promise<number | null> {
  const { storeId, offerId, name, trigger, definition } = fields;
  const { rows } = await tx.query<{ version: number }>(
    `update rules set version = version + 1, store_id = $3, offer_id = $4, name = $5, trigger = $6,
       definition = $7, updated_at = $8
     where merchant_id = $1 and id = $2 and ($9::integer is null or version = $9)
     returning version`,
    [
      merchantId,
      id,
      storeId,
      offerId,
      name,
      trigger,
      JSON.stringify(definition),
      new Date(now),
      version,
    ],
  );
  return rows[0]?.version ?? null;
}

export async function insertVersion(
  tx: Queryable,
  merchantId: string,
  ruleId: string,
  version: number,
  fields: RuleFields,
  by: string | null,
  now: number,
): Promise<void> {
  await tx.query(
    `insert into rule_versions (rule_id, version, merchant_id, definition, offer_id, changed_at, changed_by)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      ruleId,
      version,
      merchantId,
      JSON.stringify(fields.definition),
      fields.offerId,
      new Date(now),
      by,
    ],
  );
}

export async function setRuleStatus(
  tx: Queryable,
  merchantId: string,
  id: string,
  status: RuleStatus,
  now: number,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'update rules set status = $3, updated_at = $4 where merchant_id = $1 and id = $2',
    [merchantId, id, status, new Date(now)],
  );
  return rowCount === 1;
}

/** Deletes a rule that never decided anything; false otherwise. */
export async function deleteUnusedRule(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `delete from rules r where merchant_id = $1 and id = $2
       and not exists (select 1 from decisions d where d.rule_id = r.id)`,
    [merchantId, id],
  );
  return rowCount === 1;
}

/** Live rules of one merchant, or of one of its triggers. */
export async function countLive(
  tx: Queryable,
  merchantId: string,
  except: string,
): Promise<number> {
  const { rows } = await tx.query<{ n: number }>(
    `select count(*) as n from rules where merchant_id = $1 and status = 'live' and id <> $2`,
    [merchantId, except],
  );
  return rows[0]?.n ?? 0;
}

export interface RuleVersion {
  version: number;
  offerId: string | null;
  definition: unknown;
  changedAt: Date;
  changedBy: string | null;
}

/** The versions of a rule, newest first, at most 100. */
export async function versionsOf(
  tx: Queryable,
  merchantId: string,
  ruleId: string,
): Promise<RuleVersion[]> {
  const { rows } = await tx.query<{
    version: number;
    offer_id: string | null;
    definition: unknown;
    changed_at: Date;
    changed_by: string | null;
  }>(
    `select version, offer_id, definition, changed_at, changed_by from rule_versions
     where merchant_id = $1 and rule_id = $2 order by version desc limit 100`,
    [merchantId, ruleId],
  );
  return rows.map((row) => ({
    version: row.version,
    offerId: row.offer_id,
    definition: row.definition,
    changedAt: row.changed_at,
    changedBy: row.changed_by,
  }));
}

/** The store and fence a rule names, when the merchant has them. */
export async function scopeOf(
  tx: Queryable,
  merchantId: string,
  storeId: string | null,
  fenceId: string | null,
): Promise<{ store: boolean; fence: boolean; fenceStoreId: string | null }> {
  const { rows } = await tx.query<{ store: boolean; fence: boolean; fence_store: string | null }>(
    `select exists (select 1 from stores where merchant_id = $1 and id = $2) as store,
       exists (select 1 from fences where merchant_id = $1 and id = $3) as fence,
       (select store_id from fences where merchant_id = $1 and id = $3) as fence_store`,
    [merchantId, storeId, fenceId],
  );
  const row = rows[0];
  return {
    store: row?.store ?? false,
    fence: row?.fence ?? false,
    fenceStoreId: row?.fence_store ?? null,
  };
}

/** Names of everything a rule may speak of, for its sentence. */
export async function namesOf(
  tx: Queryable,
  merchantId: string,
): Promise<Record<'stores' | 'fences' | 'offers', Map<string, string>>> {
  const { rows } = await tx.query<{
    kind: 'stores' | 'fences' | 'offers';
    id: string;
    name: string;
  }>(
    `select 'stores' as kind, id, name from stores where merchant_id = $1
     union all select 'fences', id, name from fences where merchant_id = $1
     union all select 'offers', id, name from offers where merchant_id = $1`,
    [merchantId],
  );
  const names = {
    stores: new Map<string, string>(),
    fences: new Map<string, string>(),
    offers: new Map<string, string>(),
  };
  for (const { kind, id, name } of rows) names[kind].set(id, name);
  return names;
}

export type Outcome = 'issued' | 'held_out' | 'refused';

/** A stored decision, for "why" and "why not". */
export interface Decision {
  id: string;
  ruleId: string;
  ruleName: string;
  ruleVersion: number;
  eventId: string;
  trigger: string;
  storeId: string | null;
  fenceId: string | null;
  visitId: string | null;
  sessionId: string | null;
  guestId: string | null;
  deviceId: string | null;
  group: string | null;
  outcome: Outcome;
  gate: string;
  reason: string;
  trace: unknown;
  decidedAt: Date;
}

export interface DecisionFilter {
  ruleId?: string | undefined;
  outcome?: Outcome | undefined;
  reason?: string | undefined;
  storeId?: string | undefined;
  guestId?: string | undefined;
  deviceId?: string | undefined;
  /** The last line of the page before. */
  before?: { at: Date; id: string } | undefined;
}

interface DecisionRow extends Row {
  id: string;
  rule_id: string;
  rule_name: string;
  rule_version: number;
  event_id: string;
  trigger: string;
  store_id: string | null;
  fence_id: string | null;
  visit_id: string | null;
  session_id: string | null;
  guest_id: string | null;
  device_id: string | null;
  exclusion_group: string | null;
  outcome: Outcome;
  gate: string;
  reason: string;
  trace: unknown;
  decided_at: Date;
}

/** Decisions, newest first. */
export async function decisionsList(
  tx: Queryable,
  merchantId: string,
  filter: DecisionFilter,
  limit: number,
): Promise<Decision[]> {
  const { ruleId, outcome, reason, storeId, guestId, deviceId, before } = filter;
  const { rows } = await tx.query<DecisionRow>(
    `select d.id, d.rule_id, r.name as rule_name, d.rule_version, d.event_id, d.trigger, d.store_id, d.fence_id,
       d.visit_id, d.session_id, d.guest_id, d.device_id, d.exclusion_group, d.outcome, d.gate, d.reason, d.trace,
       d.decided_at
     from decisions d join rules r on r.id = d.rule_id
     where d.merchant_id = $1 and ($2::uuid is null or d.rule_id = $2) and ($3::text is null or d.outcome = $3)
       and ($4::text is null or d.reason = $4) and ($5::uuid is null or d.store_id = $5)
       and ($6::uuid is null or d.guest_id = $6) and ($7::uuid is null or d.device_id = $7)
       and ($8::timestamptz is null or (d.decided_at, d.id) < ($8, $9))
     order by d.decided_at desc, d.id desc limit $10`,
    [
      merchantId,
      ruleId ?? null,
      outcome ?? null,
      reason ?? null,
      storeId ?? null,
      guestId ?? null,
      deviceId ?? null,
      before?.at ?? null,
      before?.id ?? null,
      limit,
    ],
  );
  return rows.map(toDecision);
}

function toDecision(row: DecisionRow): Decision {
  return {
    id: row.id,
    ruleId: row.rule_id,
    ruleName: row.rule_name,
    ruleVersion: row.rule_version,
    eventId: row.event_id,
    trigger: row.trigger,
    storeId: row.store_id,
    fenceId: row.fence_id,
    visitId: row.visit_id,
    sessionId: row.session_id,
    guestId: row.guest_id,
    deviceId: row.device_id,
    group: row.exclusion_group,
    outcome: row.outcome,
    gate: row.gate,
    reason: row.reason,
    trace: row.trace,
    decidedAt: row.decided_at,
  };
}
