-- Consent by purpose with its proof, double opt-in, ages, and how long each kind of record is kept.

alter table consents drop constraint consents_purpose_check;
alter table consents add constraint consents_purpose_check check (purpose in
  ('access', 'marketing', 'marketing-email', 'marketing-sms', 'analytics', 'profiling'));
alter table consents drop constraint consents_source_check;
alter table consents add constraint consents_source_check check (source in
  ('portal', 'console', 'api', 'email-link', 'self-service'));

-- Proof of what was shown and how it was chosen; null in entries made before it was asked for.
alter table consents add column page_sha256 text check (page_sha256 ~ '^[0-9a-f]{64}$');
alter table consents add column screen text check (length(screen) <= 60);
alter table consents add column ip text check (length(ip) <= 64);
alter table consents add column user_agent text check (length(user_agent) <= 200);
alter table consents add column method text check (method in ('form', 'link', 'staff', 'age-gate'));

-- Above or below the age from which a guest may be asked for more than the terms; null when nobody asked.
alter table guests add column age_band text check (age_band in ('over', 'under'));

-- Agreements to offers by mail that wait for the link in a mail to be followed. The link holds the
-- token; only its SHA-256 is kept.
create table consent_requests (
  token_hash bytea primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  guest_id uuid not null references guests (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  -- The address it was sent to: it is void once the guest has another.
  email text not null,
  text_version text not null,
  text text not null,
  language text not null,
  page_sha256 text,
  screen text,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index on consent_requests (merchant_id, guest_id, created_at desc);
create index on consent_requests (expires_at);
call foyer_protect('consent_requests');

-- Where a law demands that the log of WiFi sessions outlives the guest's own record: who was on, from
-- which address, when. Read by nothing else in the house; deleted when `keep_until` has passed.
create table session_log (
  session_id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  gateway_id uuid,
  -- Proved phone number, else mail address; null when nothing was proved.
  account text,
  method text not null,
  mac text not null,
  ip text,
  granted_at timestamptz not null,
  ended_at timestamptz not null,
  bytes_in bigint not null,
  bytes_out bigint not null,
  keep_until timestamptz not null
);
create index on session_log (keep_until);
create index on session_log (merchant_id, store_id, granted_at desc);
call foyer_protect('session_log', 'select, insert');

-- What was deleted because its time was up: class of record, store, and how many. No personal data.
create table retention_log (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid references stores (id) on delete cascade,
  class text not null,
  -- Records older than this went.
  before timestamptz not null,
  removed integer not null check (removed > 0),
  ran_at timestamptz not null
);
create index on retention_log (merchant_id, ran_at desc);
call foyer_protect('retention_log', 'select, insert');

-- A guest's look at their own data: opened by a proof, short, and closed for good when they leave.
-- The page's sealed address holds the token; only its SHA-256 is kept.
create table self_looks (
  token_hash bytea primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  guest_id uuid not null references guests (id) on delete cascade,
  -- The WiFi session it was opened from, if any. No foreign key: sessions are deleted in time.
  session_id uuid,
  -- Nothing but this look’s device was proved: switches only, nothing personal is shown.
  limited boolean not null,
  opened_at timestamptz not null,
  expires_at timestamptz not null
);
create index on self_looks (guest_id);
create index on self_looks (expires_at);
call foyer_protect('self_looks');
