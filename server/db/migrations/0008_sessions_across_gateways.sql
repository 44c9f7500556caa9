-- WiFi sessions as equipment tells them: network sessions of many gateways under one admission, tickets,
-- remembered devices, and what the connection check shows.

alter table gateways drop constraint gateways_kind_check;
alter table gateways add constraint gateways_kind_check check (kind in (
  'pretend', 'opennds', 'wifidog', 'apfree', 'coova', 'mikrotik', 'unifi', 'meraki', 'portal2', 'radius'));

-- Where packets without a web address come from, written out of the gateways' settings: equipment is
-- known by its address before there is a tenant, and that look-up must not read every gateway.
create table gateway_addresses (
  merchant_id uuid not null references merchants (id) on delete cascade,
  gateway_id uuid not null references gateways (id) on delete cascade,
  -- RADIUS packets, a RadSec certificate, the AC of a Portal 2.0 door.
  way text not null check (way in ('radius', 'radsec', 'ac')),
  network inet,
  certificate text
);
create index on gateway_addresses (gateway_id);
create index on gateway_addresses using gist (network inet_ops);
create index on gateway_addresses (certificate) where certificate is not null;
call foyer_protect('gateway_addresses');

-- An address as it was typed, or null: one that cannot be read must not keep a gateway from being saved.
create function foyer_network(said text) returns inet language plpgsql immutable as $$
begin
  return said::inet;
exception when others then
  return null;
end $$;

create function foyer_gateway_addressed() returns trigger language plpgsql as $$
begin
  delete from gateway_addresses where gateway_id = new.id;
  insert into gateway_addresses (merchant_id, gateway_id, way, network)
  select new.merchant_id, new.id, 'radius', foyer_network(source)
  from jsonb_array_elements_text(
    case when jsonb_typeof(new.settings #> '{radius,sources}') = 'array'
      then new.settings #> '{radius,sources}' else '[]' end) as source
  where foyer_network(source) is not null;
  insert into gateway_addresses (merchant_id, gateway_id, way, certificate)
  select new.merchant_id, new.id, 'radsec', lower(new.settings #>> '{radius,certificate}')
  where new.settings #>> '{radius,certificate}' is not null;
  insert into gateway_addresses (merchant_id, gateway_id, way, network)
  select new.merchant_id, new.id, 'ac', foyer_network(new.settings #>> '{portal2,host}')
  where foyer_network(new.settings #>> '{portal2,host}') is not null;
  return null;
end $$;
create trigger addressed after insert or update of settings on gateways
  for each row execute function foyer_gateway_addressed();

-- Credentials of one admission: the password is derived from the installation's secret, never stored.
alter table sessions add column user_name text;
alter table sessions add column ticket_until timestamptz;
alter table sessions add column ticket_used_at timestamptz;
-- What a gateway calls a client that it let in by hardware address: some want it back to put them out.
alter table sessions add column nas_user_name text;
-- The printed code that opened it. No foreign key: a code that is gone is what ends the session.
alter table sessions add column access_voucher_id uuid;
-- The newest word of a gateway about it. In no index: it changes with every report.
alter table sessions add column last_seen_at timestamptz;
-- When the last of its network sessions ended; null while one is open, or none was ever counted.
alter table sessions add column left_at timestamptz;
-- The same hardware address was in use at a distant store meanwhile: nothing personal is shown since.
alter table sessions add column twin_at timestamptz;
create unique index on sessions (user_name) where user_name is not null;
create index on sessions (merchant_id, mac, granted_at desc) where mac <> '';
create index on sessions (left_at) where left_at is not null and state = 'active';
create index on sessions (gateway_id, ended_at);
create index on sessions (gateway_id, rhid) where rhid is not null;
create index on sessions (id) where state = 'active' and (down_quota_kb > 0 or up_quota_kb > 0);
create index on sessions (ended_at) where state = 'ended' and client_key <> '';
create index on guests (merchant_id, id) where blocked_at is not null;

-- Network sessions as gateways count them. One begun anew under an old name is a leg of its own, so a
-- session's totals are the sum of its legs whatever the order in which they were told.
create table session_legs (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  gateway_id uuid not null references gateways (id) on delete cascade,
  -- Null for a client that the house did not let in.
  session_id uuid references sessions (id) on delete cascade,
  nas_session text not null check (length(nas_session) between 1 and 253),
  multi_session text check (length(multi_session) <= 253),
  mac text not null,
  ip text,
  ap text,
  ssid text,
  started_at timestamptz not null,
  last_at timestamptz not null,
  ended_at timestamptz,
  end_reason text check (length(end_reason) <= 40),
  -- Ended by silence or a restart, not by the gateway's word: it may be heard of again.
  inferred boolean not null default false,
  bytes_in bigint not null default 0,
  bytes_out bigint not null default 0,
  seconds bigint not null default 0,
  unique (gateway_id, mac, nas_session, started_at)
);
create index on session_legs (session_id);
create index on session_legs (merchant_id, store_id, mac) where ended_at is null;
create index on session_legs (gateway_id, last_at) where ended_at is null;
create index on session_legs (last_at) where session_id is null;
call foyer_protect('session_legs');

-- Clients to be put out. No foreign key to sessions or guests: a guest's erasure takes their rows at
-- once, while the gateway may still have to be asked; what is needed for that goes when it is done.
create table session_kicks (
  session_id uuid not null,
  gateway_id uuid not null references gateways (id) on delete cascade,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  reason text not null check (reason in ('expired', 'quota', 'closed', 'blocked', 'erased', 'staff', 'replaced')),
  mac text not null,
  ip text,
  user_name text,
  token text,
  nas_sessions text[] not null default '{}',
  -- What the gateway last answered; null before it was asked.
  outcome text check (outcome in ('later', 'unable', 'failed')),
  attempts integer not null default 0,
  -- When to ask (again); null while nothing is to be done but wait.
  due_at timestamptz,
  created_at timestamptz not null,
  -- When the session's own limit ends it in any case.
  until timestamptz not null,
  primary key (session_id, gateway_id)
);
create index on session_kicks (due_at) where due_at is not null;
create index on session_kicks (gateway_id, mac);
create index on session_kicks (until);
call foyer_protect('session_kicks');

-- Devices that may come in again without proving anything, until they expire or the terms change.
create table known_devices (
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  -- Keyed hash of store and hardware address, as in sessions.
  client_key text not null,
  guest_id uuid not null references guests (id) on delete cascade,
  -- SHA-256 of the token that the portal's cookie holds.
  token_hash bytea not null,
  -- Version of the terms of access that were agreed to.
  terms_version text not null,
  created_at timestamptz not null,
  -- A gateway vouched for the hardware address; before that it is a claim and opens nothing by itself.
  confirmed_at timestamptz,
  last_seen_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  primary key (store_id, client_key, guest_id)
);
create index on known_devices (merchant_id, guest_id);
create index on known_devices (expires_at);
call foyer_protect('known_devices');

-- What the connection check tells of a gateway: one row a kind of event, counted.
create table connection_notices (
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  gateway_id uuid references gateways (id) on delete cascade,
  code text not null check (length(code) <= 40),
  -- The newest one's: addresses of equipment, names of parameters; never personal data.
  detail jsonb not null default '{}' check (length(detail::text) <= 4000),
  times bigint not null default 1,
  first_at timestamptz not null,
  last_at timestamptz not null,
  unique nulls not distinct (store_id, gateway_id, code)
);
create index on connection_notices (last_at);
call foyer_protect('connection_notices');
