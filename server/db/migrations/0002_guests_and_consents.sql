-- Guests, what they agreed to, what they answered, and the codes that proved who they are.

create table guests (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  phone text,
  email text,
  name text check (length(name) <= 120),
  language text not null default 'en',
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  blocked_at timestamptz
);
create unique index on guests (merchant_id, phone) where phone is not null;
create unique index on guests (merchant_id, email) where email is not null;
create index on guests (merchant_id, last_seen_at desc);
call foyer_protect('guests');

-- Append-only ledger: the newest row of a purpose is what holds; withdrawal is a row with granted = false.
create table consents (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  guest_id uuid not null references guests (id) on delete cascade,
  store_id uuid references stores (id) on delete set null,
  purpose text not null check (purpose in ('access', 'marketing')),
  granted boolean not null,
  text_version text not null,
  text_sha256 text not null,
  language text not null,
  source text not null check (source in ('portal', 'console', 'api')),
  given_at timestamptz not null,
  -- The order of writing: two entries of one millisecond still have a newest.
  seq bigint not null generated always as identity
);
create index on consents (merchant_id, guest_id, purpose, seq desc);
create index on consents (merchant_id, seq desc);
call foyer_protect('consents', 'select, insert');

create function foyer_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'table % is append-only', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
create trigger append_only before update on consents for each row execute function foyer_append_only();

-- The wordings behind the ledger's hashes: an old entry can still be read out, whatever the store says today.
create table consent_texts (
  merchant_id uuid not null references merchants (id) on delete cascade,
  sha256 text not null,
  text text not null,
  first_shown_at timestamptz not null,
  primary key (merchant_id, sha256)
);
call foyer_protect('consent_texts', 'select, insert');

-- The optional question: an answer, or a dismissal that is never asked again.
create table guest_answers (
  merchant_id uuid not null references merchants (id) on delete cascade,
  guest_id uuid not null references guests (id) on delete cascade,
  question_key text not null,
  answer text check (length(answer) <= 500),
  dismissed boolean not null default false,
  answered_at timestamptz not null,
  primary key (guest_id, question_key)
);
call foyer_protect('guest_answers');

-- One-time codes. Address and code are keyed hashes, never clear.
create table codes (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  channel text not null check (channel in ('sms', 'email')),
  address_hash bytea not null,
  binding_hash bytea not null,
  code_hash bytea not null,
  -- Keyed hashes of the device (MAC) and network (IP) that asked: only for the limits on sending.
  device_hash bytea not null,
  network_hash bytea not null,
  attempts integer not null default 0,
  sent_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index on codes (merchant_id, address_hash, sent_at desc);
create index on codes (merchant_id, device_hash, sent_at desc);
create index on codes (merchant_id, network_hash, sent_at desc);
call foyer_protect('codes');

-- Mail and SMS on their way out. The body is emptied once delivered, except for the development sender.
create table messages (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid references stores (id) on delete cascade,
  channel text not null check (channel in ('sms', 'email')),
  address text not null,
  subject text,
  body text not null,
  status text not null default 'waiting' check (status in ('waiting', 'sent', 'failed')),
  attempts integer not null default 0,
  due_at timestamptz not null,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  sent_at timestamptz,
  last_error text
);
create index on messages (due_at) where status = 'waiting';
create index on messages (merchant_id, created_at desc);
call foyer_protect('messages');

-- Printed codes that open the WiFi.
create table access_vouchers (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  code text not null,
  minutes integer not null check (minutes between 1 and 525600),
  uses_left integer not null check (uses_left >= 0),
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  unique (store_id, code)
);
call foyer_protect('access_vouchers');

-- Wrong tries at printed codes, by keyed hash of the device and of the network: only for the limits.
create table access_voucher_tries (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  device_hash bytea not null,
  network_hash bytea not null,
  tried_at timestamptz not null
);
create index on access_voucher_tries (merchant_id, device_hash, tried_at desc);
create index on access_voucher_tries (merchant_id, network_hash, tried_at desc);
call foyer_protect('access_voucher_tries');
