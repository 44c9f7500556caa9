/** Site setup on the console: choosing equipment, its form, its guide, its settings and secrets. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Stranger } from '../../server/console/gateways/desk.ts';
import { cardOf, families } from '../../server/console/gateways/families.ts';
import { fieldsOf } from '../../server/console/gateways/fields.ts';
import { blankForm, filledForm, readForm } from '../../server/console/gateways/form.ts';
import { suggestion } from '../../server/console/settings-gateways.ts';
import { readTexts } from '../../server/console/texts.ts';
import { gatewayKinds } from '../../server/stores/gateway-schema.ts';
import type { GatewayKind } from '../../server/stores/gateway-schema.ts';
import { gatewaySettings } from '../../server/stores/gateway-settings.ts';
import { gatewayById } from '../../server/stores/queries.ts';
import type { ConsoleApp } from '../support/console.ts';
import { consoleApp, gatewayDesk, personOf } from '../support/console.ts';
import type { TestDatabase } from '../support/database.ts';
import { testDatabase } from '../support/database.ts';
import * as make from '../support/make.ts';
import { makeGatewayOf, makeNotice, settingsOf } from '../support/site.ts';

const publicUrl = 'https://wifi.example.com';
const list = '/console/settings/gateways';

/** What a person has to type for each kind; everything else is as the form proposes it. */
const typedFor: Record<GatewayKind, Record<string, string>> = {
  pretend: {},
  opennds: {},
  wifidog: {},
  apfree: {},
  coova: { 'radius.sources': '192.0.2.7' },
  mikrotik: { 'radius.sources': '192.0.2.7\n10.0.0.0/8', 'radius.coa.host': '192.0.2.7' },
  unifi: {
    'unifi.url': 'unifi.test:8443/',
    'unifi.username': 'foyer',
    'unifi.password': 'a quiet harbour',
  },
  meraki: {},
  portal2: { 'portal2.host': '192.0.2.9' },
  radius: { 'radius.sources': '192.0.2.7' },
};

describe('the form of each kind', () => {
  test('every kind is on a card, and every field and choice has its words', () => {
    const cards = families.flatMap((family) => family.cards);
    expect(new Set(cards.map((card) => card.kind))).toEqual(new Set(gatewayKinds));
    const tree = readTexts('en') as Record<string, Record<string, unknown>>;
    const at = (path: string): unknown =>
      path
        .split('.')
        .reduce<unknown>((part, key) => (part as Record<string, unknown>)?.[key], tree);
    const missing: string[] = [];
    for (const kind of gatewayKinds) {
      for (const { name, choices = [], help = 'help' } of fieldsOf(kind)) {
        const own = name === 'name' ? `about.${kind}` : help;
        const keys = ['label', 'wrong', own, ...choices.map((choice) => `options.${choice}`)];
        missing.push(...keys.map((key) => `gateway-form.${name}.${key}`));
      }
    }
    for (const { key } of cards) missing.push(`gateway-new.cards.${key}.title`);
    expect(missing.filter((key) => typeof at(key) !== 'string')).toEqual([]);
  });

  test.each(gatewayKinds)(
    '%s: what the form proposes is accepted, kept and shown again',
    (kind) => {
      const typed = { ...blankForm(kind), name: 'Front-door', ...typedFor[kind] };
      const read = readForm(kind, typed);
      if (!read.ok) throw new Error(`refused: ${read.wrong.join(' ')}`);
      const settings = gatewaySettings(kind, {}, read.body, () => 'made4you'.repeat(4));
      const again = readForm(kind, filledForm(kind, 'Front-door', settings), settings);
      if (!again.ok) throw new Error(`refused again: ${again.wrong.join(' ')}`);
      expect(gatewaySettings(kind, settings, again.body, () => 'never')).toEqual(settings);
      const shown = Object.values(filledForm(kind, 'Front-door', settings)).join('\n');
      expect(shown).not.toMatch(/made4you|quiet harbour/);
    },
  );

  test.each<[GatewayKind, Record<string, string>, string[]]>([
    ['opennds', { name: '' }, ['name']],
    ['opennds', { name: 'a;b' }, ['name']],
    ['wifidog', { name: 'Front door' }, ['blank']],
    ['portal2', { name: 'Front door' }, ['blank']],
    ['opennds', { level: '9' }, ['level']],
    ['opennds', { secret: 'short' }, ['secret']],
    ['wifidog', { sources: 'somewhere' }, ['sources']],
    ['coova', { hosts: 'https://x/y' }, ['hosts']],
    ['mikrotik', { 'radius.sources': '10.0.0.0/64' }, ['radius.sources']],
    ['mikrotik', { 'radius.coa.host': 'router.lan' }, ['radius.coa.host']],
    ['mikrotik', { 'radius.coa.port': 'x' }, ['radius.coa.port']],
    ['radius', { 'radius.interimSeconds': '5' }, ['radius.interimSeconds']],
    ['radius', { 'radius.secret': 'short' }, ['radius.secret']],
    ['radius', { 'radius.certificate': 'zz' }, ['radius.certificate']],
    ['radius', { 'radius.macAuth.password': 'fixed' }, ['radius.macAuth.fixed']],
    ['unifi', { 'unifi.url': 'http://unifi.test' }, ['unifi.url']],
    ['unifi', { 'unifi.url': 'https://unifi.test/manage' }, ['unifi.url']],
    ['unifi', { 'unifi.url': '' }, ['unifi.url']],
    ['unifi', { 'unifi.url': 'the controller' }, ['unifi.url']],
    ['unifi', { 'unifi.password': '' }, ['unifi.password']],
    ['unifi', { 'unifi.api': 'official' }, ['unifi.apiKey']],
    ['unifi', { 'unifi.aps': 'no mac' }, ['unifi.aps']],
    ['portal2', { 'portal2.host': 'ac.lan' }, ['portal2.host']],
    ['portal2', { 'portal2.host': 'fd00::2' }, ['portal2.host']],
    ['portal2', { 'portal2.parameters.mac': 'a b' }, ['portal2.parameters.mac']],
  ])('%s with %j is refused under its own field', (kind, over, wrong) => {
    const typed: Record<string, string> = {
      ...blankForm(kind),
      name: 'Door',
      ...typedFor[kind],
      ...over,
    };
    if ('radius.coa.port' in over) typed['radius.coa.host'] = '192.0.2.7';
    expect(readForm(kind, typed)).toEqual({ ok: false, wrong });
  });

  test('an AC is believed to ask RADIUS from its own address; a maker brings its profile', () => {
    const card = cardOf('h3c')!;
    const typed = {
      ...blankForm(card.kind, card.profile),
      name: 'ac',
      'portal2.host': '192.0.2.9',
    };
    expect(readForm('portal2', typed)).toMatchObject({
      ok: true,
      body: { radius: { sources: ['192.0.2.9'], profile: 'h3c', messageAuthenticator: 'require' } },
    });
  });

  test.each<[string, GatewayKind, string]>([
    ['Harbour Coffee', 'opennds', 'Harbour Coffee'],
    ['Harbour Coffee', 'portal2', 'Harbour-Coffee'],
    ['Café “Zum Hafen”', 'opennds', 'Cafe Zum Hafen'],
    ['海港咖啡', 'opennds', ''],
    ['-- Bar --', 'opennds', ''],
    ['A'.repeat(60), 'opennds', 'A'.repeat(40)],
  ])('the gateway of %s, %s, may be called %j', (store, kind, name) => {
    expect(suggestion(store, kind)).toBe(name);
  });
});

describe('pages', () => {
  let database: TestDatabase;
  let house: ConsoleApp;
  /** What the controller answers when it is asked. */
  let poll: () => Promise<readonly unknown[] | null> = async () => null;

  /** Who sends RADIUS packets without being registered. */
  let senders: () => Stranger[] = () => [];

  beforeAll(async () => {
    database = await testDatabase();
    const gateways = gatewayDesk(publicUrl, { poll: () => poll(), strangers: () => senders() });
    house = consoleApp(database.db, { publicUrl, gateways });
  });
  afterAll(() => database.release());

  async function shop() {
    const merchant = await make.makeMerchant(database.db);
    const store = await make.makeStore(database.db, merchant.id);
    const owner = await personOf(house, merchant.id);
    return { at: { merchantId: merchant.id, storeId: store.id }, merchant, store, owner };
  }

  test.each(
    families.flatMap((family) => family.cards).map((card) => [card.key, card.kind] as const),
  )('%s: from the card to the guide in two steps, and its secrets made', async (key, kind) => {
    const { store, owner, merchant } = await shop();
    const chosen = await owner.get(`${list}/new`).expect(200);
    expect(chosen.text).toContain(`href="${list}/new?equipment=${key}"`);
    const form = await owner.get(`${list}/new?equipment=${key}`).expect(200);
    for (const { name } of fieldsOf(kind)) expect(form.text).toContain(`name="${name}"`);
    const typed = { ...blankForm(kind), name: 'Front-door', ...typedFor[kind] };
    const made = await owner.post(list, { id: store.id, equipment: key, ...typed }).expect(303);
    const url = String(made.headers['location']).split('?')[0] ?? '';
    const row = await database.db.tx((tx) => gatewayById(tx, merchant.id, url.split('/').at(-1)!), {
      tenant: merchant.id,
    });
    expect(row).toMatchObject({ kind, name: 'Front-door' });
    const { secret, radius } = row!.settings;
    const guide = await owner.get(url).expect(200);
    for (const one of [secret, radius?.secret]) {
      if (one !== undefined) expect(one).toMatch(/^[0-9a-f]{32}$/);
      if (one !== undefined && kind !== 'pretend') expect(guide.text).toContain(one);
    }
    for (const tail of ['/check', '/abilities', '/edit']) {
      const page = await owner.get(url + tail).expect(200);
      expect(page.text).not.toContain(secret ?? 'no secret');
      expect(page.text).not.toContain(radius?.secret ?? 'no secret');
    }
  });

  test('unregistered senders are shown where they are known to be near, and to nobody else', async () => {
    const sending = (...addresses: string[]) => {
      const from = addresses.map((address) => ({
        address,
        packets: 3,
        lastAt: make.NOON - 60_000,
      }));
      senders = () => from;
    };
    const { at, owner } = await shop();
    const radius = { ...settingsOf.coova.radius!, coa: { host: '192.0.2.9', port: 3799 } };
    const settings = { ...settingsOf.coova, radius };
    const coova = await makeGatewayOf(database.db, at, 'coova', { settings });
    const other = await makeGatewayOf(database.db, at, 'mikrotik');
    const check = async (id: string) => (await owner.get(`${list}/${id}/check`).expect(200)).text;
    const said = 'RADIUS packets come from an address that no gateway is registered with.';
    sending('198.51.100.4', '192.0.2.9');
    expect(await check(coova.id)).toContain('<code>192.0.2.9</code>');
    expect(await check(other.id)).not.toContain(said);
    sending('198.51.100.4', '127.0.0.1');
    expect(await check(other.id)).toContain('<code>127.0.0.1</code>');
    sending('198.51.100.4');
    expect(await check(coova.id)).not.toContain(said);
    sending();
  });

  test('the list says in words what is wrong, and whose guests are online', async () => {
    const { at, owner } = await shop();
    const coova = await makeGatewayOf(database.db, at, 'coova', {
      lastHeardAt: new Date(make.NOON),
    });
    const own = { ...at, gatewayId: coova.id };
    await makeNotice(database.db, own, {
      code: 'radius-wrong-secret',
      detail: { from: '192.0.2.7' },
    });
    const guest = await make.makeGuest(database.db, at.merchantId);
    await make.makeSession(database.db, { ...own, guestId: guest.id });
    const { text } = await owner.get(list).expect(200);
    expect(text).toContain('RADIUS packets come with a wrong shared secret.');
    expect(text).toContain('Not working');
    expect(text).toMatch(/data-label="Online">1</);
    const check = await owner.get(`${list}/${coova.id}/check`).expect(200);
    expect(check.text).toContain('Set the RADIUS secret from');
    expect(check.text).toContain('<code>192.0.2.7</code>');
    expect(check.text).toContain('npm run selftest -- --portal https://wifi.example.com --store ');
    const zh = await owner.get(`${list}/${coova.id}/check?lang=zh-CN`).expect(200);
    expect(zh.text).toContain('RADIUS 报文的共享密钥不对。');
  });

  test('what nobody knows the sender of is laid at the door of gateways that may have sent it', async () => {
    const { at, owner } = await shop();
    const works = await makeGatewayOf(database.db, at, 'opennds', {
      lastHeardAt: new Date(make.NOON),
    });
    const other = await makeGatewayOf(database.db, at, 'portal2');
    const meraki = await makeGatewayOf(database.db, at, 'meraki');
    await makeNotice(database.db, { ...at, gatewayId: works.id }, { code: 'redirect-ok' });
    const detail = { parameter: 'wlanusermac' };
    await makeNotice(
      database.db,
      { ...at, gatewayId: null },
      { code: 'redirect-malformed', detail },
    );
    const said = async (id: string): Promise<boolean> =>
      (await owner.get(`${list}/${id}/check`).expect(200)).text.includes('wlanusermac');
    expect([await said(works.id), await said(other.id), await said(meraki.id)]).toEqual([
      false,
      true,
      false,
    ]);
    expect((await owner.get(`${list}/${other.id}/check`)).text).toContain(
      'It may have been another gateway of this store.',
    );
  });

  test('files come as text to save, never to open', async () => {
    const { at, owner, store } = await shop();
    const { id } = await makeGatewayOf(database.db, at, 'mikrotik');
    const script = await owner.get(`${list}/${id}/files/0`).expect(200);
    expect(script.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(script.headers['content-disposition']).toBe('attachment; filename=foyer.rsc');
    expect(script.text).toContain('/radius add service=hotspot');
    const page = await owner.get(`${list}/${id}/files/1`).expect(200);
    expect(page.headers['content-disposition']).toBe('attachment; filename=login.html');
    expect(page.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(page.text).toContain(`https://wifi.example.com/p/${store.slug}`);
    for (const number of ['2', '-1', 'x', '1e1']) {
      await owner.get(`${list}/${id}/files/${number}`).expect(404);
    }
  });

  test('settings are changed field by field; an empty secret stays as it is', async () => {
    const { at, owner, merchant } = await shop();
    const { id } = await makeGatewayOf(database.db, at, 'unifi');
    const read = () =>
      database.db.tx((tx) => gatewayById(tx, merchant.id, id), { tenant: merchant.id });
    const page = await owner.get(`${list}/${id}/edit`).expect(200);
    expect(page.text).toContain('value="https://unifi.test:8443"');
    expect(page.text).toContain('Kept. Type only to replace it.');
    const row = await read();
    const typed = filledForm('unifi', row!.name, row!.settings);
    await owner.post(`${list}/${id}/edit`, { ...typed, 'unifi.site': 'harbour' }).expect(303);
    expect((await read())?.settings.unifi).toMatchObject({
      site: 'harbour',
      password: 'a quiet harbour',
    });
    const refused = await owner
      .post(`${list}/${id}/edit`, { ...typed, 'unifi.url': 'ftp://x' })
      .expect(422);
    expect(refused.text).toMatch(/id="unifi.url-help">https and a host/);
    expect(refused.text).toContain('value="ftp://x"');
    await makeGatewayOf(database.db, at, 'unifi', { name: 'Taken' });
    const taken = await owner.post(`${list}/${id}/edit`, { ...typed, name: 'Taken' }).expect(422);
    expect(taken.text).toContain('This store has a gateway of this name.');
  });

  test('a new secret is shown in the answer to the form, and counts at once', async () => {
    const { at, owner, merchant } = await shop();
    const { id } = await makeGatewayOf(database.db, at, 'coova');
    const read = () =>
      database.db.tx((tx) => gatewayById(tx, merchant.id, id), { tenant: merchant.id });
    const before = (await read())!.settings;
    const shown = await owner.post(`${list}/${id}/secret`, { which: 'radius' }).expect(200);
    const secret = /id="secret-text">([0-9a-f]{32})</.exec(shown.text)?.[1];
    const after = (await read())!.settings;
    expect(after.radius?.secret).toBe(secret);
    expect(after.radius).toMatchObject({ sources: before.radius!.sources, profile: 'coova' });
    expect(after.secret).toBe(before.secret);
    expect((await owner.get(`${list}/${id}/edit`)).text).not.toContain(secret);
    await owner.post(`${list}/${id}/secret`, { which: 'own' }).expect(200);
    expect((await read())!.settings.secret).not.toBe(before.secret);
    const meraki = await makeGatewayOf(database.db, at, 'meraki');
    await owner.post(`${list}/${meraki.id}/secret`, { which: 'own' }).expect(404);
    await owner.post(`${list}/${meraki.id}/secret`, { which: 'radius' }).expect(404);
  });

  test('a gateway goes after its name was typed', async () => {
    const { at, owner } = await shop();
    const { id } = await makeGatewayOf(database.db, at, 'opennds', { name: 'Front door' });
    await owner.post(`${list}/${id}/remove`, { word: 'front' }).expect(303);
    await owner.get(`${list}/${id}`).expect(200);
    await owner.post(`${list}/${id}/remove`, { word: 'Front door' }).expect(303);
    await owner.get(`${list}/${id}`).expect(404);
  });

  test('a controller is asked now; an answer outdates what went wrong before', async () => {
    const { at, owner } = await shop();
    const { id } = await makeGatewayOf(database.db, at, 'unifi');
    const own = { ...at, gatewayId: id };
    await makeNotice(database.db, own, { code: 'controller-refused', detail: { says: 'go away' } });
    poll = async () => Promise.reject(new Error('refused'));
    const failed = await owner.post(`${list}/${id}/check`).expect(200);
    expect(failed.text).toContain('The controller did not answer as it should.');
    expect(failed.text).toContain('<code>go away</code>');
    poll = async () => [{}, {}];
    const well = await owner.post(`${list}/${id}/check`).expect(200);
    expect(well.text).toContain('The controller answers. 2 guests are let in there.');
    expect(well.text).not.toContain('go away');
    poll = async () => null;
    const none = await owner.post(`${list}/${id}/check`).expect(200);
    expect(none.text).toContain('This equipment has no controller to ask.');
  });

  test('managers see gateways, the till does not; and nobody those of others', async () => {
    const { at, merchant } = await shop();
    const { id } = await makeGatewayOf(database.db, at, 'coova');
    const manager = await personOf(house, merchant.id, 'manager');
    const till = await personOf(house, merchant.id, 'till');
    const stranger = (await shop()).owner;
    for (const tail of ['', '/check', '/abilities', '/edit', '/files/0']) {
      await manager.get(`${list}/${id}${tail}`).expect(200);
      await till.get(`${list}/${id}${tail}`).expect(403);
      await stranger.get(`${list}/${id}${tail}`).expect(404);
    }
    for (const tail of ['/check', '/edit', '/secret', '/remove']) {
      await till.post(`${list}/${id}${tail}`, { word: 'Door coova' }).expect(403);
      await stranger.post(`${list}/${id}${tail}`, { word: 'Door coova' }).expect(404);
    }
  });
});
