-- Offers, the rules that issue them, every decision with its reason, vouchers and redemptions.

create table offers (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid references stores (id) on delete cascade,
  name text not null check (length(name) between 1 and 120),
  headline text not null check (length(headline) between 1 and 80),
  body text not null default '' check (length(body) <= 500),
  terms text not null default '' check (length(terms) <= 1000),
  valid_for_s integer not null default 86400 check (valid_for_s between 60 and 31536000),
  -- How many vouchers may be issued in all; null = no limit.
  stock integer check (stock >= 0),
  issued integer not null default 0,
  redeemed integer not null default 0,
  status text not null default 'live' check (status in ('draft', 'live', 'paused')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (stock is null or issued <= stock)
);
create index on offers (merchant_id);
call foyer_protect('offers');

create table rules (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid references stores (id) on delete cascade,
  offer_id uuid not null references offers (id) on delete cascade,
  name text not null check (length(name) between 1 and 120),
  status text not null default 'draft' check (status in ('draft', 'live', 'paused')),
  version integer not null default 1,
  trigger text not null check (trigger in ('visit.entered', 'visit.dwelled', 'visit.left', 'guest.admitted')),
  -- Scope, conditions, caps, quiet hours, exclusion group, experiment, budget: rules/schema.ts
  definition jsonb not null,
  -- Vouchers issued by this rule, all versions together: what its budget is measured against.
  issued integer not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index on rules (merchant_id, trigger) where status = 'live';
call foyer_protect('rules');

create table rule_versions (
  rule_id uuid not null references rules (id) on delete cascade,
  version integer not null,
  merchant_id uuid not null references merchants (id) on delete cascade,
  definition jsonb not null,
  offer_id uuid,
  changed_at timestamptz not null,
  changed_by text,
  primary key (rule_id, version)
);
call foyer_protect('rule_versions', 'select, insert');

-- One row per candidate rule and event: where it stopped and why. The id is a hash of rule, version,
-- subject and visit, so a replayed event cannot decide twice.
create table decisions (
  id text primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  rule_id uuid not null references rules (id) on delete cascade,
  rule_version integer not null,
  event_id uuid not null,
  trigger text not null,
  store_id uuid references stores (id) on delete set null,
  fence_id uuid references fences (id) on delete set null,
  visit_id text,
  session_id uuid,
  guest_id uuid references guests (id) on delete cascade,
  device_id uuid references devices (id) on delete cascade,
  exclusion_group text,
  outcome text not null check (outcome in ('issued', 'held_out', 'refused')),
  gate text not null,
  reason text not null,
  trace jsonb not null,
  decided_at timestamptz not null
);
create index on decisions (merchant_id, decided_at desc);
create index on decisions (rule_id, decided_at desc);
create index on decisions (merchant_id, guest_id, decided_at desc) where outcome <> 'refused';
create index on decisions (merchant_id, device_id, decided_at desc) where outcome <> 'refused';
call foyer_protect('decisions', 'select, insert');

create table vouchers (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  offer_id uuid not null references offers (id) on delete cascade,
  decision_id text unique references decisions (id) on delete set null,
  store_id uuid references stores (id) on delete set null,
  guest_id uuid references guests (id) on delete cascade,
  device_id uuid references devices (id) on delete cascade,
  code text not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  shown_at timestamptz,
  unique (merchant_id, code)
);
create index on vouchers (guest_id, issued_at desc) where guest_id is not null;
create index on vouchers (device_id, issued_at desc) where device_id is not null;
create index on vouchers (offer_id, issued_at desc);
call foyer_protect('vouchers');

-- A voucher is spent by inserting here: the unique constraints are what makes it single-use.
create table redemptions (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  voucher_id uuid not null unique references vouchers (id) on delete cascade,
  offer_id uuid not null references offers (id) on delete cascade,
  store_id uuid references stores (id) on delete set null,
  till text not null,
  idempotency_key text not null,
  redeemed_at timestamptz not null,
  unique (merchant_id, idempotency_key)
);
create index on redemptions (merchant_id, redeemed_at desc);
call foyer_protect('redemptions', 'select, insert');

-- What was answered under an idempotency key, refusals too: the same key gets the same answer again.
create table redemption_answers (
  merchant_id uuid not null references merchants (id) on delete cascade,
  idempotency_key text not null check (length(idempotency_key) between 1 and 255),
  request_hash bytea not null,
  -- Empty only inside the transaction that works on it.
  answer jsonb,
  created_at timestamptz not null,
  primary key (merchant_id, idempotency_key)
);
create index on redemption_answers (created_at);
call foyer_protect('redemption_answers');
