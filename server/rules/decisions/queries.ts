/** What deciding reads and writes: candidates, the subject and its facts, earlier grants, decisions. */
import type { Queryable, Row } from '../../db/database.ts';
import type { Occasion } from '../occasion.ts';
import type { HistorySpan, Findings } from '../facts.ts';
import type { FactGroup } from '../fields.ts';

/** A live rule whose trigger and scope fit the event. */
export interface Candidate {
  id: string;
  version: number;
  offerId: string;
}

/** Live rules of the merchant for this event, oldest first; bounded by the limit on live rules. */
export async function candidatesFor(tx: Queryable, occasion: Occasion): Promise<Candidate[]> {
  const { rows } = await tx.query<{ id: string; version: number; offer_id: string }>(
    `select id, version, offer_id from rules
     where merchant_id = $1 and trigger = $2 and status = 'live'
       and (store_id is null or store_id = $3)
       and coalesce(definition -> 'scope' ->> 'storeId', $3::text) is not distinct from $3::text
       and coalesce(definition -> 'scope' ->> 'fenceId', $4::text) is not distinct from $4::text
     order by id`,
    [occasion.merchantId, occasion.trigger, occasion.storeId, occasion.visit?.fenceId ?? null],
  );
  return rows.map((row) => ({ id: row.id, version: row.version, offerId: row.offer_id }));
}

/** Merchants and triggers with a live rule, as `merchant trigger`: for events of several merchants at once. */
export async function ruledTriggers(
  db: Queryable,
  merchantIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ merchant_id: string; trigger: string }>(
    `select distinct merchant_id, trigger from rules
     where merchant_id = any ($1::uuid[]) and status = 'live'`,
    [merchantIds],
  );
  return new Set(rows.map((row) => `${row.merchant_id} ${row.trigger}`));
}

/** The stored definitions of these rules, with the trigger of their row. */
export async function definitionsOf(
  tx: Queryable,
  merchantId: string,
  ids: readonly string[],
): Promise<{ id: string; version: number; definition: Row }[]> {
  const { rows } = await tx.query<{ id: string; version: number; definition: Row }>(
    `select id, version, jsonb_build_object('trigger', trigger) || definition as definition
     from rules where merchant_id = $1 and id = any ($2::uuid[])`,
    [merchantId, ids],
  );
  return rows;
}

/** Whom an event concerns and where: the guest if one is known, else the device. */
export interface Subject {
  id: string;
  guestId: string | null;
  deviceId: string | null;
  /** The guest's devices, or the one device. */
  devices: string[];
  language: string | null;
  blocked: boolean;
  revoked: boolean;
  /** The device's own opt-in; counts only where no guest is known. */
  deviceConsent: boolean;
  zone: string | null;
  /** Null when it was deleted meanwhile. */
  storeId: string | null;
  fenceId: string | null;
  /** The first id under which its visit was told: late pings may have given it others since. */
  presence: string | null;
}

interface SubjectRow extends Row {
  guest_id: string | null;
  device_id: string | null;
  devices: string[];
  language: string | null;
  blocked_at: Date | null;
  revoked_at: Date | null;
  marketing_consent_at: Date | null;
  timezone: string | null;
  store_id: string | null;
  fence_id: string | null;
  presence: string | null;
}

/**
 * Reads the subject and holds its lock until the transaction ends: events of one subject are decided
 * one after another in all processes, so caps and groups cannot be overrun. Null when it is gone.
 */
export async function lockSubject(tx: Queryable, occasion: Occasion): Promise<Subject | null> {
  const { merchantId, deviceId, guestId, storeId, visit } = occasion;
  const { rows } = await tx.query<SubjectRow>(
    `select g.id as guest_id, d.id as device_id, g.language, g.blocked_at, d.revoked_at, d.marketing_consent_at,
       case when g.id is null then array[d.id]
         else array(select id from devices where merchant_id = $1 and guest_id = g.id limit 100) end as devices,
       s.id as store_id, s.timezone, f.id as fence_id, coalesce(v.root_id, $6) as presence,
       pg_advisory_xact_lock(hashtextextended(coalesce(g.id, d.id)::text, 0)) is null as locked
     from (select 1) as one
       left join devices d on d.merchant_id = $1 and d.id = $2
       left join guests g on g.merchant_id = $1 and g.id = coalesce(d.guest_id, $3)
       left join stores s on s.merchant_id = $1 and s.id = $4
       left join fences f on f.merchant_id = $1 and f.id = $5
       left join visits v on v.merchant_id = $1 and v.id = $6::text`,
    [merchantId, deviceId, guestId, storeId, visit?.fenceId ?? null, visit?.id ?? null],
  );
  const row = rows[0];
  const id = row?.guest_id ?? row?.device_id;
  if (!row || !id) return null;
  return {
    id,
    guestId: row.guest_id,
    deviceId: row.device_id,
    devices: row.devices,
    language: row.language,
    blocked: row.blocked_at !== null,
    revoked: row.revoked_at !== null,
    deviceConsent: row.marketing_consent_at !== null,
    zone: row.timezone,
    storeId: row.store_id,
    fenceId: row.fence_id,
    presence: row.presence,
  };
}

interface FindingsRow extends Row {
  consent: boolean | null;
  answers: Record<string, string | null> | null;
  open_vouchers: number | null;
  dwell_lower_s: number | null;
  category: string | null;
  decided: string[];
}

/** The newest consent, which of the decisions exist already, and the facts of the groups asked for. */
export async function findingsFor(
  tx: Queryable,
  occasion: Occasion,
  subject: Subject,
  asked: { groups: ReadonlySet<FactGroup>; decisionIds: readonly string[]; now: number },
  span: HistorySpan,
): Promise<{ found: Findings; decided: Set<string> }> {
  const { groups, decisionIds, now } = asked;
  const { rows } = await tx.query<FindingsRow>(
    `select
       (select c.granted from consents c where c.merchant_id = $1 and c.guest_id = $2 and c.purpose = 'marketing'
        order by c.seq desc limit 1) as consent,
       case when $4 then (select jsonb_object_agg(a.question_key, a.answer) from guest_answers a
         where a.merchant_id = $1 and a.guest_id = $2 and not a.dismissed) end as answers,
       case when $5 then (select count(*) from vouchers v
         where v.merchant_id = $1 and (v.guest_id = $2 or (v.device_id = any ($3::uuid[]) and v.guest_id is null))
           and v.expires_at > $6 and not exists (select 1 from redemptions r where r.voucher_id = v.id)) end
         as open_vouchers,
       case when $7 then (select v.dwell_lower_s from visits v
         where v.merchant_id = $1 and v.id = $8 and v.status <> 'retracted') end
         as dwell_lower_s,
       case when $7 then (select f.category from fences f where f.merchant_id = $1 and f.id = $9) end as category,
       array(select d.id from decisions d where d.merchant_id = $1 and d.id = any ($10::text[])) as decided`,
    [
      occasion.merchantId,
      subject.guestId,
      subject.devices,
      groups.has('answers'),
      groups.has('vouchers'),
      new Date(now),
      groups.has('fence'),
      occasion.visit?.id ?? null,
      subject.fenceId,
      decisionIds,
    ],
  );
  const row = rows[0]!;
  // The dearest to read and to plan, so it is a statement of its own, for rules that ask.
  const history = groups.has('history') ? await historyOf(tx, occasion, subject, span) : null;
  const found: Findings = {
    language: subject.language,
    consent: subject.guestId === null ? subject.deviceConsent : row.consent === true,
    seen: history?.seen ?? null,
    lastBefore: history?.lastBefore ?? null,
    answers: row.answers,
    openVouchers: row.open_vouchers,
    dwellLower: row.dwell_lower_s,
    fenceCategory: row.category,
  };
  return { found, decided: new Set(row.decided) };
}

/** When the subject was here: sure visits of its devices and confirmed WiFi sessions. */
async function historyOf(
  tx: Queryable,
  occasion: Occasion,
  subject: Subject,
  span: HistorySpan,
): Promise<{ seen: Date[]; lastBefore: Date | null }> {
  const { rows } = await tx.query<{ seen: Date[]; last_before: Date | null }>(
    `with presence as materialized (
       select v.entry_at as at from visits v
       where v.merchant_id = $1 and v.device_id = any ($3::uuid[]) and v.status <> 'retracted'
         and v.band in ('high', 'medium') and ($4::uuid is null or v.store_id = $4) and v.entry_at <= $7
       union all
       select s.granted_at from sessions s
       where s.merchant_id = $1 and s.guest_id = $2 and ($4::uuid is null or s.store_id = $4)
         and coalesce(s.confirmed_at, s.landed_at) is not null and s.granted_at <= $7)
     select array(select distinct date_bin('15 minutes', at, 'epoch') from presence where at >= $5) as seen,
       (select max(at) from presence where at < $6) as last_before`,
    [
      occasion.merchantId,
      subject.guestId,
      subject.devices,
      subject.storeId,
      new Date(span.since),
      new Date(span.today),
      new Date(occasion.at),
    ],
  );
  return { seen: rows[0]!.seen, lastBefore: rows[0]!.last_before };
}

/** An earlier grant to the subject, a held-out ghost included. */
export interface EarlierGrant {
  ruleId: string;
  group: string | null;
  /** Session, or the first id under which the visit was told. */
  occasion: string | null;
  at: number;
}

/** Grants since `since`; the newest 100 per rule, which is the largest cap. */
export async function earlierGrants(
  tx: Queryable,
  merchantId: string,
  subject: Subject,
  since: number,
): Promise<EarlierGrant[]> {
  const { rows } = await tx.query<{
    rule_id: string;
    exclusion_group: string | null;
    occasion: string | null;
    decided_at: Date;
  }>(
    `select rule_id, exclusion_group, occasion, decided_at from (
       select d.rule_id, d.exclusion_group, d.decided_at,
         coalesce(v.root_id, d.visit_id, d.session_id::text) as occasion,
         row_number() over (partition by d.rule_id order by d.decided_at desc) as nth
       from decisions d left join visits v on v.merchant_id = $1 and v.id = d.visit_id
       where d.merchant_id = $1 and d.outcome <> 'refused' and d.decided_at > $4
         and (d.guest_id = $2 or (d.device_id = any ($3::uuid[]) and d.guest_id is null))) as d
     where nth <= 100 order by decided_at desc`,
    [merchantId, subject.guestId, subject.devices, new Date(since)],
  );
  return rows.map((row) => ({
    ruleId: row.rule_id,
    group: row.exclusion_group,
    occasion: row.occasion,
    at: row.decided_at.getTime(),
  }));
}

/** Vouchers issued per rule so far; exact while the rules' offers are locked. */
export async function spentOf(
  tx: Queryable,
  merchantId: string,
  ruleIds: readonly string[],
): Promise<Map<string, number>> {
  const { rows } = await tx.query<{ id: string; issued: number }>(
    'select id, issued from rules where merchant_id = $1 and id = any ($2::uuid[])',
    [merchantId, ruleIds],
  );
  return new Map(rows.map((row) => [row.id, row.issued]));
}

/** Grants of a rule in one store since each instant, ghosts included. */
export async function storeGrants(
  tx: Queryable,
  merchantId: string,
  storeId: string | null,
  wanted: readonly { key: string; ruleId: string; since: number }[],
): Promise<Map<string, number>> {
  const { rows } = await tx.query<{ key: string; n: number }>(
    `select w.key, count(d.id) as n
     from jsonb_to_recordset($3::jsonb) as w (key text, "ruleId" uuid, since timestamptz)
       left join decisions d on d.merchant_id = $1 and d.rule_id = w."ruleId" and d.decided_at > w.since
         and d.outcome <> 'refused' and d.store_id is not distinct from $2
     group by w.key`,
    [
      merchantId,
      storeId,
      JSON.stringify(
        wanted.map((each) => ({ ...each, since: new Date(each.since).toISOString() })),
      ),
    ],
  );
  return new Map(rows.map((row) => [row.key, row.n]));
}

/** A decision to store. */
export interface NewDecision {
  id: string;
  ruleId: string;
  ruleVersion: number;
  exclusionGroup: string | null;
  outcome: 'issued' | 'held_out' | 'refused';
  gate: string;
  reason: string;
  trace: object;
}

/** Stores decisions and counts issued vouchers into their rules; gives the ids that were new. */
export async function insertDecisions(
  tx: Queryable,
  occasion: Occasion,
  subject: Subject,
  decisions: readonly NewDecision[],
  now: number,
): Promise<Set<string>> {
  const { rows } = await tx.query<{ id: string }>(
    `with fresh as (
     insert into decisions (id, merchant_id, rule_id, rule_version, event_id, trigger, store_id, fence_id, visit_id,
       session_id, guest_id, device_id, exclusion_group, outcome, gate, reason, trace, decided_at)
     select n.id, $1, n."ruleId", n."ruleVersion", $3, $4, $5, $6, $7, $8, $9, $10, n."exclusionGroup", n.outcome,
       n.gate, n.reason, n.trace, $11
     from jsonb_to_recordset($2::jsonb) as n (id text, "ruleId" uuid, "ruleVersion" integer, "exclusionGroup" text,
       outcome text, gate text, reason text, trace jsonb)
     on conflict (id) do nothing returning id, rule_id, outcome),
     spent as (
       update rules r set issued = r.issued + 1 from fresh
       where r.merchant_id = $1 and r.id = fresh.rule_id and fresh.outcome = 'issued')
     select id from fresh`,
    [
      occasion.merchantId,
      JSON.stringify(decisions),
      occasion.eventId,
      occasion.trigger,
      subject.storeId,
      subject.fenceId,
      occasion.visit?.id ?? null,
      occasion.session?.id ?? null,
      subject.guestId,
      subject.deviceId,
      new Date(now),
    ],
  );
  return new Set(rows.map((row) => row.id));
}

/**
 * Drops refusals older than `before`, a housekeeping job across merchants, in statements of at most
 * `batch` rows; gives how many. Grants and ghosts stay: caps and reports count them.
 */
export async function dropRefusals(db: Queryable, before: number, batch = 10_000): Promise<number> {
  let dropped = 0;
  for (;;) {
    const { rowCount } = await db.query(
      `delete from decisions where ctid = any (array(
         select ctid from decisions where outcome = 'refused' and decided_at < $1 limit $2))`,
      [new Date(before), batch],
    );
    dropped += rowCount;
    if (rowCount < batch) return dropped;
  }
}
