/** Signing in, the owner's link, API keys, and the guard of merchants' routes. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import request from 'supertest';
import type { TestDatabase } from '../support/database.ts';
import { comesFromUs, csrfToken } from '../../server/http/csrf.ts';
import { networkOf } from '../../server/http/network.ts';
import { problems } from '../../server/http/problems.ts';
import type { Scope } from '../../server/http/route.ts';
import { merchantGuard } from '../../server/http/staff-auth.ts';
import { hashToken } from '../../server/ids.ts';
import { createApiKey, createStaffCallers } from '../../server/staff/keys.ts';
import { createPasswords, weakness } from '../../server/staff/passwords.ts';
import { deleteStaleSignIns, setStaffDisabled } from '../../server/staff/queries.ts';
import {
  absoluteMs,
  createFirstOwner,
  createOwnerLink,
  idleMs,
  ownerLinkIsOpen,
  signIn,
  signOut,
  signOutEverywhere,
  whoIs,
} from '../../server/staff/sign-in.ts';
import { createThrottle, usualThrottle } from '../../server/staff/throttle.ts';
import { testDatabase } from '../support/database.ts';
import { NOON, makeMerchant, makeStaff } from '../support/make.ts';
import { silentLog } from '../support/routes-app.ts';

const passwords = createPasswords();
const password = 'lantern under quiet water';
let database: TestDatabase;
let now = NOON;
const clock = (): number => now;

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.release());

function depsOf(throttle = createThrottle()) {
  return { db: database.db, clock, passwords, throttle };
}

async function someone(role: 'owner' | 'manager' | 'till' = 'owner') {
  const merchant = await makeMerchant(database.db);
  const passwordHash = await passwords.hash(password);
  const staff = await makeStaff(database.db, merchant.id, { role, passwordHash });
  return { merchant, staff };
}

const from = { ip: '192.0.2.1', userAgent: 'test' };

describe('passwords', () => {
  test('are argon2id at 19 MiB, two passes, one lane', async () => {
    expect(await passwords.hash('x')).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  test.each([
    ['kurz', 'too-short'],
    ['a'.repeat(129), 'too-long'],
    ['aaaabbbbaaaabbbb', 'common'],
    ['password123456', 'common'],
    ['qwertyuiop12', 'common'],
    ['harbourmall2026', 'contains-name'],
    ['lantern under quiet water', null],
    ['密码要够长才安全一点点呀呀', null],
  ])('%s → %s', (typed, reason) => {
    expect(weakness(typed, ['HarbourMall'])).toBe(reason);
  });

  test('more callers than the queue holds are told to come back', async () => {
    const small = createPasswords({ running: 1, waiting: 1 });
    const results = await Promise.allSettled(['a', 'b', 'c'].map((one) => small.hash(one)));
    expect(results.map((one) => one.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    await expect(small.hash('d')).resolves.toMatch(/^\$argon2id/);
  });
});

describe('signing in', () => {
  test('gives a token that is stored only as a hash', async () => {
    const { staff } = await someone();
    const token = await signIn(depsOf(), {
      ...from,
      email: ` ${staff.email.toUpperCase()} `,
      password,
    });
    expect((await whoIs(depsOf(), token))?.staffId).toBe(staff.id);
    const { rows } = await database.db.query<{ token_hash: Buffer }>(
      'select token_hash from sign_ins where staff_id = $1',
      [staff.id],
    );
    expect(rows.map((row) => row.token_hash)).toEqual([hashToken(token)]);
  });

  test('unknown address, wrong password and disabled account are one answer', async () => {
    const { staff, merchant } = await someone();
    const gone = await makeStaff(database.db, merchant.id, {
      passwordHash: await passwords.hash(password),
      disabledAt: new Date(NOON),
    });
    const tries = [
      { email: 'nobody@example.com', password },
      { email: staff.email, password: 'wrong wrong wrong' },
      { email: gone.email, password },
    ];
    for (const one of tries) {
      await expect(signIn(depsOf(), { ...from, ...one })).rejects.toMatchObject({
        code: 'unauthenticated',
        extras: {},
      });
    }
  });

  test('the token is new each time, and the one held before ends', async () => {
    const { staff } = await someone();
    const deps = depsOf();
    const first = await signIn(deps, { ...from, email: staff.email, password });
    const second = await signIn(deps, { ...from, email: staff.email, password }, first);
    expect(second).not.toBe(first);
    expect(await whoIs(deps, first)).toBeNull();
    expect(await whoIs(deps, second)).not.toBeNull();
  });

  test('ends after idling, ends for good after a week, and stale rows can be dropped', async () => {
    const { staff } = await someone();
    const deps = depsOf();
    const token = await signIn(deps, { ...from, email: staff.email, password });
    now = NOON + idleMs - 1000;
    expect(await whoIs(deps, token)).not.toBeNull();
    now += idleMs - 1000;
    expect(await whoIs(deps, token)).not.toBeNull();
    now += idleMs + 1000;
    expect(await whoIs(deps, token)).toBeNull();
    now = NOON;
    const lively = await signIn(deps, { ...from, email: staff.email, password });
    for (now = NOON; now < NOON + absoluteMs; now += idleMs / 2) await whoIs(deps, lively);
    expect(await whoIs(deps, lively)).toBeNull();
    expect(
      await deleteStaleSignIns(database.db, new Date(now), new Date(now - idleMs)),
    ).toBeGreaterThanOrEqual(2);
    now = NOON;
  });

  test('signing out ends this one; everywhere ends all', async () => {
    const { staff } = await someone();
    const deps = depsOf();
    const enter = (): Promise<string> => signIn(deps, { ...from, email: staff.email, password });
    const [one, two, three] = [await enter(), await enter(), await enter()];
    await signOut(deps, one);
    expect(await whoIs(deps, one)).toBeNull();
    const me = await whoIs(deps, two);
    expect(await signOutEverywhere(deps, me!)).toBe(2);
    expect(await whoIs(deps, three)).toBeNull();
  });

  test.each(['', 'x', 'fs_short', "fs_' or 1=1 --", `fs_${'a'.repeat(500)}`])(
    'token %s is nobody',
    async (token) => {
      expect(await whoIs(depsOf(), token)).toBeNull();
    },
  );
});

describe('owners', () => {
  test('disabling each other at the same moment, one stays', async () => {
    const { db } = database;
    const { merchant, staff } = await someone();
    const other = await makeStaff(db, merchant.id, { role: 'owner' });
    const disable = (id: string) =>
      db.tx((tx) => setStaffDisabled(tx, merchant.id, id, new Date(now)), { tenant: merchant.id });
    for (let round = 0; round < 10; round++) {
      const done = await Promise.all([disable(staff.id), disable(other.id)]);
      expect(done.filter(Boolean)).toHaveLength(1);
      await db.query('update staff set disabled_at = null where merchant_id = $1', [merchant.id]);
    }
  });
});

describe('throttle', () => {
  test('five failures from one place, even with the right password after them', async () => {
    const { staff } = await someone();
    const deps = depsOf();
    const attempt = (typed: string, ip = from.ip): Promise<string> =>
      signIn(deps, { ...from, ip, email: staff.email, password: typed });
    for (let i = 0; i < 5; i += 1) {
      await expect(attempt('wrong wrong wrong')).rejects.toMatchObject({ code: 'unauthenticated' });
    }
    await expect(attempt(password)).rejects.toMatchObject({
      code: 'too-many-requests',
      status: 429,
    });
    await expect(attempt(password, '198.51.100.7')).resolves.toMatch(/^fs_/);
  });

  test('says the same for an address nobody has', async () => {
    const throttle = createThrottle();
    for (let i = 0; i < 5; i += 1) expect(await throttle.take('a@b', '192.0.2.9')).toBeNull();
    expect(await throttle.take('a@b', '192.0.2.9')).toBeGreaterThan(0);
  });

  test('success gives the tries back', async () => {
    const throttle = createThrottle();
    for (let i = 0; i < 12; i += 1) {
      expect(await throttle.take('a@b', '192.0.2.9')).toBeNull();
      await throttle.succeeded('a@b', '192.0.2.9');
    }
  });

  test('one account from many places, one network against many accounts', async () => {
    const throttle = createThrottle({
      ...usualThrottle,
      account: { points: 3, seconds: 60 },
      network: { points: 4, seconds: 60 },
    });
    for (let i = 0; i < 3; i += 1) expect(await throttle.take('a@b', `192.0.2.${i}`)).toBeNull();
    expect(await throttle.take('a@b', '192.0.2.77')).not.toBeNull();
    for (let i = 0; i < 4; i += 1) expect(await throttle.take(`${i}@b`, '203.0.113.5')).toBeNull();
    expect(await throttle.take('9@b', '203.0.113.5')).not.toBeNull();
  });

  test('remembers a bounded number of keys, the oldest goes first', async () => {
    const throttle = createThrottle({
      ...usualThrottle,
      pair: { points: 1, seconds: 60 },
      keys: 3,
    });
    await throttle.take('first@b', '192.0.2.1');
    expect(await throttle.take('first@b', '192.0.2.1')).not.toBeNull();
    for (let i = 0; i < 3; i += 1) await throttle.take(`${i}@b`, `192.0.2.${10 + i}`);
    expect(await throttle.take('first@b', '192.0.2.1')).toBeNull();
  });

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ])('network of %s is %s', (ip, network) => {
    expect(networkOf(ip)).toBe(network);
  });
});

describe('the owner’s link', () => {
  const owner = { merchantName: 'New Shop', name: 'Ada', password, userAgent: 'test' };

  test('makes one merchant and its owner, once, however many press the button', async () => {
    const link = await createOwnerLink(database.db, clock);
    const results = await Promise.allSettled(
      ['a', 'b', 'c'].map((name) =>
        createFirstOwner(depsOf(), link, {
          ...owner,
          email: `${name}-${link.slice(-6)}@example.com`,
        }),
      ),
    );
    expect(results.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    const made = results.find((one) => one.status === 'fulfilled');
    const me = await whoIs(depsOf(), made?.value);
    expect(me).toMatchObject({ role: 'owner', merchantName: 'New Shop' });
    expect(await ownerLinkIsOpen(depsOf(), link)).toBe(false);
  });

  test('a newer link replaces an unused one; a day later none works', async () => {
    const old = await createOwnerLink(database.db, clock);
    const link = await createOwnerLink(database.db, clock);
    expect(await ownerLinkIsOpen(depsOf(), old)).toBe(false);
    expect(await ownerLinkIsOpen(depsOf(), link)).toBe(true);
    now = NOON + 24 * 3_600_000 + 1;
    expect(await ownerLinkIsOpen(depsOf(), link)).toBe(false);
    await expect(
      createFirstOwner(depsOf(), link, { ...owner, email: 'late@example.com' }),
    ).rejects.toMatchObject({ code: 'not-found' });
    now = NOON;
  });
});

describe('the guard of merchants’ routes', () => {
  const csrfKey = Buffer.alloc(32, 7);
  const publicUrl = 'http://foyer.test';

  function guarded(scope: Scope) {
    const callers = createStaffCallers({ db: database.db, clock });
    const guard = merchantGuard({ callers, csrfKey, publicUrl });
    const app = express();
    app.all('/', async (incoming, response) => {
      response.json(await guard(incoming, scope));
    });
    app.use(problems(silentLog));
    return app;
  }

  test('an API key passes with its scopes, until it is revoked; its use is noted', async () => {
    const { merchant } = await someone();
    const made = await createApiKey({ db: database.db, clock }, merchant.id, {
      name: 'Till',
      scopes: ['vouchers:redeem'],
    });
    const call = (scope: Scope, key = made.key) =>
      request(guarded(scope)).post('/').set('Authorization', `Bearer ${key}`);
    const passed = await call('vouchers:redeem').expect(200);
    expect(passed.body).toMatchObject({ kind: 'key', merchantId: merchant.id, id: made.id });
    await call('guests:read').expect(403);
    await call(
      'vouchers:redeem',
      `${made.key.slice(0, -1)}${made.key.endsWith('A') ? 'B' : 'A'}`,
    ).expect(401);
    const { rows } = await database.db.query<{ last_used_at: Date; secret_hash: Buffer }>(
      'select last_used_at, secret_hash from api_keys where id = $1',
      [made.id],
    );
    expect(rows[0]?.last_used_at).toEqual(new Date(NOON));
    expect(rows[0]?.secret_hash).toHaveLength(32);
    await database.db.query('update api_keys set revoked_at = now() where id = $1', [made.id]);
    await call('vouchers:redeem').expect(401);
  });

  test('a stored scope that no longer exists grants nothing', async () => {
    const { merchant } = await someone();
    const made = await createApiKey({ db: database.db, clock }, merchant.id, {
      name: 'x',
      scopes: ['visits:read'],
    });
    await database.db.query(
      `update api_keys set scopes = '{"visits:read","everything"}' where id = $1`,
      [made.id],
    );
    const passed = await request(guarded('visits:read'))
      .get('/')
      .set('Authorization', `Bearer ${made.key}`);
    expect(passed.body.scopes).toEqual(['visits:read']);
  });

  test('a person passes by cookie; unsafe methods need the token and our own origin', async () => {
    const { staff } = await someone('manager');
    const token = await signIn(depsOf(), { ...from, email: staff.email, password });
    const csrf = csrfToken(csrfKey, hashToken(token));
    const app = guarded('fences:write');
    const post = () => request(app).post('/').set('Cookie', `foyer=${token}`);
    await request(app).get('/').set('Cookie', `foyer=${token}`).expect(200);
    await post().expect(403);
    await post().set('x-csrf-token', 'x').expect(403);
    await post().set('x-csrf-token', csrf).expect(200);
    await post().set('x-csrf-token', csrf).set('Sec-Fetch-Site', 'cross-site').expect(403);
    await post().set('x-csrf-token', csrf).set('Sec-Fetch-Site', 'same-site').expect(403);
    await post().set('x-csrf-token', csrf).set('Origin', 'https://evil.test').expect(403);
    await post().set('x-csrf-token', csrf).set('Origin', publicUrl).expect(200);
  });

  test('a wrong key is not rescued by a good cookie; the till has its one scope', async () => {
    const { staff } = await someone('till');
    const token = await signIn(depsOf(), { ...from, email: staff.email, password });
    const call = (scope: Scope) => request(guarded(scope)).get('/').set('Cookie', `foyer=${token}`);
    await call('vouchers:redeem').expect(200);
    await call('guests:read').expect(403);
    await call('vouchers:redeem').set('Authorization', 'Bearer fk_0123456789_wrong').expect(401);
    await request(guarded('vouchers:redeem')).get('/').expect(401);
  });

  test.each([
    [{}, true],
    [{ 'sec-fetch-site': 'same-origin' }, true],
    [{ 'sec-fetch-site': 'none' }, true],
    [{ 'sec-fetch-site': 'cross-site' }, false],
    [{ 'sec-fetch-site': ['same-origin', 'cross-site'] }, false],
    [{ origin: 'http://foyer.test' }, true],
    [{ origin: 'http://10.0.0.5:8080', host: '10.0.0.5:8080' }, true],
    [{ origin: 'http://evil.test', host: 'foyer.test' }, false],
    [{ origin: 'null', host: 'foyer.test' }, false],
  ])('%j comes from us: %s', (headers, ours) => {
    expect(comesFromUs(headers, publicUrl)).toBe(ours);
  });
});
