-- Domain events, written in the transaction of their cause. `position` is given when an event is
-- first handed out, under a lock, so positions rise in commit order and serve as cursors.

create table outbox (
  seq bigint generated always as identity primary key,
  id uuid not null unique,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid,
  guest_id uuid,
  device_id uuid,
  type text not null,
  -- Events of one key are delivered in order.
  key text not null,
  payload jsonb not null,
  occurred_at timestamptz not null,
  written_at timestamptz not null,
  position bigint unique,
  attempts integer not null default 0,
  due_at timestamptz not null,
  done_at timestamptz,
  dead_at timestamptz,
  last_error text
);
create index on outbox (seq) where done_at is null and dead_at is null;
create index on outbox (merchant_id, key, seq) where done_at is null and dead_at is null;
create index on outbox (merchant_id, store_id, position);
create index on outbox (merchant_id, guest_id, position) where guest_id is not null;
create index on outbox (merchant_id, device_id, position) where device_id is not null;
call foyer_protect('outbox', 'select, insert');
grant usage on sequence outbox_seq_seq to foyer_app;

create sequence outbox_position;

-- The single row whose lock makes handing-out one at a time across processes.
create table outbox_lock (only_row boolean primary key default true check (only_row));
insert into outbox_lock default values;

-- Timed jobs: one row each. Taking a job is one conditional update, so it runs in one process at a time.
create table jobs (
  name text primary key,
  due_at timestamptz not null,
  leased_until timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  last_error text
);
