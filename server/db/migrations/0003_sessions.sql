-- WiFi sessions: one row per admission, from pending (granted, gateway not yet confirmed) to ended.

create table sessions (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  gateway_id uuid not null references gateways (id) on delete cascade,
  guest_id uuid not null references guests (id) on delete cascade,
  method text not null,
  mac text not null,
  client_key text not null,
  ip text,
  -- What makes a repeated admission the same one: hash of gateway context and proof.
  admission_key bytea not null,
  rhid text,
  state text not null default 'pending' check (state in ('pending', 'active', 'ended')),
  minutes integer not null,
  up_kbps integer not null default 0,
  down_kbps integer not null default 0,
  up_quota_kb integer not null default 0,
  down_quota_kb integer not null default 0,
  bytes_in bigint not null default 0,
  bytes_out bigint not null default 0,
  granted_at timestamptz not null,
  deposited_at timestamptz,
  landed_at timestamptz,
  confirmed_at timestamptz,
  expires_at timestamptz not null,
  ended_at timestamptz,
  end_reason text
);
create index on sessions (merchant_id, store_id, granted_at desc);
create index on sessions (merchant_id, guest_id, granted_at desc);
create index on sessions (client_key) where state <> 'ended';
create index on sessions (gateway_id, deposited_at) where state = 'pending' and rhid is not null;
create index on sessions (expires_at) where state <> 'ended';
create unique index on sessions (merchant_id, admission_key) where state <> 'ended';
call foyer_protect('sessions');
