-- Devices, what they sent, what the engine remembers of them, and the visits it found.

create table devices (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  guest_id uuid references guests (id) on delete set null,
  name text not null check (length(name) between 1 and 120),
  token_hash bytea not null unique,
  -- An app's own opt-in to offers when no guest is linked.
  marketing_consent_at timestamptz,
  created_at timestamptz not null default now(),
  last_ping_at timestamptz,
  last_app text,
  revoked_at timestamptz
);
create index on devices (merchant_id, created_at desc);
create index on devices (guest_id) where guest_id is not null;
call foyer_protect('devices');

-- Every ping is kept with its verdict; refused ones too, with their reason.
create table pings (
  merchant_id uuid not null,
  device_id uuid not null,
  at timestamptz not null,
  -- Client id when the app gives one, else a hash of what was sent: makes retries idempotent.
  ping_key text not null,
  received_at timestamptz not null,
  lon double precision not null,
  lat double precision not null,
  accuracy_m real,
  accuracy_kind text not null default 'p68' check (accuracy_kind in ('p68', 'rms', 'p95')),
  speed_mps real,
  source text not null,
  accepted boolean not null,
  reason text,
  extras jsonb,
  primary key (device_id, at, ping_key)
) partition by range (at);
create index on pings (merchant_id, at);
call foyer_protect('pings');
create table pings_default partition of pings default;
alter table pings_default enable row level security;

-- Makes the daily partitions of [from_day, to_day]; running it again changes nothing.
-- Days that already have pings in the default partition stay there until those are dropped.
create procedure foyer_ping_partitions(from_day date, to_day date)
  language plpgsql as $$
declare
  day date := from_day;
  part text;
begin
  while day <= to_day loop
    part := 'pings_' || to_char(day, 'YYYYMMDD');
    if to_regclass(part) is null and not exists (
      select 1 from pings_default
      where at >= day::timestamp at time zone 'UTC' and at < (day + 1)::timestamp at time zone 'UTC'
    ) then
      execute format('create table %I partition of pings for values from (%L) to (%L)',
        part, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
      execute format('alter table %I enable row level security', part);
    end if;
    day := day + 1;
  end loop;
end $$;

create table device_states (
  device_id uuid primary key references devices (id) on delete cascade,
  merchant_id uuid not null references merchants (id) on delete cascade,
  state jsonb not null,
  -- When silence must be judged although no ping comes; null when nothing is open.
  wake_at timestamptz,
  updated_at timestamptz not null
);
create index on device_states (wake_at) where wake_at is not null;
call foyer_protect('device_states');

create table visits (
  id text primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid references stores (id) on delete set null,
  fence_id uuid not null references fences (id) on delete cascade,
  fence_version integer not null,
  device_id uuid not null references devices (id) on delete cascade,
  guest_id uuid references guests (id) on delete set null,
  status text not null check (status in ('open', 'closed', 'final', 'retracted')),
  revision integer not null,
  score double precision not null check (score between 0 and 1),
  band text not null check (band in ('high', 'medium', 'low', 'none')),
  entry_earliest timestamptz,
  entry_at timestamptz not null,
  entry_latest timestamptz,
  exit_earliest timestamptz,
  exit_at timestamptz,
  exit_latest timestamptz,
  dwell_lower_s double precision not null,
  dwell_s double precision not null,
  dwell_upper_s double precision,
  pings integer not null,
  -- The whole visit as the engine gave it: alternates, factors, censoring, trust.
  detail jsonb not null,
  updated_at timestamptz not null
);
create index on visits (merchant_id, entry_at);
create index on visits (merchant_id, fence_id, entry_at);
create index on visits (device_id, entry_at);
create index on visits (merchant_id, store_id) where status = 'open';
call foyer_protect('visits');
