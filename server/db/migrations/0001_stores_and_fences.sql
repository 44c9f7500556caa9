-- Merchants, their people, stores, gateways, fences and devices.
-- Row-level security: the role foyer_app (made by the migrator) sees one merchant at a time, the one
-- in the local setting foyer.merchant; without it, nothing. The owner, used only for look-ups by
-- secret (tokens) and for the outbox, is not bound by it.

create extension if not exists postgis;

create function foyer_merchant() returns uuid
  language sql stable parallel safe
  as $$ select nullif(current_setting('foyer.merchant', true), '')::uuid $$;

-- Gives a table its tenant policy and the application's rights in one place.
create procedure foyer_protect(target regclass, rights text default 'select, insert, update, delete')
  language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format(
    'create policy tenant on %s to foyer_app using (merchant_id = (select foyer_merchant())) with check (merchant_id = (select foyer_merchant()))',
    target);
  execute format('grant %s on %s to foyer_app', rights, target);
end $$;

create table merchants (
  id uuid primary key,
  name text not null check (length(name) between 1 and 120),
  created_at timestamptz not null default now()
);
alter table merchants enable row level security;
create policy tenant on merchants to foyer_app using (id = (select foyer_merchant())) with check (id = (select foyer_merchant()));
grant select, update on merchants to foyer_app;

create table staff (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  email text not null unique check (email = lower(email) and length(email) <= 254),
  name text not null,
  role text not null check (role in ('owner', 'manager', 'till')),
  password_hash text not null,
  created_at timestamptz not null default now(),
  disabled_at timestamptz
);
create index on staff (merchant_id);
call foyer_protect('staff');

-- A staff login. The cookie holds the token; only its SHA-256 is kept.
create table sign_ins (
  token_hash bytea primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  staff_id uuid not null references staff (id) on delete cascade,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  expires_at timestamptz not null,
  user_agent text
);
create index on sign_ins (staff_id);
call foyer_protect('sign_ins');

-- One-time links that create the first owner's account. No tenant yet, so no tenant rights.
create table owner_links (
  token_hash bytea primary key,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);

create table api_keys (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  name text not null,
  prefix text not null unique,
  secret_hash bytea not null,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index on api_keys (merchant_id);
call foyer_protect('api_keys');

create table stores (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  name text not null check (length(name) between 1 and 120),
  timezone text not null,
  country text not null check (country ~ '^[A-Z]{2}$'),
  location geography (point, 4326),
  -- methods, theme, question, landing hosts, session limits: checked by stores/schema.ts
  settings jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index on stores (merchant_id);
call foyer_protect('stores');

create table gateways (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  kind text not null check (kind in ('pretend', 'opennds')),
  name text not null,
  -- level and secret: checked by stores/schema.ts
  settings jsonb not null default '{}',
  last_heard_at timestamptz,
  created_at timestamptz not null default now(),
  unique (store_id, kind, name)
);
call foyer_protect('gateways');

create table fences (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid references stores (id) on delete cascade,
  parent_id uuid references fences (id) on delete set null,
  name text not null check (length(name) between 1 and 120),
  -- A circle is its centre plus a radius; anything else its outline.
  shape geography (geometry, 4326) not null,
  radius_m double precision check (radius_m between 3 and 10000),
  floor text,
  category text,
  min_dwell_s integer not null default 180 check (min_dwell_s between 0 and 86400),
  version integer not null default 1,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index on fences using gist (shape);
create index on fences (merchant_id);
call foyer_protect('fences');

-- Rises with every change of a merchant's fences, whoever makes it: what processes compare before
-- they trust the index they hold in memory. No foreign key: the row may outlive its merchant.
create table fence_revisions (
  merchant_id uuid primary key,
  revision bigint not null
);
call foyer_protect('fence_revisions');

create function foyer_fences_changed() returns trigger language plpgsql as $$
begin
  insert into fence_revisions as r (merchant_id, revision)
  select distinct c.merchant_id, 1 from changed c
  on conflict (merchant_id) do update set revision = r.revision + 1;
  return null;
end $$;
create trigger fences_added after insert on fences referencing new table as changed
  for each statement execute function foyer_fences_changed();
create trigger fences_altered after update on fences referencing new table as changed
  for each statement execute function foyer_fences_changed();
create trigger fences_removed after delete on fences referencing old table as changed
  for each statement execute function foyer_fences_changed();
