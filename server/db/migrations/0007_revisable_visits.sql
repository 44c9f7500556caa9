-- Late pings revise visits, fences have kinds and a past, evidence comes from more than positions.

-- What the engine was told, so that history can be run again.
alter table pings
  -- `at` put right for a skewed clock: the order in which the engine takes pings.
  add column judged_at timestamptz,
  add column still boolean not null default false,
  add column mock boolean not null default false,
  -- Radio keys heard with the fix, as a list of texts.
  add column heard jsonb,
  -- {fence, kind}: certain knowledge from a sign-in, a session, a code.
  add column evidence jsonb;
update pings set judged_at = at where judged_at is null;
alter table pings alter column judged_at set not null;
create index on pings (device_id, judged_at);

-- States as of earlier moments: where a rewind starts. At most one an hour, or one per 500 pings.
create table device_checkpoints (
  device_id uuid not null references devices (id) on delete cascade,
  merchant_id uuid not null references merchants (id) on delete cascade,
  -- All that the state was judged by lies at or before this.
  at timestamptz not null,
  state jsonb not null,
  primary key (device_id, at)
);
create index on device_checkpoints (at);
call foyer_protect('device_checkpoints');

-- Recent differences between a device's clock and ours, in seconds, newest last.
alter table device_states add column skew jsonb;

alter table visits add column retracted_at timestamptz;

-- Kinds of fences. Ground is null for a set of radios and for a composite; a corridor's or a
-- tripwire's is its line.
alter table fences
  add column kind text not null default 'area'
    check (kind in ('area', 'circle', 'corridor', 'tripwire', 'radio', 'composite')),
  add column width_m double precision check (width_m between 1 and 2000),
  add column direction text check (direction in ('left', 'right', 'both')),
  add column members jsonb,
  add column members_of text check (members_of in ('any', 'all')),
  add column radio jsonb,
  add column priority integer not null default 0 check (priority between -100 and 100),
  add column cooldown_s integer not null default 0 check (cooldown_s between 0 and 2592000),
  add column hours jsonb,
  -- The datum it was drawn in; the shape itself is always WGS 84.
  add column datum text not null default 'wgs84' check (datum in ('wgs84', 'gcj02', 'bd09')),
  add column made text check (made in ('isochrone')),
  alter column shape drop not null;
update fences set kind = 'circle' where radius_m is not null;

-- Each version a fence ever had, with the time it was in force: late pings are judged by the fence
-- that stood when they were taken. Written by trigger, so that no writer can forget it.
create table fence_versions (
  fence_id uuid not null,
  merchant_id uuid not null references merchants (id) on delete cascade,
  valid_from timestamptz not null,
  valid_to timestamptz,
  -- The row of `fences` as it stood.
  was jsonb not null,
  shape geography (geometry, 4326),
  primary key (fence_id, valid_from)
);
create index on fence_versions (merchant_id, valid_from);
create index on fence_versions (merchant_id, valid_to);
call foyer_protect('fence_versions');
