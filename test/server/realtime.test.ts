/** Sockets of the real house: who may join, what they hear, what they catch up, when they lose the line. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { io } from 'socket.io-client';
import type { Database } from '../../server/db/database.ts';
import { appendEvents } from '../../server/events/outbox.ts';
import type { DomainEvent, NewEvent } from '../../server/events/types.ts';
import { uuidv7 } from '../../server/ids.ts';
import { createRealtime } from '../../server/realtime/gateway.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import {
  closeSockets,
  dial,
  makeHouse,
  makePhone,
  nowOf,
  offerTold,
  phoneLine,
  refusal,
  staffLine,
} from '../support/cast.ts';
import type { House, Phone, Told } from '../support/cast.ts';
import { makeGuest, makeSignIn, makeStaff } from '../support/make.ts';
import { silentLog } from '../support/routes-app.ts';

let app: TestApp;
let house: House;
let other: House;
let phone: Phone;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app?.stop());
beforeEach(async () => {
  app.clock.now = null;
  house = await makeHouse(app);
  other = await makeHouse(app);
  phone = await makePhone(house);
});
closeSockets();

const offer = (at: House, who: Phone | null, over: Told = {}): NewEvent =>
  offerTold(at, who, nowOf(app), over);

async function tell(...events: NewEvent[]): Promise<void> {
  await app.server.services.db.tx((tx) => appendEvents(tx, events, nowOf(app)), {
    tenant: events[0]!.merchantId,
  });
  await app.settled();
}

describe('joining', () => {
  test('staff hear their store, without the code; a phone hears its own, with it', async () => {
    const staff = await staffLine(app, house);
    const own = await phoneLine(app, phone);
    expect(own.caughtUp).toEqual({ position: 0, complete: true });
    await tell(offer(house, phone));
    const message = await own.hear('offer.issued');
    expect(message.payload).toMatchObject({ code: 'K7M4P2XW9C', headline: 'A coffee on us' });
    const seen = await staff.hear('offer.issued');
    expect(seen).toMatchObject({ id: message.id, position: message.position });
    expect(seen.payload).toMatchObject({ headline: 'A coffee on us' });
    expect(JSON.stringify(seen)).not.toContain('K7M4P2XW9C');
  });

  test('a phone of a guest hears what concerns the guest, once', async () => {
    const guest = await makeGuest(app.db, house.merchantId);
    const linked = await makePhone(house, { guestId: guest.id });
    const line = await phoneLine(app, linked);
    await tell(
      offer(house, linked, { guestId: guest.id }),
      offer(house, null, { guestId: guest.id }),
      offer(house, phone),
    );
    await line.hear('offer.issued');
    await tell(offer(house, linked, { type: 'voucher.redeemed' }));
    await line.hear('voucher.redeemed');
    expect(line.events.map(({ type }) => type)).toEqual([
      'offer.issued',
      'offer.issued',
      'voucher.redeemed',
    ]);
  });

  test.each<[string, () => Promise<[object, Record<string, string>?]>]>([
    ['nothing said', async () => [{}]],
    ['an unknown kind', async () => [{ kind: 'owner', token: phone.token }]],
    ['a token nobody has', async () => [{ kind: 'device', token: `fd_${'a'.repeat(32)}` }]],
    ['a token far too long', async () => [{ kind: 'device', token: 'x'.repeat(5_000) }]],
    ['a token that is no text', async () => [{ kind: 'device', token: { $gt: '' } }]],
    [
      'a cursor that is no number',
      async () => [{ kind: 'device', token: phone.token, after: '0 or 1=1' }],
    ],
    ['a negative cursor', async () => [{ kind: 'device', token: phone.token, after: -1 }]],
    ['staff without a sign-in', async () => [{ kind: 'staff', storeId: house.store.id }]],
    [
      'staff with a made-up cookie',
      async () => [
        { kind: 'staff', storeId: house.store.id },
        { cookie: `foyer=fs_${'a'.repeat(32)}` },
      ],
    ],
    [
      "another merchant's store",
      async () => [{ kind: 'staff', storeId: other.store.id }, house.headers],
    ],
    [
      'a store that is not there',
      async () => [{ kind: 'staff', storeId: uuidv7(Date.now()) }, house.headers],
    ],
    [
      'a store id that is no id',
      async () => [{ kind: 'staff', storeId: "' or true" }, house.headers],
    ],
    [
      'a sign-in that ended',
      async () => {
        const staff = await makeStaff(app.db, house.merchantId);
        const { token } = await makeSignIn(app.db, house.merchantId, staff.id, {
          expiresAt: new Date(Date.now() - 1),
        });
        return [{ kind: 'staff', storeId: house.store.id }, { cookie: `foyer=${token}` }];
      },
    ],
    [
      'a revoked phone',
      async () => {
        await fetch(`${app.url}/v1/devices/${phone.deviceId}`, {
          method: 'DELETE',
          headers: { authorization: `Bearer ${house.apiKey}` },
        });
        return [{ kind: 'device', token: phone.token }];
      },
    ],
  ])('%s is refused', async (_what, credentials) => {
    const [auth, headers] = await credentials();
    expect(await refusal(app, auth, headers)).toBe('unauthenticated');
  });

  test("a page of another site cannot ride on the owner's cookie", async () => {
    const auth = { kind: 'staff', storeId: house.store.id } as const;
    for (const origin of ['https://evil.example', 'null', `${app.url}.evil.example`]) {
      const said = await refusal(app, auth, { ...house.headers, origin });
      expect(said).toBe('websocket error');
    }
    const ours = await dial(app, auth, { ...house.headers, origin: app.url });
    expect(ours.caughtUp.complete).toBe(true);
  });

  test('an API key that may read events opens a line; one that may not does not', async () => {
    const auth = { kind: 'staff', storeId: house.store.id } as const;
    const line = await dial(app, auth, { authorization: `Bearer ${house.apiKey}` });
    expect(line.caughtUp.complete).toBe(true);
    expect(await refusal(app, auth, { authorization: `Bearer ${other.apiKey}` })).toBe(
      'unauthenticated',
    );
  });

  test('a message as large as a book ends the line, not the server', async () => {
    const line = await phoneLine(app, phone);
    const ended = once(line.socket as never, 'disconnect');
    line.socket.emit('anything', 'x'.repeat(64 * 1024));
    await ended;
    expect((await phoneLine(app, phone)).caughtUp.complete).toBe(true);
    // Small talk is simply not listened to.
    const quiet = await phoneLine(app, phone);
    quiet.socket.emit('anything', { storeId: other.store.id });
    await tell(offer(house, phone));
    await quiet.hear('offer.issued');
  });
});

describe('walls between merchants', () => {
  test('nobody hears what belongs to another house, even with ids mixed up', async () => {
    const [ours, theirs] = [await staffLine(app, house), await staffLine(app, other)];
    const own = await phoneLine(app, phone);
    const strange = await phoneLine(app, await makePhone(other));
    await tell(offer(other, phone, { storeId: house.store.id, code: 'STRANGE' }));
    await tell(offer(house, phone));
    await ours.hear('offer.issued');
    await own.hear('offer.issued');
    await tell(offer(other, null));
    await theirs.hear('offer.issued');
    expect(JSON.stringify([...ours.events, ...own.events])).not.toContain('STRANGE');
    expect([ours, own, theirs, strange].map(({ events }) => events.length)).toEqual([1, 1, 1, 0]);
  });

  test('a second store of the same house has a room of its own', async () => {
    const second = await house.api.post<{ id: string }>('/v1/stores', {
      slug: `second-${house.store.slug}`,
      name: 'Second',
      timezone: 'Europe/Amsterdam',
      country: 'NL',
    });
    const [first, there] = [
      await staffLine(app, house),
      await staffLine(app, { ...house, store: { ...house.store, id: second.id } }),
    ];
    await tell(offer(house, phone, { storeId: second.id }));
    await there.hear('offer.issued');
    expect(first.events).toEqual([]);
  });
});

describe('catching up', () => {
  test('what was missed comes after a reconnect, oldest first, and the feed over HTTP says the same', async () => {
    const before = await phoneLine(app, phone);
    await tell(offer(house, phone));
    const seen = await before.hear('offer.issued');
    before.socket.disconnect();
    await tell(offer(house, phone, { code: 'SECOND' }), offer(house, phone, { code: 'THIRD' }));
    const after = await phoneLine(app, phone, seen.position);
    expect(after.events.map(({ payload }) => payload['code'])).toEqual(['SECOND', 'THIRD']);
    expect(after.caughtUp.complete).toBe(true);
    expect(after.caughtUp.position).toBe(after.events.at(-1)!.position);
    const reply = await fetch(`${app.url}/v1/me/events?after=${seen.position}`, {
      headers: { authorization: `Bearer ${phone.token}` },
    });
    expect(await reply.json()).toEqual({
      events: after.events,
      next: after.caughtUp.position,
      more: false,
    });
    // An older cursor tells again what is known; its id gives it away.
    const twice = await phoneLine(app, phone, 0);
    expect(twice.events.map(({ id }) => id)).toEqual([
      seen.id,
      ...after.events.map(({ id }) => id),
    ]);
  });

  test("without a cursor nothing old is told; another merchant's cursor opens nothing", async () => {
    await tell(offer(house, phone));
    const fresh = await staffLine(app, house);
    expect(fresh.events).toEqual([]);
    expect(fresh.caughtUp.position).toBeGreaterThan(0);
    const theirs = await staffLine(app, other, 0);
    expect(theirs.events).toEqual([]);
    expect(theirs.caughtUp).toEqual({ position: 0, complete: true });
  });

  test('who missed too much is told so, and reads the rest over HTTP from where it stopped', async () => {
    const many = Array.from({ length: 1_203 }, (_, i) => offer(house, phone, { code: `N${i}` }));
    await tell(...many);
    const line = await staffLine(app, house, 0);
    expect(line.events).toHaveLength(1_000);
    expect(line.caughtUp).toEqual({ position: line.events.at(-1)!.position, complete: false });
    const rest: string[] = [];
    for (let after = line.caughtUp.position, more = true; more;) {
      const page = await house.api.get<{ events: { id: string }[]; next: number; more: boolean }>(
        `/v1/events?store=${house.store.id}&after=${after}`,
      );
      rest.push(...page.events.map(({ id }) => id));
      ({ next: after, more } = page);
    }
    const all = new Set([...line.events.map(({ id }) => id), ...rest]);
    expect([rest.length, all.size]).toEqual([203, 1_203]);
  });

  test('an event between reading and listening is not lost', async () => {
    // The gap is made as wide as it can be: something happens exactly when the past has been read.
    const late: DomainEvent = {
      id: uuidv7(Date.now()),
      position: 1_000_000,
      merchantId: house.merchantId,
      storeId: house.store.id,
      guestId: null,
      deviceId: phone.deviceId,
      type: 'offer.issued',
      payload: offer(house, phone).payload,
      occurredAt: new Date(),
    };
    const db: Database = {
      ...app.db,
      query: (text, params) => app.db.query(text, params),
      listen: (channel, told) => app.db.listen(channel, told),
      close: () => Promise.resolve(),
      async tx(work, options) {
        const result = await app.db.tx(work, options);
        await realtime.deliver(late);
        return result;
      },
    };
    const server = createServer();
    const realtime = createRealtime(server, {
      db,
      log: silentLog,
      staff: () => Promise.reject(new Error('not here')),
      device: async () => ({
        kind: 'device',
        merchantId: house.merchantId,
        deviceId: phone.deviceId,
        guestId: null,
      }),
      ownsStore: () => Promise.resolve(true),
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const socket = io(`http://127.0.0.1:${port}`, {
      path: '/live',
      auth: { kind: 'device', token: 'any' },
      transports: ['websocket'],
      reconnection: false,
    });
    const heard: string[] = [];
    socket.on('event', ({ id }: { id: string }) => heard.push(id));
    try {
      await once(socket as never, 'caught-up');
      expect(heard).toEqual([late.id]);
    } finally {
      socket.disconnect();
      await realtime.close();
    }
  });
});

describe('the recheck', () => {
  const ended = async (line: { socket: { connected: boolean } }, act: () => Promise<unknown>) => {
    const gone = once(line.socket as never, 'disconnect');
    await act();
    await app.server.realtime.recheck();
    return (await gone)[0] as string;
  };

  test('signing out, revoking a phone and giving it a new token end their lines; others stay', async () => {
    const staff = await staffLine(app, house);
    const lost = await phoneLine(app, phone);
    const renewed = await makePhone(house);
    const old = await phoneLine(app, renewed);
    const stays = await phoneLine(app, await makePhone(house));
    await app.server.realtime.recheck();
    expect([staff, lost, old, stays].every(({ socket }) => socket.connected)).toBe(true);
    const csrf = new URLSearchParams({ csrf: house.csrf });
    await ended(staff, () =>
      fetch(`${app.url}/console/sign-out`, {
        method: 'POST',
        headers: { ...house.headers, origin: app.url },
        body: csrf,
        redirect: 'manual',
      }),
    );
    await ended(lost, () =>
      fetch(`${app.url}/v1/devices/${phone.deviceId}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${house.apiKey}` },
      }),
    );
    await ended(old, () => house.api.post(`/v1/devices/${renewed.deviceId}/token`, {}));
    expect(stays.socket.connected).toBe(true);
    expect(await refusal(app, { kind: 'staff', storeId: house.store.id }, house.headers)).toBe(
      'unauthenticated',
    );
  });

  test('a phone handed to another guest loses the line, so that it comes back to its own room', async () => {
    const guest = await makeGuest(app.db, house.merchantId);
    const linked = await makePhone(house, { guestId: guest.id });
    const line = await phoneLine(app, linked);
    const why = await ended(line, () =>
      fetch(`${app.url}/v1/devices/${linked.deviceId}`, {
        method: 'PATCH',
        headers: {
          authorization: `Bearer ${house.apiKey}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ guestId: null }),
      }),
    );
    // Not "io server disconnect", after which a client would stay away.
    expect(why).toBe('transport close');
    const back = await phoneLine(app, linked);
    await tell(offer(house, null, { guestId: guest.id }), offer(house, linked));
    await back.hear('offer.issued');
    expect(back.events).toHaveLength(1);
  });
});
