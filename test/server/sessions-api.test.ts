/** Sessions over the API, and the whole house putting guests out: blocked, erased, by staff, by its own round. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { KickOutcome, KickTarget } from '../../portal/ports-network.ts';
import { createDoors } from '../../server/sessions/accounting.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { makeHouse, nowOf } from '../support/cast.ts';
import type { House } from '../support/cast.ts';
import { makeGuest, makeOffer, makeSession, makeVoucher } from '../support/make.ts';
import { openReception } from '../support/reception.ts';

const MINUTE = 60_000;

let app: TestApp;
let house: House;
let asked: KickTarget[];
let answer: KickOutcome;

beforeAll(async () => {
  app = await startApp();
  // Instead of real equipment: what it is asked is written down.
  app.server.services.useEquipment({
    kick: async (target) => {
      asked.push(target);
      return answer;
    },
    poll: () => Promise.resolve(null),
  });
});
afterAll(() => app?.stop());
beforeEach(async () => {
  [asked, answer] = [[], 'done'];
  house = await makeHouse(app);
});

async function inside(over: NonNullable<Parameters<typeof makeSession>[2]> = {}) {
  const { merchantId, store, gateway } = house;
  const guest = await makeGuest(app.db, merchantId);
  const now = nowOf(app);
  const at = { merchantId, storeId: store.id, gatewayId: gateway.id, guestId: guest.id };
  return makeSession(app.db, at, {
    grantedAt: new Date(now),
    confirmedAt: new Date(now),
    expiresAt: new Date(now + 120 * MINUTE),
    ...over,
  });
}

interface Listed {
  sessions: { id: string; state: string; bytesIn: number; legs: number; leaving: unknown }[];
  next: string | null;
}
const listed = (query = '') =>
  house.api.get<Listed>(`/v1/stores/${house.store.id}/sessions${query}`);
const disconnect = (id: string) =>
  house.api.post<{ outcome: string; until: string | null }>(`/v1/sessions/${id}/disconnect`, {});

describe('the list', () => {
  test('is newest first, page by page, and of those inside when asked so', async () => {
    const now = nowOf(app);
    const made: string[] = [];
    for (let i = 0; i < 5; i++) {
      const state = i === 2 ? ('ended' as const) : ('active' as const);
      made.unshift((await inside({ grantedAt: new Date(now + i), state })).id);
    }
    const first = await listed('?limit=3');
    const second = await listed(`?limit=3&cursor=${first.next}`);
    expect([...first.sessions, ...second.sessions].map(({ id }) => id)).toEqual(made);
    expect(second.next).toBeNull();
    const live = await listed('?live=true');
    expect(live.sessions.map(({ id }) => id)).toEqual(made.filter((_id, i) => i !== 2));
    await expect(listed('?cursor=nonsense')).rejects.toThrow();
  });

  test('tells bytes and legs, and who is being put out; no hardware address', async () => {
    const { id, mac } = await inside();
    const doors = createDoors(app.server.services);
    const store = { id: house.store.id, merchantId: house.merchantId };
    await doors.report(store, house.gateway.id, {
      kind: 'interim',
      mac,
      nasSession: 'n',
      seconds: 0,
      bytesIn: 2 ** 40,
      at: nowOf(app),
    });
    answer = 'unable';
    await disconnect(id);
    const list = await listed();
    const leaving = { reason: 'staff', outcome: 'unable' };
    expect(list.sessions).toMatchObject([
      { id, state: 'active', bytesIn: 2 ** 40, legs: 1, leaving },
    ]);
    expect(JSON.stringify(list)).not.toContain(mac);
  });
});

describe('putting out', () => {
  test.each(['done', 'later', 'unable', 'failed'] as const)(
    'says what comes of it: %s',
    async (outcome) => {
      answer = outcome;
      const { id, expiresAt } = await inside();
      const until = outcome === 'done' ? null : expiresAt.toISOString();
      expect(await disconnect(id)).toEqual({ outcome, until });
      expect(asked).toMatchObject([{ sessionId: id, reason: 'staff' }]);
    },
  );

  test('a blocked guest and an erased one leave at once', async () => {
    const one = await inside();
    const two = await inside();
    await fetch(`${app.url}/v1/guests/${one.guestId}/blocked`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${house.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ blocked: true }),
    });
    const erasing = await fetch(`${app.url}/v1/guests/${two.guestId}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${house.apiKey}` },
    });
    expect(erasing.ok).toBe(true);
    await app.settled();
    await app.server.services.reconciler.idle();
    expect(asked.map(({ sessionId, reason }) => `${sessionId} ${reason}`).toSorted()).toEqual(
      [`${one.id} blocked`, `${two.id} erased`].toSorted(),
    );
    expect(await app.server.services.metrics.registry.metrics()).toMatch(
      /foyer_kicks_total\{outcome="done"\} [1-9]/,
    );
  });

  test('whose volume is used up leave by the house’s own round', async () => {
    const { id } = await inside({ downQuotaKb: 1, bytesIn: 5000 });
    await app.server.jobs.runDue();
    await app.server.services.reconciler.idle();
    expect(asked).toMatchObject([{ sessionId: id, reason: 'quota' }]);
  });
});

test('notices are the store’s facts for the connection check', async () => {
  const doors = createDoors(app.server.services);
  const store = { id: house.store.id, merchantId: house.merchantId };
  await doors.noticed(store, house.gateway.id, {
    code: 'radius-ok',
    detail: { source: '192.0.2.1' },
  });
  expect(await house.api.get(`/v1/stores/${house.store.id}/notices`)).toMatchObject({
    notices: [
      { gatewayId: house.gateway.id, code: 'radius-ok', times: 1, detail: { source: '192.0.2.1' } },
    ],
  });
});

describe('what is personal', () => {
  /** A guest with a phone number and an offer to show, inside. */
  async function withOffer(over: NonNullable<Parameters<typeof makeSession>[2]>) {
    const session = await inside(over);
    const offer = await makeOffer(app.db, house.merchantId);
    const now = nowOf(app);
    await makeVoucher(app.db, house.merchantId, offer.id, {
      guestId: session.guestId,
      issuedAt: new Date(now),
      expiresAt: new Date(now + 60 * MINUTE),
    });
    const reception = await openReception(app.db);
    reception.time.now = now;
    const store = { ...reception.store, id: house.store.id, merchantId: house.merchantId };
    return reception.desk.offers(store, session.id, 0);
  }

  test.each([
    ['their own session', {}, 1],
    ['a session that a hardware address alone opened', { method: 'mac' }, 0],
  ])('is shown in %s: %j, %i', async (_name, over, shown) => {
    expect(await withOffer(over)).toHaveLength(shown);
  });

  test('is not shown while two use one hardware address', async () => {
    const twin = { twinAt: new Date(nowOf(app)) };
    expect(await withOffer(twin as object)).toEqual([]);
  });
});
