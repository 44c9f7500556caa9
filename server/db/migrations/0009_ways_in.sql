-- More ways in: member cards, guests whom staff let in, sign-in elsewhere, links to go on in another browser.

-- A card of the merchant's own members. What the member knows beside the number is kept as a keyed
-- hash: four digits are guessed from any plain hash in no time.
create table member_cards (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  -- Upper-case letters and digits, as server/members/number.ts writes them.
  number text not null check (length(number) between 3 and 32),
  name text check (length(name) <= 120),
  factor text not null check (factor in ('pin', 'phone')),
  factor_hash bytea not null,
  -- The guest who came with it; forgotten together with them.
  guest_id uuid references guests (id) on delete cascade,
  blocked_at timestamptz,
  expires_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (merchant_id, number)
);
create index on member_cards (guest_id) where guest_id is not null;
create index on member_cards (merchant_id, id desc);
create index on member_cards (merchant_id, guest_id) where blocked_at is not null;
call foyer_protect('member_cards');

-- Wrong tries at cards, by keyed hashes of number, device and network: only for the limits.
create table member_tries (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  number_hash bytea not null,
  device_hash bytea not null,
  network_hash bytea not null,
  tried_at timestamptz not null
);
create index on member_tries (merchant_id, number_hash, tried_at desc);
create index on member_tries (merchant_id, device_hash, tried_at desc);
create index on member_tries (merchant_id, network_hash, tried_at desc);
create index on member_tries (tried_at);
call foyer_protect('member_tries');

-- Guests who asked to be let in, and what staff said.
create table approval_requests (
  id uuid primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  -- What the guest called themselves.
  name text not null check (length(name) between 1 and 60),
  -- Keyed hash of store and MAC.
  client_hash bytea not null,
  asked_at timestamptz not null,
  -- An answer is waited for until then, and a grant may be used until then.
  expires_at timestamptz not null,
  decision text check (decision in ('granted', 'denied')),
  decided_at timestamptz,
  -- Staff or API key: no foreign key, the record outlives either.
  decided_by text,
  used_at timestamptz,
  guest_id uuid references guests (id) on delete cascade
);
create index on approval_requests (merchant_id, store_id, asked_at desc);
create index on approval_requests (guest_id) where guest_id is not null;
create index on approval_requests (asked_at);
call foyer_protect('approval_requests');

-- Who a guest is at an identity provider; the subject is one of a kind at its issuer.
create table guest_identities (
  merchant_id uuid not null references merchants (id) on delete cascade,
  issuer text not null,
  subject text not null,
  guest_id uuid not null references guests (id) on delete cascade,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  primary key (merchant_id, issuer, subject)
);
create index on guest_identities (guest_id);
call foyer_protect('guest_identities');

-- Journeys on their way to another browser, sealed by the portal; only a hash of their key is kept.
create table journey_links (
  key_hash bytea primary key,
  merchant_id uuid not null references merchants (id) on delete cascade,
  store_id uuid not null references stores (id) on delete cascade,
  kind text not null check (kind in ('short', 'state')),
  sealed text not null check (length(sealed) <= 16384),
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index on journey_links (store_id, created_at);
create index on journey_links (expires_at);
call foyer_protect('journey_links');

-- A guest of whom only a few minutes of grace are known; cleared by a full admission, else forgotten.
alter table guests add column provisional boolean not null default false;
create index on guests (last_seen_at) where provisional;

-- A code that is withdrawn takes its sessions along; a client is known again by what it was.
create index on sessions (access_voucher_id) where access_voucher_id is not null and state <> 'ended';
create index on sessions (merchant_id, client_key, granted_at desc) where client_key <> '';

-- Where SMS go: country and the first digits of the number, for limits and for the alarm.
alter table codes add column country text;
alter table codes add column prefix text;
create index on codes (merchant_id, store_id, channel, sent_at desc);
create index on codes (merchant_id, prefix, sent_at desc) where prefix is not null;

-- Number ranges whose codes nobody typed: no SMS goes there for a while.
create table sms_pauses (
  merchant_id uuid not null references merchants (id) on delete cascade,
  prefix text not null,
  country text not null,
  sends integer not null,
  uses integer not null,
  paused_at timestamptz not null,
  until timestamptz not null,
  primary key (merchant_id, prefix)
);
call foyer_protect('sms_pauses');

-- The store behind a UniFi site name.
create index on gateways ((settings -> 'unifi' ->> 'site')) where kind = 'unifi';
