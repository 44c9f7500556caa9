/** Every route of the API against every wrong caller: nobody, a key without the scope, another merchant. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { allRoutes } from '../../scripts/lib/routes.ts';
import { scopes } from '../../server/http/route.ts';
import type { AnyRoute, Scope } from '../../server/http/route.ts';
import { createApiKey } from '../../server/staff/keys.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { furnish } from '../support/furniture.ts';
import type { Furniture } from '../support/furniture.ts';
import { makeDevice, makeMerchant } from '../support/make.ts';

const MARK = 'FOREIGN';
const routes = allRoutes();
const named = routes.map((route) => [`${route.method} ${route.path}`, route] as const);
const forMerchants = named.filter(([, { access }]) => access !== 'device' && access !== 'public');

let app: TestApp;
let ours: { id: string; token: string };
let theirs: { id: string; furniture: Furniture };
let own: Furniture;

beforeAll(async () => {
  app = await startApp();
  const [us, them] = [await makeMerchant(app.db), await makeMerchant(app.db, { name: MARK })];
  ours = { id: us.id, token: await keyFor(us.id, scopes) };
  theirs = { id: them.id, furniture: await furnish(app.db, them.id, MARK, Date.now()) };
});
afterAll(() => app?.stop());

const keyFor = async (merchantId: string, wanted: readonly Scope[]): Promise<string> =>
  (await createApiKey({ db: app.db, clock: Date.now }, merchantId, { name: 'k', scopes: wanted }))
    .key;

/** `/v1/stores/:storeId/access-vouchers/:id` → which kind of thing each parameter names. */
function parametersOf(path: string): { parameter: string; kind: keyof Furniture }[] {
  const parts = path.split('/');
  return parts.flatMap((part, i) => {
    if (!part.startsWith(':')) return [];
    const kind = parts[i - 1] ?? '';
    if (!(kind in theirs.furniture)) {
      throw new Error(`${path}: say in test/support/furniture.ts what a ${kind} is`);
    }
    return [{ parameter: part, kind: kind as keyof Furniture }];
  });
}

/** `storeId`, `offerId`, `parent` … → the kind of thing it names, if any. */
function kindOf(key: string): keyof Furniture | null {
  const alias: Record<string, keyof Furniture> = {
    store: 'stores',
    parent: 'fences',
    parentId: 'fences',
    code: 'vouchers',
  };
  const kind = alias[key] ?? (key.endsWith('Id') ? `${key.slice(0, -2)}s` : '');
  return kind in theirs.furniture ? (kind as keyof Furniture) : null;
}

const fill = (path: string, values: Record<string, string>): string =>
  path.replaceAll(/:\w+/g, (parameter) => encodeURIComponent(values[parameter] ?? parameter));

/** The example body with ours in every place that names something. */
function bodyOf(route: AnyRoute, things: Furniture): unknown {
  if (!route.body) return undefined;
  return JSON.parse(JSON.stringify(route.example.body), (key, value: unknown) => {
    const kind = kindOf(key);
    if (key === 'slug' || key === 'name') return `${key}-${randomUUID().slice(0, 8)}`;
    return kind && typeof value === 'string' ? things[kind] : value;
  }) as unknown;
}

const shapeOf = (schema: unknown): string[] =>
  Object.keys((schema as { shape?: Record<string, unknown> } | undefined)?.shape ?? {});

interface Answer {
  status: number;
  text: string;
}

async function call(
  route: AnyRoute,
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Answer> {
  const response = await fetch(app.url + path, {
    method: route.method.toUpperCase(),
    headers: {
      'idempotency-key': randomUUID(),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined
      ? {}
      : { body: route.textBody && typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Everything of a merchant, as one text a table. */
async function stateOf(merchantId: string): Promise<Record<string, string>> {
  const { rows: tables } = await app.db.query<{ name: string }>(
    `select c.table_name as name from information_schema.columns c
     join information_schema.tables t using (table_schema, table_name)
     where c.column_name = 'merchant_id' and c.table_schema = 'public' and t.table_type = 'BASE TABLE'
     order by 1`,
  );
  const state: Record<string, string> = {};
  for (const { name } of tables) {
    const { rows } = await app.db.query<{ all: string | null }>(
      `select string_agg(t::text, E'\\n' order by t::text) as all from ${name} t where merchant_id = $1`,
      [merchantId],
    );
    state[name] = rows[0]?.all ?? '';
  }
  return state;
}

/** Ours again: a route may have deleted some of it. */
beforeEach(async () => {
  own = await furnish(app.db, ours.id, 'own', Date.now());
});

test('there are routes, and each says who may call it', () => {
  expect(routes.length).toBeGreaterThan(50);
  expect(forMerchants.length).toBeGreaterThan(40);
  expect(routes.filter(({ access }) => access === 'public')).toEqual([]);
});

describe.each(named)('%s', (_name, route) => {
  const path = () => fill(route.path, ownValues(route));
  const ownValues = ({ path: pattern }: AnyRoute): Record<string, string> =>
    Object.fromEntries(parametersOf(pattern).map(({ parameter, kind }) => [parameter, own[kind]]));

  test('nobody, a made-up key and the wrong kind of credentials get 401', async () => {
    const device = await makeDevice(app.db, ours.id);
    const strangers: Record<string, string>[] = [
      {},
      bearer('fk_0123456789_abcdefghijklmnopqrstuvwxyzABCDEF'),
      bearer(`${ours.token}x`),
      bearer(route.access === 'device' ? ours.token : device.token),
      { authorization: 'Basic !!!' },
      { cookie: `foyer=fs_${'a'.repeat(32)}` },
    ];
    for (const headers of strangers) {
      const answer = await call(route, path(), bodyOf(route, own), headers);
      expect([headers, answer.status]).toEqual([headers, 401]);
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'unauthenticated' });
    }
  });
});

describe.each(forMerchants)('%s', (_name, route) => {
  const scope = route.access as Scope;
  const values = (things: Furniture): Record<string, string> =>
    Object.fromEntries(
      parametersOf(route.path).map(({ parameter, kind }) => [parameter, things[kind]]),
    );

  test(`a key with every scope but ${scope} gets 403 and changes nothing`, async () => {
    const token = await keyFor(
      ours.id,
      scopes.filter((each) => each !== scope),
    );
    const before = await stateOf(theirs.id);
    const answer = await call(
      route,
      fill(route.path, values(own)),
      bodyOf(route, own),
      bearer(token),
    );
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'forbidden' });
    expect(await stateOf(theirs.id)).toEqual(before);
  });

  test("another merchant's ids lead nowhere, in any place of the request", async () => {
    const before = await stateOf(theirs.id);
    const said: string[] = [];
    // In the address: each parameter in turn theirs, the others ours; then all of them theirs.
    const parameters = parametersOf(route.path);
    const mixes = parameters.map(({ parameter, kind }) => ({
      ...values(own),
      [parameter]: theirs.furniture[kind],
    }));
    for (const mix of parameters.length > 0 ? [...mixes, values(theirs.furniture)] : []) {
      const answer = await call(
        route,
        fill(route.path, mix),
        bodyOf(route, own),
        bearer(ours.token),
      );
      expect([mix, answer.status]).toEqual([mix, 404]);
      said.push(answer.text);
    }
    // In the query: not found, or an answer with nothing in it.
    for (const key of shapeOf(route.query)) {
      const kind = kindOf(key);
      if (!kind) continue;
      const query = `?${key}=${theirs.furniture[kind]}`;
      const at = fill(route.path, values(own)) + query;
      const answer = await call(route, at, bodyOf(route, own), bearer(ours.token));
      expect([query, [200, 404].includes(answer.status)]).toEqual([query, true]);
      said.push(answer.text);
    }
    // In the body: refused, named or not.
    for (const key of new Set([...shapeOf(route.body), ...keysOf(route.example.body)])) {
      const kind = kindOf(key);
      if (!kind) continue;
      const body = withForeign(
        bodyOf(route, own),
        key,
        theirs.furniture[kind],
        shapeOf(route.body),
      );
      const answer = await call(route, fill(route.path, values(own)), body, bearer(ours.token));
      expect([key, answer.status, [400, 404, 422].includes(answer.status)]).toEqual([
        key,
        answer.status,
        true,
      ]);
      said.push(answer.text);
    }
    expect(said.join('\n')).not.toContain(MARK);
    expect(await stateOf(theirs.id)).toEqual(before);
  });

  test('with our own it works: the refusals above were about whose it is', async () => {
    const query = shapeOf(route.query).includes('store') ? `?store=${own.stores}` : '';
    const at = fill(route.path, values(own)) + query;
    const answer = await call(route, at, bodyOf(route, own), bearer(ours.token));
    // 409: an offer in use is not deleted, a voucher of a store is not redeemed elsewhere.
    expect([route.status ?? 200, 409]).toContain(answer.status);
    expect(answer.text).not.toContain(MARK);
  });
});

/** Keys that hold a text, however deep. */
function keysOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'string' ? [key] : keysOf(inner),
  );
}

/** `body` with a foreign id wherever `key` stands, and at the top where the schema takes it. */
function withForeign(body: unknown, key: string, id: string, top: string[]): unknown {
  const replaced = JSON.parse(JSON.stringify(body), (name, value: unknown) =>
    name === key && typeof value === 'string' ? id : value,
  ) as Record<string, unknown>;
  return top.includes(key) ? { ...replaced, [key]: id } : replaced;
}
