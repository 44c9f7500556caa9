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
  add column evidence jsonb,
  -- False: the engine was never told, because it could not be used or came too late.
  add column usable boolean not null default true;
-- In one pass over the pings, of which there may be very many.
alter table pings
  -- As exact as they were sent, or history would not repeat itself.
  alter column accuracy_m type double precision using accuracy_m::text::double precision,
  alter column speed_mps type double precision using speed_mps::text::double precision,
  alter column judged_at type timestamptz using at,
  alter column judged_at set not null,
  -- A process of the release before may still store pings while it is being replaced.
  alter column judged_at set default now(),
  alter column usable type boolean using reason is null
    or reason in ('not-finite', 'out-of-range', 'mock', 'inaccurate', 'duplicate', 'out-of-order',
      'too-frequent', 'impossible-speed');
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

alter table device_states
  -- Recent differences between the device's clock and ours, in seconds, newest last.
  add column skew jsonb,
  -- Until when each fence the device left, or walked through, triggers nothing more: id, ms since 1970.
  add column cooling jsonb,
  -- Pings judged since the newest checkpoint.
  add column since_checkpoint integer not null default 0;

alter table visits
  add column retracted_at timestamptz,
  -- The first id under which the same presence was told; null where it is this row's own. Late pings
  -- give a visit another id, and what counts per visit must not begin anew with it.
  add column root_id text;
-- For the job that makes them final.
create index on visits (exit_at) where status = 'closed';
-- For whether a visit is the return of one that was taken back.
create index on visits (device_id) where status = 'retracted';

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
  -- Since when the present version is in force: who is first seen inside after it did not enter.
  add column changed_at timestamptz,
  alter column shape drop not null;
update fences set kind = 'circle' where radius_m is not null;
update fences set changed_at = updated_at;
alter table fences alter column changed_at set not null;

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
insert into fence_versions (fence_id, merchant_id, valid_from, was, shape)
select id, merchant_id, created_at, to_jsonb(f) - 'shape', shape from fences f where active;

-- What changed since a revision, for those who hold a picture of it.
alter table fence_revisions
  -- The transaction that raised it last.
  add column raised_by text,
  -- Of the editions of this revision and of those before it some are forgotten.
  add column forgotten bigint not null default 0;
alter table fences add column revision bigint not null default 0;
alter table fence_versions add column revision bigint not null default 0;
create index on fences (merchant_id, revision);
create index on fence_versions (merchant_id, revision);

-- The revision of what this transaction is about to write: one for all of it. Whoever raised it holds
-- its row until the end, so that the merchant's revisions are committed in order: who sees one sees
-- every row of it and of those before it.
create function foyer_fence_revision(merchant uuid) returns bigint language plpgsql as $$
declare
  -- With the time, because after a restore the number alone may come again.
  me text := pg_current_xact_id()::text || ' ' || transaction_timestamp()::text;
  n bigint;
begin
  select r.revision into n from fence_revisions r where r.merchant_id = merchant and r.raised_by = me;
  if not found then
    insert into fence_revisions as r (merchant_id, revision, raised_by) values (merchant, 1, me)
    on conflict (merchant_id) do update set revision = r.revision + 1, raised_by = me
    returning r.revision into n;
  end if;
  return n;
end $$;
-- These raised it after the rows were written, which then could not say of what revision they are.
drop trigger fences_added on fences;
drop trigger fences_altered on fences;
drop trigger fences_removed on fences;
drop function foyer_fences_changed();

create function foyer_fence_version_numbered() returns trigger language plpgsql as $$
begin
  new.revision := foyer_fence_revision(new.merchant_id);
  return new;
end $$;
create trigger fence_version_numbered before insert or update on fence_versions
  for each row execute function foyer_fence_version_numbered();

-- Whether two editions of a fence are one to the engine: what people only read does not count.
create function foyer_fence_same(a fences, b fences) returns boolean language sql stable as $$
  select to_jsonb(a) - array['name', 'store_id', 'category', 'datum', 'shape', 'created_at', 'updated_at', 'revision']
       = to_jsonb(b) - array['name', 'store_id', 'category', 'datum', 'shape', 'created_at', 'updated_at', 'revision']
     and st_asbinary(a.shape) is not distinct from st_asbinary(b.shape)
$$;

-- A version and its start go together, whoever writes; and every row says of what revision it is.
create function foyer_fence_dated() returns trigger language plpgsql as $$
begin
  new.revision := foyer_fence_revision(new.merchant_id);
  if tg_op = 'INSERT' then
    new.changed_at := coalesce(new.changed_at, new.updated_at);
  elsif new.version <> old.version or (new.active and not old.active) then
    new.changed_at := greatest(new.updated_at, old.changed_at);
  end if;
  return new;
end $$;
create trigger fence_dated before insert or update on fences
  for each row execute function foyer_fence_dated();

-- Times are the application's (updated_at); a clock that was set back never makes a version end
-- before it began. Two editions of one instant are one: the later.
create function foyer_fence_kept() returns trigger language plpgsql as $$
declare
  moment timestamptz;
begin
  if tg_op = 'UPDATE' then
    if new.active = old.active and (not new.active or foyer_fence_same(old, new)) then
      return null;
    end if;
  end if;
  if tg_op <> 'INSERT' then
    -- Whoever deletes retires first, which says when; a cascade has no clock but the database's.
    moment := case when tg_op = 'UPDATE' then new.updated_at else now() end;
    update fence_versions set valid_to = greatest(valid_from, moment)
    where fence_id = old.id and valid_to is null;
  end if;
  if tg_op = 'DELETE' then
    perform foyer_fence_revision(old.merchant_id);
  end if;
  if tg_op <> 'DELETE' and new.active then
    select greatest(new.updated_at, max(v.valid_to)) into moment
    from fence_versions v where v.fence_id = new.id;
    insert into fence_versions (fence_id, merchant_id, valid_from, was, shape)
    values (new.id, new.merchant_id, moment, to_jsonb(new) - 'shape', new.shape)
    on conflict (fence_id, valid_from) do update
      set valid_to = null, was = excluded.was, shape = excluded.shape;
  end if;
  return null;
end $$;
create trigger fence_kept after insert or update or delete on fences
  for each row execute function foyer_fence_kept();

-- Trackers that encrypt what they send, and that take the merchant's fences as their own regions.
alter table devices
  -- OwnTracks' passphrase, sealed under the installation's secret and bound to the device.
  add column passphrase bytea,
  add column waypoints boolean not null default false,
  -- What was pushed last: {revision, lon, lat, at, regions}.
  add column waypoints_sent jsonb;
