/** A phone's pings become a visit, a rule fires, and the offer is on the phone's and the store's screen. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sendFixes } from '../../scripts/demo/phones.ts';
import type { Row } from '../../server/db/database.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import {
  closeSockets,
  makeHouse,
  makeOffering,
  makePhone,
  makeRoom,
  phoneLine,
  staffLine,
  staying,
} from '../support/cast.ts';
import type { Fix, House, Phone } from '../support/cast.ts';

let app: TestApp;
let house: House;
let phone: Phone;
let room: string;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app?.stop());
beforeEach(async () => {
  app.clock.now = Date.now();
  house = await makeHouse(app);
  room = await makeRoom(house);
  phone = await makePhone(house);
});
closeSockets();

const rows = async <R extends Row>(text: string): Promise<R[]> =>
  (await app.db.query<R>(text, [house.merchantId])).rows;

async function sendNative(
  fixes: readonly Fix[],
): Promise<{ accepted: number; duplicates: number }> {
  const pings = fixes.map(({ t, lon, lat, acc, speed }) => ({
    at: t,
    lon,
    lat,
    accuracy: acc,
    speed,
  }));
  const reply = await fetch(`${app.url}/v1/pings`, {
    method: 'POST',
    headers: { authorization: `Bearer ${phone.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ pings }),
  });
  expect(reply.status).toBe(202);
  return (await reply.json()) as { accepted: number; duplicates: number };
}

const senders = {
  'Foyer’s own batches': sendNative,
  OwnTracks: (fixes: readonly Fix[]) => sendFixes(app.url, 'owntracks', phone.token, fixes),
  Overland: (fixes: readonly Fix[]) => sendFixes(app.url, 'overland', phone.token, fixes),
};

/** A minute and a half in the shop, up to now: entered soon enough for an offer. */
const stay = (): Fix[] => staying(house, app.clock.now!, 10);

describe.each(Object.entries(senders))('%s', (_name, send) => {
  test('ping → visit → rule → offer on both screens', async () => {
    const { offerId, ruleId } = await makeOffering(house, { trigger: 'visit.entered' });
    const own = await phoneLine(app, phone);
    const staff = await staffLine(app, house);
    await send(stay());

    const told = await own.hear('offer.issued');
    const seen = await staff.hear('offer.issued');
    expect(told.payload).toMatchObject({
      offerId,
      ruleId,
      deviceId: phone.deviceId,
      storeId: house.store.id,
      headline: 'A coffee on us',
      code: expect.stringMatching(/^[0-9A-Z-]{8,}$/),
    });
    expect(seen.id).toBe(told.id);
    expect(seen.payload).not.toHaveProperty('code');
    const entered = await staff.hear('visit.entered');
    expect(entered.payload).toMatchObject({ fenceId: room, fenceName: 'Shoes' });
    expect(entered.position).toBeLessThan(seen.position);
    expect(told.payload['causeId']).toBe(entered.id);

    const visits = await house.api.get<{ visits: Row[] }>('/v1/visits');
    expect(visits.visits).toMatchObject([{ fenceId: room, deviceId: phone.deviceId }]);

    // The truth behind the sockets says the same.
    await app.settled();
    const feed = await fetch(`${app.url}/v1/me/events?after=${entered.position}`, {
      headers: { authorization: `Bearer ${phone.token}` },
    });
    const { events, next } = (await feed.json()) as { events: Row[]; next: number };
    expect(events).toContainEqual(told);
    expect(events).not.toContainEqual(expect.objectContaining({ id: entered.id }));
    const rest = await fetch(`${app.url}/v1/me/events?after=${next}`, {
      headers: { authorization: `Bearer ${phone.token}` },
    });
    expect(await rest.json()).toEqual({ events: [], next, more: false });
  });

  test('the same batch again, as after a lost answer, changes nothing', async () => {
    await makeOffering(house, { trigger: 'visit.entered' });
    const fixes = stay();
    await send(fixes);
    await app.settled();
    const state = async () => [
      await rows('select type, payload from outbox where merchant_id = $1 order by seq'),
      await rows('select code from vouchers where merchant_id = $1'),
      await rows('select count(*) as pings from pings where merchant_id = $1'),
    ];
    const before = await state();
    expect(before[1]).toHaveLength(1);
    await send(fixes);
    await app.settled();
    expect(await state()).toEqual(before);
  });
});

describe('what must not fire', () => {
  test('a batch from a dead zone, hours old: the visit is found, the offer is too late', async () => {
    await makeOffering(house, { trigger: 'visit.entered' });
    const own = await phoneLine(app, phone);
    await sendNative(staying(house, app.clock.now! - 3 * 3_600_000, 19));
    await app.settled();
    expect(await rows('select status from visits where merchant_id = $1')).toHaveLength(1);
    expect(await rows('select 1 from vouchers where merchant_id = $1')).toEqual([]);
    const decisions = await rows(
      'select outcome, gate, reason from decisions where merchant_id = $1',
    );
    expect(decisions).toEqual([{ outcome: 'refused', gate: 'freshness', reason: 'too-late' }]);
    const { items } = await house.api.get<{ items: Row[] }>('/v1/decisions');
    expect(items).toMatchObject([{ reason: 'too-late', outcome: 'refused' }]);
    expect(own.events.filter(({ type }) => type === 'offer.issued')).toEqual([]);
  });

  test('a delayed dispatcher makes a fresh ping stale as well', async () => {
    await makeOffering(house, { trigger: 'visit.entered' });
    const { dispatcher } = app.server.services;
    await dispatcher.stop();
    await sendNative(stay());
    app.clock.now! += 10 * 60_000;
    dispatcher.start();
    await app.settled();
    expect(await rows('select reason from decisions where merchant_id = $1')).toEqual([
      { reason: 'too-late' },
    ]);
  });

  test('a phone without consent, and one that only passes by', async () => {
    await makeOffering(house, { trigger: 'visit.entered' });
    phone = await makePhone(house, { marketingConsent: false });
    await sendNative(stay());
    await app.settled();
    expect(await rows('select reason from decisions where merchant_id = $1')).toEqual([
      { reason: 'no-consent' },
    ]);
    phone = await makePhone(house);
    const past = stay().map((fix, i) => ({ ...fix, lon: fix.lon + (i - 5) * 2e-4, speed: 1.4 }));
    await sendNative(past);
    await app.settled();
    expect(await rows('select 1 from vouchers where merchant_id = $1')).toEqual([]);
  });

  test("another merchant's rules and shops: the same place, and nobody there hears of it", async () => {
    const other = await makeHouse(app);
    const theirs = { ...other, at: house.at };
    await makeRoom(theirs);
    await makeOffering(theirs, { trigger: 'visit.entered' });
    const staff = await staffLine(app, other);
    await sendNative(stay());
    await app.settled();
    expect(staff.events).toEqual([]);
    const { rowCount } = await app.db.query('select 1 from visits where merchant_id = $1', [
      other.merchantId,
    ]);
    expect(rowCount).toBe(0);
  });
});
