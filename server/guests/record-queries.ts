/** Everything held about one guest, over all tables: to hand it out and to delete it. */
import type { Queryable, Row } from '../db/database.ts';
import type { GuestRow } from './queries.ts';

/** Enough for any real guest; an export says so if it was not. */
export const MOST_ROWS = 10_000;

/** Reads rows as JSON objects: an export shows what is stored, column by column. */
async function asObjects(
  tx: Queryable,
  select: string,
  params: readonly unknown[],
): Promise<Record<string, unknown>[]> {
  const { rows } = await tx.query<{ row: Record<string, unknown> }>(
    `select to_jsonb(t) as row from (${select} limit ${MOST_ROWS}) t`,
    params,
  );
  return rows.map((row) => row.row);
}

const SECTIONS = {
  consents: `select c.id, c.store_id, c.purpose, c.granted, c.text_version, c.text_sha256, t.text, c.language,
      c.source, c.method, c.page_sha256, c.screen, c.ip, c.user_agent, c.given_at
    from consents c left join consent_texts t on t.merchant_id = c.merchant_id and t.sha256 = c.text_sha256
    where c.merchant_id = $1 and c.guest_id = $2 order by c.seq`,
  age: `select age_band from guests where merchant_id = $1 and id = $2 and age_band is not null`,
  confirmations: `select store_id, email, text_version, text, language, created_at, expires_at
    from consent_requests where merchant_id = $1 and guest_id = $2 order by created_at`,
  looks: `select store_id, limited, opened_at, expires_at
    from self_looks where merchant_id = $1 and guest_id = $2 order by opened_at`,
  answers: `select question_key, answer, dismissed, answered_at
    from guest_answers where merchant_id = $1 and guest_id = $2 order by question_key`,
  sessions: `select id, store_id, method, mac, ip, state, minutes, bytes_in, bytes_out, granted_at,
      confirmed_at, landed_at, expires_at, ended_at, end_reason
    from sessions where merchant_id = $1 and guest_id = $2 order by granted_at, id`,
  connections: `select l.session_id, l.store_id, l.gateway_id, l.mac, l.ip, l.addresses, l.ap, l.ssid, l.started_at, l.last_at,
      l.ended_at, l.end_reason, l.bytes_in, l.bytes_out, l.seconds
    from session_legs l join sessions s on s.id = l.session_id
    where l.merchant_id = $1 and s.merchant_id = $1 and s.guest_id = $2 order by l.started_at, l.id`,
  // What is of their sessions; and what stands under a name of theirs, of sessions that are gone.
  log: `select l.session_id, l.store_id, l.account, l.method, l.mac, l.ip, l.addresses, l.granted_at, l.ended_at,
      l.bytes_in, l.bytes_out, l.keep_until
    from session_log l where l.merchant_id = $1 and l.session_id in (
      select id from sessions where merchant_id = $1 and guest_id = $2
      union all
      select o.session_id from session_log o where o.merchant_id = $1 and o.account in (
          select unnest(array[phone, email]) from guests where merchant_id = $1 and id = $2
          union all
          select number from member_cards where merchant_id = $1 and guest_id = $2
          union all
          select issuer || ' ' || subject from guest_identities where merchant_id = $1 and guest_id = $2)
        and not exists (select 1 from sessions s where s.merchant_id = $1 and s.id = o.session_id))
    order by l.granted_at, l.session_id`,
  identities: `select issuer, subject, created_at, last_seen_at
    from guest_identities where merchant_id = $1 and guest_id = $2 order by created_at, issuer`,
  cards: `select id, number, name, factor, blocked_at, expires_at, created_at
    from member_cards where merchant_id = $1 and guest_id = $2 order by created_at, id`,
  requests: `select id, store_id, name, asked_at, decision, decided_at, used_at
    from approval_requests where merchant_id = $1 and guest_id = $2 order by asked_at, id`,
  browsers: `select store_id, terms_version, created_at, last_seen_at, expires_at, revoked_at
    from known_devices where merchant_id = $1 and guest_id = $2 order by created_at, store_id`,
  vouchers: `select v.id, v.offer_id, o.headline, v.code, v.store_id, v.issued_at, v.expires_at,
      v.shown_at, r.redeemed_at, r.till
    from vouchers v join offers o on o.id = v.offer_id left join redemptions r on r.voucher_id = v.id
    where v.merchant_id = $1 and v.guest_id = $2 order by v.issued_at, v.id`,
  decisions: `select id, rule_id, trigger, store_id, fence_id, visit_id, outcome, gate, reason, decided_at
    from decisions where merchant_id = $1 and guest_id = $2 order by decided_at, id`,
  devices: `select id, name, created_at, last_ping_at, last_app, marketing_consent_at, revoked_at
    from devices where merchant_id = $1 and guest_id = $2 order by created_at, id`,
  visits: `select id, store_id, fence_id, device_id, status, score, band, entry_at, exit_at, dwell_s
    from visits where merchant_id = $1
      and (guest_id = $2 or device_id in (select id from devices where merchant_id = $1 and guest_id = $2))
    order by entry_at, id`,
  pings: `select device_id, at, received_at, lon, lat, accuracy_m, speed_mps, heard, evidence, source,
      accepted, reason, extras
    from pings where merchant_id = $1
      and device_id in (select id from devices where merchant_id = $1 and guest_id = $2)
    order by at`,
  messages: `select m.id, m.store_id, m.channel, m.address, m.status, m.created_at, m.sent_at
    from messages m join guests g on g.merchant_id = m.merchant_id
      and m.address in (g.phone, g.email)
    where m.merchant_id = $1 and g.id = $2 order by m.created_at, m.id`,
  events: `select id, type, store_id, payload, occurred_at
    from outbox where merchant_id = $1 and guest_id = $2 order by seq`,
} as const;

export type Section = keyof typeof SECTIONS;
export const sections = Object.keys(SECTIONS) as Section[];

/** One section of a guest's record. */
export async function sectionOf(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  section: Section,
): Promise<Record<string, unknown>[]> {
  return asObjects(tx, SECTIONS[section], [merchantId, guestId]);
}

/** Locks the guest's row, so that nothing is added while it is being deleted. */
export async function lockGuest(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<GuestRow | null> {
  const { rows } = await tx.query<GuestRow>(
    `select id, phone, email, name, language, created_at, last_seen_at, blocked_at
     from guests where merchant_id = $1 and id = $2 for update`,
    [merchantId, guestId],
  );
  return rows[0] ?? null;
}

/**
 * Waits for batches in hand of the guest's devices and keeps new ones out until the transaction
 * ends: pings have no foreign key that would take along what a batch stores meanwhile. First the
 * states, then the devices, as a batch locks them.
 */
export async function lockDevicesOf(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<void> {
  await tx.query(
    `select 1 from device_states s join devices d on d.id = s.device_id
     where s.merchant_id = $1 and d.merchant_id = $1 and d.guest_id = $2
     order by s.device_id for update of s`,
    [merchantId, guestId],
  );
  await tx.query(
    'select 1 from devices where merchant_id = $1 and guest_id = $2 order by id for update',
    [merchantId, guestId],
  );
}

/** Figures of what an erasure removed. */
export interface Erased extends Row {
  devices: number;
  pings: number;
  visits: number;
  sessions: number;
  messages: number;
  vouchers: number;
}

/**
 * Deletes the guest. Vouchers and their redemptions stay as the shop's books without a person;
 * devices linked to the guest go with their pings and visits; consents, answers, sessions and
 * decisions go by the foreign keys. One statement per table, children first.
 */
export async function deleteGuest(
  tx: Queryable,
  guest: GuestRow,
  merchantId: string,
): Promise<Erased> {
  const own = `(select id from devices where merchant_id = $1 and guest_id = $2)`;
  const params = [merchantId, guest.id];
  const run = async (text: string, values: readonly unknown[] = params) =>
    (await tx.query(text, values)).rowCount;
  const vouchers = await run(
    `update vouchers set guest_id = null, device_id = null
     where merchant_id = $1 and (guest_id = $2 or device_id in ${own})`,
  );
  const pings = await run(`delete from pings where merchant_id = $1 and device_id in ${own}`);
  const visits = await run(
    `delete from visits where merchant_id = $1 and (guest_id = $2 or device_id in ${own})`,
  );
  const devices = await run('delete from devices where merchant_id = $1 and guest_id = $2');
  const sessions = await run('delete from sessions where merchant_id = $1 and guest_id = $2');
  const messages = await run(
    'delete from messages where merchant_id = $1 and address in ($2, $3)',
    [merchantId, guest.phone, guest.email],
  );
  await run('delete from guests where merchant_id = $1 and id = $2');
  return { devices, pings, visits, sessions, messages, vouchers };
}
