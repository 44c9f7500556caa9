/** openNDS at each of its levels before the portal: who gets in, by whose word, and what a guest can invent. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { RegisteredGateway } from '../../portal/ports-store.ts';
import { standInMac } from '../../portal/gateways/opennds-clear.ts';
import { gatewayHashes } from '../../portal/gateways/opennds-names.ts';
import { startOpenNds } from '../support/emulators/opennds.ts';
import type { NdsEmulator } from '../support/emulators/opennds.ts';
import { openNds } from '../support/fakes.ts';
import type { Wire } from './wire.ts';
import { startWire } from './wire.ts';

type Level = 0 | 1 | 2 | 3 | 4;
const ADA = {
  mac: '02:00:00:00:00:50',
  ip: '192.168.77.162',
  url: 'http://captive.test/a?b=c&d=e',
};
const OPEN = `* ${'0'.repeat(64)}`;

let wire: Wire;
let nds: NdsEmulator;

async function start(level: Level, more: Partial<RegisteredGateway> = {}): Promise<void> {
  wire = await startWire([openNds(level, more)]);
  const [gateway = openNds(level)] = wire.store.gateways;
  nds = await startOpenNds({ portal: wire.url, slug: wire.store.slug, gateway });
}

afterEach(async () => {
  await nds.close();
  await wire.close();
});

const session = () => [...wire.fakes.sessions.values()][0];
/** The page as it stands after the gateway's next turn. */
async function settled(page: { url: string }) {
  await nds.tick();
  return wire.browse(page.url);
}

describe.each([0, 1, 2] as const)('level %d: through the browser', (level) => {
  test('a guest walks in; only the browser says so', async () => {
    await start(level);
    const welcome = await wire.walkIn(await nds.join(ADA));
    expect(welcome.heading).toBe('You are online');
    expect(nds.inside(ADA.mac)).toBe(true);
    expect(wire.fakes.of('doors.landed')).toHaveLength(1);
    expect(wire.fakes.of('doors.confirmed')).toEqual([]);
    expect(wire.fakes.of('desk.admit')).toMatchObject([
      {
        context: {
          kind: 'opennds',
          ip: ADA.ip,
          hid: expect.stringMatching(/^[0-9a-f]{64}$/),
          originUrl: 'http://captive.test/a?b=c&d=e',
        },
      },
    ]);
  });

  test('who is inside and comes to the door again is inside', async () => {
    await start(level);
    const redirect = await nds.join(ADA);
    await wire.walkIn(redirect);
    expect((await wire.walkIn(redirect)).heading).toBe('You are online');
    const port = nds.clients.get(ADA.mac)?.door.port;
    const door = `http://127.0.0.1:${port}/opennds_auth/?tok=00&redir=http%3a%2f%2fevil.example%2f`;
    const again = await wire.browse(door);
    expect(again.heading).toBe('You are online');
    expect(again.html).not.toContain('evil.example');
  });

  test('a poller has no say', async () => {
    await start(level);
    await wire.walkIn(await nds.join(ADA));
    for (const action of ['view', 'list', 'clear', 'deauthed'])
      expect(await nds.authmon(action, OPEN)).toBe('unknown gateway');
    expect(session()?.state).toBe('active');
  });
});

describe.each([3, 4] as const)('level %d: the gateway fetches its guests', (level) => {
  test('a guest is let in with all limits, and the gateway says so', async () => {
    await start(level);
    wire.fakes.settings.downQuotaKB = 200;
    const waiting = await wire.walkIn(await nds.join(ADA));
    expect(waiting.heading).not.toBe('You are online');
    expect(session()?.state).toBe('pending');
    expect((await settled(waiting)).heading).toBe('You are online');
    expect(nds.clients.get(ADA.mac)).toMatchObject({ minutes: 120, downQuotaKB: 200 });
    expect(wire.fakes.of('doors.confirmed')).toHaveLength(1);
    expect(wire.fakes.of('doors.landed')).toEqual([]);
    expect(wire.fakes.of('doors.learned')).toHaveLength(1);
    await nds.tick();
    expect(nds.answers.at(-1)?.text).toBe('ack');

    nds.traffic(ADA.mac, 300 * 1024, 7);
    await nds.tick();
    expect(wire.fakes.of('doors.ended')).toMatchObject([
      { mac: ADA.mac, reason: 'downquota_deauth', bytesIn: 300 * 1024, bytesOut: 7 },
    ]);
    expect(nds.inside(ADA.mac)).toBe(false);
  });

  test('a restart of the gateway forgets who waited; asked again they get in', async () => {
    await start(level);
    const waiting = await wire.walkIn(await nds.join(ADA));
    await nds.restart();
    await settled(waiting);
    expect(nds.inside(ADA.mac)).toBe(false);
    const anew = await wire.walkIn(await nds.join(ADA));
    expect((await settled(anew)).heading).toBe('You are online');
  });

  test('a departure ends the session', async () => {
    await start(level);
    await settled(await wire.walkIn(await nds.join(ADA)));
    await nds.leave(ADA.mac);
    expect(session()?.state).toBe('ended');
  });

  test('five at once take two turns', async () => {
    await start(level);
    for (let n = 0; n < 5; n++)
      await wire.walkIn(await nds.join({ mac: `02:00:00:00:01:0${n}`, ip: `192.168.77.${n + 2}` }));
    const inside = () => [...nds.clients.keys()].filter((mac) => nds.inside(mac)).length;
    await nds.tick();
    expect(inside()).toBe(4);
    await nds.tick();
    expect(inside()).toBe(5);
  });
});

test('a poller may send its fields by either method, in either place', async () => {
  await start(3);
  const [hash = ''] = gatewayHashes('StoreOne');
  const payload = Buffer.from('none').toString('base64');
  const fields = new URLSearchParams({ auth_get: 'view', gatewayhash: hash, payload });
  const door = `${wire.url}/p/harbour`;
  const calls: [string, RequestInit][] = [
    [`${door}?${fields.toString()}`, {}],
    [`${door}?${fields.toString()}`, { method: 'POST' }],
    [door, { method: 'POST', body: fields }],
  ];
  for (const [url, how] of calls) {
    const response = await fetch(url, how);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await response.text()).toBe('*');
  }
});

describe('what a guest can invent', () => {
  test('level 4: a name of one’s own is believed only once somebody calls under it', async () => {
    await start(4);
    const liar = await startOpenNds({
      portal: wire.url,
      slug: wire.store.slug,
      gateway: openNds(4, { name: 'Elsewhere' }),
    });
    expect((await wire.browse(await liar.join(ADA))).status).toBe(403);
    expect(await liar.authmon('view')).toBe('unknown gateway');
    expect(await nds.authmon('view')).toBe('unknown gateway');
    await wire.browse(await nds.join(ADA));
    expect(wire.fakes.of('doors.learned')).toEqual([]);
    expect(await nds.authmon('view')).toBe('*');
    expect(wire.fakes.of('doors.learned')).toHaveLength(1);
    await nds.authmon('view');
    expect(wire.fakes.of('doors.learned')).toHaveLength(1);
    await liar.close();
  });

  test('level 4: many invented names do not push out the one that was heard', async () => {
    await start(4);
    await wire.browse(await nds.join(ADA));
    await nds.authmon('view');
    for (let n = 0; n < 20; n++) {
      const items = `hid=${'0'.repeat(64)}, clientip=10.0.0.1, clientmac=${ADA.mac}, gatewayname=StoreOne%20Node%3a${n}a%20, gatewayaddress=10.0.0.1:2050, `;
      const fas = Buffer.from(items).toString('base64');
      expect((await wire.browse(`${wire.url}/p/harbour?fas=${fas}`)).status).toBe(200);
    }
    expect(await nds.authmon('view')).toBe('*');
  });

  test.each<[string, Level, (redirect: string) => string, number]>([
    ['level 0, another gateway', 0, (at) => at.replace('StoreOne', 'Other'), 403],
    ['level 0, a door out in the world', 0, (at) => at.replace('127.0.0.1:', '6.6.6.6:'), 403],
    [
      'level 0, a door with a name in it',
      0,
      (at) => at.replace(/127[^/]*/, 'evil.example@127.0.0.1:1'),
      403,
    ],
    ['level 0, a token that is none', 0, (at) => at.replace(/tok=\w+/, 'tok=zz'), 403],
    [
      'level 0, another scheme',
      0,
      (at) => at.replace('authaction=http', 'authaction=javascript'),
      403,
    ],
    [
      'level 0, as nodogsplash writes it',
      0,
      (at) => at.replace('opennds_auth', 'nodogsplash_auth'),
      200,
    ],
    ['level 0, escaped as it should have been', 0, escaped, 200],
    [
      'level 4, a field changed',
      4,
      (at) => at.replace(/fas=.{20}/, 'fas=AAAAAAAAAAAAAAAAAAAA'),
      403,
    ],
  ])('%s', async (_name, level, change, status) => {
    await start(level);
    const redirect = await nds.join(ADA);
    const [page = '', query = ''] = redirect.split(/\?(.*)/s);
    expect((await wire.browse(`${page}?${change(query)}`)).status).toBe(status);
  });

  test.each<[Level, Level]>([
    [0, 1],
    [0, 3],
    [1, 0],
    [1, 2],
    [4, 3],
    [4, 0],
    [2, 4],
  ])(
    'a redirect of level %d says nothing to a gateway registered at level %d',
    async (sent, level) => {
      await start(level);
      const other = await startOpenNds({
        portal: wire.url,
        slug: wire.store.slug,
        gateway: openNds(sent),
      });
      expect((await wire.browse(await other.join(ADA))).status).toBe(403);
      await other.close();
    },
  );

  test('level 0 never tells a MAC: what stands in is one that no card has, and stays', async () => {
    await start(0);
    await wire.walkIn(await nds.join(ADA));
    const token = nds.clients.get(ADA.mac)?.token ?? '';
    const mac = standInMac('gw-nds-0', token);
    expect(mac).toMatch(/^[0-9a-f][26ae](?::[0-9a-f]{2}){5}$/);
    expect(session()?.mac).toBe(mac);
    expect(standInMac('gw-nds-0', 'ffffffff')).not.toBe(mac);
    expect(standInMac('gw-nds-1', token)).not.toBe(mac);
  });
});

/** What a careful gateway would send. */
function escaped(query: string): string {
  const [, address = '', inner = ''] = /^authaction=(http:[^?]*)\?(.*)$/s.exec(query) ?? [];
  return `authaction=${encodeURIComponent(address)}&${inner}`;
}
