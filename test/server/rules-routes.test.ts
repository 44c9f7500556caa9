/** Rules over HTTP: writing in versions, what is refused, why decisions fell, and who sees what. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import supertest from 'supertest';
import type { Express } from 'express';
import type { Database } from '../../server/db/database.ts';
import { ruleRoutes } from '../../server/rules/routes.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import {
  NOON,
  makeDecision,
  makeFence,
  makeMerchant,
  makeOffer,
  makeRule,
  makeStore,
} from '../support/make.ts';
import { routesApp, silentLog } from '../support/routes-app.ts';

let held: TestDatabase;
let db: Database;
let app: Express;
let merchantId: string;
let stranger: string;
let offerId: string;
let storeId: string;
let fenceId: string;

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
  app = routesApp(ruleRoutes({ db, clock: () => NOON, log: silentLog }));
  merchantId = (await makeMerchant(db)).id;
  stranger = (await makeMerchant(db)).id;
  offerId = (await makeOffer(db, merchantId, { name: 'Espresso' })).id;
  storeId = (await makeStore(db, merchantId, { name: 'Harbour' })).id;
  fenceId = (await makeFence(db, merchantId, { storeId, name: 'Counter' })).id;
});
afterAll(() => held.release());

const ask = (method: 'get' | 'post' | 'put' | 'patch' | 'delete', path: string, who = merchantId) =>
  supertest(app)[method](path).set('x-merchant', who);
const definition = {
  trigger: 'visit.dwelled',
  when: { field: 'visit.score', op: 'gte', value: 0.5 },
};
const make = async (over: object = {}) => {
  const body = { name: 'Stayers', offerId, definition, ...over };
  return (await ask('post', '/v1/rules').send(body).expect(201)).body as { id: string };
};

describe('writing', () => {
  test('a rule comes back with defaults and its sentence', async () => {
    const scoped = { ...definition, scope: { fenceId } };
    const { id } = await make({ definition: scoped, status: 'live' });
    const { body } = await ask('get', `/v1/rules/${id}`).expect(200);
    expect(body).toMatchObject({
      name: 'Stayers',
      status: 'live',
      version: 1,
      trigger: 'visit.dwelled',
      definition: { ...scoped, maxAgeSeconds: 120, experiment: { holdout: 0.1 } },
    });
    const text = body.sentence.en.map((part: { text: string }) => part.text).join('');
    expect(text).toContain('stays in Counter');
    expect(body.sentence['zh-CN']).toContainEqual({ text: 'Espresso', strong: true });
  });

  test('an edit makes a version, the old one stays readable', async () => {
    const { id } = await make();
    const changed = { name: 'Leavers', offerId, definition: { trigger: 'visit.left' }, version: 1 };
    const { body } = await ask('put', `/v1/rules/${id}`).send(changed).expect(200);
    expect(body).toMatchObject({ version: 2, trigger: 'visit.left', name: 'Leavers' });
    await ask('put', `/v1/rules/${id}`).send(changed).expect(409);
    const versions = await ask('get', `/v1/rules/${id}/versions`).expect(200);
    expect(versions.body.items).toMatchObject([
      { version: 2, definition: { trigger: 'visit.left' }, changedBy: 'test' },
      { version: 1, definition: { trigger: 'visit.dwelled' }, offerId },
    ]);
  });

  test('two edits at once make two versions', async () => {
    const { id } = await make();
    const body = { name: 'x', offerId, definition };
    const both = await Promise.all([1, 2].map(() => ask('put', `/v1/rules/${id}`).send(body)));
    expect(new Set(both.map((reply) => reply.body.version))).toEqual(new Set([2, 3]));
  });

  test('status changes and deletion', async () => {
    const { id } = await make();
    const { body } = await ask('patch', `/v1/rules/${id}`).send({ status: 'live' }).expect(200);
    expect(body).toMatchObject({ status: 'live', version: 1 });
    await makeDecision(db, merchantId, id);
    const kept = await ask('delete', `/v1/rules/${id}`).expect(409);
    expect(kept.body.code).toBe('conflict');
    await ask('delete', `/v1/rules/${(await make()).id}`).expect(204);
  });

  test('at most 200 rules can be live', async () => {
    const crowded = (await makeMerchant(db)).id;
    const offer = (await makeOffer(db, crowded)).id;
    for (let i = 0; i < 200; i++) await makeRule(db, crowded, offer);
    const body = { name: 'one more', offerId: offer, definition, status: 'live' };
    await ask('post', '/v1/rules', crowded).send(body).expect(409);
    await ask('post', '/v1/rules', crowded)
      .send({ ...body, status: 'draft' })
      .expect(201);
  });
});

describe('refusals', () => {
  test.each<[string, () => object, string]>([
    [
      'a misspelt field',
      () => ({
        definition: { trigger: 'visit.left', when: { field: 'visit.scoer', op: 'gt', value: 1 } },
      }),
      'Did you mean visit.score?',
    ],
    [
      'a wrong type',
      () => ({
        definition: {
          trigger: 'visit.left',
          when: { field: 'visit.score', op: 'gt', value: 'high' },
        },
      }),
      'not a number',
    ],
    ['somebody else’s offer', () => ({ offerId: foreign.offerId }), 'There is no such offer.'],
    [
      'somebody else’s store',
      () => ({ definition: { ...definition, scope: { storeId: foreign.storeId } } }),
      'There is no such store.',
    ],
    [
      'somebody else’s fence',
      () => ({ definition: { ...definition, scope: { fenceId: foreign.fenceId } } }),
      'There is no such fence.',
    ],
    [
      'a fence of another store',
      () => ({ definition: { ...definition, scope: { storeId: foreign.second, fenceId } } }),
      'The fence is in another store.',
    ],
  ])('%s is an invalid rule', async (_, over, words) => {
    const { body } = await ask('post', '/v1/rules')
      .send({ name: 'x', offerId, definition, ...over() })
      .expect(422);
    expect(body.code).toBe('invalid-rule');
    expect(body.detail).toContain(words);
    expect(body.errors).toHaveLength(1);
  });

  const foreign = { offerId: '', storeId: '', fenceId: '', second: '' };
  beforeAll(async () => {
    foreign.offerId = (await makeOffer(db, stranger)).id;
    foreign.storeId = (await makeStore(db, stranger)).id;
    foreign.fenceId = (await makeFence(db, stranger)).id;
    foreign.second = (await makeStore(db, merchantId)).id;
  });

  test.each<[string, unknown]>([
    ['no trigger', {}],
    [
      'an operator of no list',
      { ...definition, when: { field: 'visit.score', op: '$where', value: 1 } },
    ],
    [
      'a tree too deep',
      { ...definition, when: JSON.parse(`${'{"not":'.repeat(2000)}1${'}'.repeat(2000)}`) },
    ],
    ['a stray key', { ...definition, constructor: 1 }],
    ['NUL', { ...definition, when: { field: 'answer.a', op: 'eq', value: 'a\u0000b' } }],
    ['half a surrogate', { ...definition, experiment: { salt: '\ud800' } }],
    ['a list', []],
    ['NaN from a careless client', { ...definition, maxAgeSeconds: null }],
  ])('%s does not fit the schema', async (_, broken) => {
    const { body } = await ask('post', '/v1/rules').send({
      name: 'x',
      offerId,
      definition: broken,
    });
    expect(body).toMatchObject({ status: 400, code: 'invalid-request' });
  });

  test.each(['a\u0000b', '\ud83d', '   '])('the name %j is refused', async (name) => {
    const { body } = await ask('post', '/v1/rules').send({ name, offerId, definition });
    expect(body).toMatchObject({ status: 400, code: 'invalid-request' });
  });

  test('hostile names come back as they were', async () => {
    const name = "<img src=x onerror=alert(1)> {{7*7}} '; drop table rules; --";
    expect(await make({ name })).toMatchObject({ name });
  });
});

describe('why and why not', () => {
  test('pages through decisions with filters and sentences', async () => {
    const { id } = await make();
    for (let i = 0; i < 5; i++) {
      await makeDecision(db, merchantId, id, {
        outcome: 'refused',
        gate: 'caps',
        reason: 'guest-cap',
        decidedAt: new Date(NOON + Math.floor(i / 2) * 1000),
      });
    }
    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; page < 3; page++) {
      const { body } = await ask('get', `/v1/decisions?ruleId=${id}&limit=2${cursor}`).expect(200);
      seen.push(...body.items.map((item: { id: string }) => item.id));
      expect(body.items[0]).toMatchObject({
        gateText: { en: 'Caps' },
        reasonText: { en: 'The guest has had enough of these.', 'zh-CN': '该顾客已达到次数上限。' },
      });
      cursor = `&cursor=${body.next}`;
      expect(body.next === null).toBe(page === 2);
    }
    expect(new Set(seen).size).toBe(5);
    const none = await ask('get', `/v1/decisions?ruleId=${id}&outcome=issued`).expect(200);
    expect(none.body.items).toEqual([]);
  });

  test.each(['cursor=abc', 'limit=0', 'reason=%00', 'ruleId=1', 'outcome=maybe', 'colour=red'])(
    'refuses ?%s',
    async (query) => {
      await ask('get', `/v1/decisions?${query}`).expect(400);
    },
  );

  test('the catalogue is served', async () => {
    const { body } = await ask('get', '/v1/rule-fields').expect(200);
    expect(body.items.find((each: { name: string }) => each.name === 'visit.band')).toMatchObject({
      type: 'choice',
      choices: ['high', 'medium', 'low', 'none'],
      operators: ['eq', 'ne', 'in', 'not_in', 'known', 'unknown'],
    });
  });
});

describe('another merchant', () => {
  test('finds nothing here', async () => {
    const { id } = await make();
    await makeDecision(db, merchantId, id);
    const body = { name: 'x', offerId, definition };
    await ask('get', `/v1/rules/${id}`, stranger).expect(404);
    await ask('get', `/v1/rules/${id}/versions`, stranger).expect(404);
    await ask('put', `/v1/rules/${id}`, stranger).send(body).expect(404);
    await ask('patch', `/v1/rules/${id}`, stranger).send({ status: 'live' }).expect(404);
    await ask('delete', `/v1/rules/${id}`, stranger).expect(404);
    expect((await ask('get', '/v1/rules', stranger)).body).toEqual({ items: [] });
    const seen = await ask('get', `/v1/decisions?ruleId=${id}`, stranger).expect(200);
    expect(seen.body.items).toEqual([]);
  });

  test('and unknown ids are not found', async () => {
    await ask('get', `/v1/rules/${randomUUID()}`).expect(404);
    await ask('get', '/v1/rules/1').expect(400);
  });
});
