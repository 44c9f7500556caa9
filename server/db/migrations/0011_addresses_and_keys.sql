-- Which network address a client had when, and indexes under foreign keys whose rows go one by one.

-- [{"ip", "from", "to"}]: when each address was told of first and last; `ip` is the newest. Null where none was
-- told, and in legs of before.
alter table session_legs add column addresses jsonb;
-- The same of the whole session, as the log keeps it; null in entries written before it was kept.
alter table session_log add column addresses jsonb;
-- A guest may ask for what stands under their number.
create index session_log_account_idx on session_log (merchant_id, account) where account is not null;

-- Deleting a guest, a device or a fence looks for their rows by these columns alone. Whoever has very many
-- rows makes them beforehand without a lock, under these names (docs/operations.md). One whose making was broken
-- off has its name and holds nothing.
do $$
declare
  broken regclass;
begin
  for broken in
    select indexrelid::regclass from pg_index where not indisvalid and indexrelid in (
      to_regclass('sessions_guest_id_granted_at_idx'), to_regclass('sessions_store_id_granted_at_idx'),
      to_regclass('consents_guest_id_purpose_seq_idx'), to_regclass('visits_fence_id_entry_at_idx'),
      to_regclass('visits_guest_id_idx'), to_regclass('decisions_guest_id_idx'),
      to_regclass('decisions_device_id_idx'), to_regclass('decisions_fence_id_idx'),
      to_regclass('redemptions_offer_id_idx'))
  loop
    execute format('drop index %s', broken);
  end loop;
end $$;
create index if not exists sessions_guest_id_granted_at_idx on sessions (guest_id, granted_at desc);
drop index if exists sessions_merchant_id_guest_id_granted_at_idx;
create index if not exists sessions_store_id_granted_at_idx on sessions (store_id, granted_at desc);
drop index if exists sessions_merchant_id_store_id_granted_at_idx;
create index if not exists consents_guest_id_purpose_seq_idx on consents (guest_id, purpose, seq desc);
drop index if exists consents_merchant_id_guest_id_purpose_seq_idx;
create index if not exists visits_fence_id_entry_at_idx on visits (fence_id, entry_at);
drop index if exists visits_merchant_id_fence_id_entry_at_idx;
create index if not exists visits_guest_id_idx on visits (guest_id) where guest_id is not null;
create index if not exists decisions_guest_id_idx on decisions (guest_id) where guest_id is not null;
create index if not exists decisions_device_id_idx on decisions (device_id) where device_id is not null;
create index if not exists decisions_fence_id_idx on decisions (fence_id) where fence_id is not null;
create index if not exists redemptions_offer_id_idx on redemptions (offer_id);
create index known_devices_guest_id_idx on known_devices (guest_id);
drop index known_devices_merchant_id_guest_id_idx;
create index consent_requests_guest_id_created_at_idx on consent_requests (guest_id, created_at desc);
drop index consent_requests_merchant_id_guest_id_created_at_idx;
