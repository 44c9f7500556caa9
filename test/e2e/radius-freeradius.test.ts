/** FreeRADIUS's own programs before us, behind us and in front of us: its client, its CoA listener, its proxy. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createDynamicClient } from '../../portal/radius/client.ts';
import type { DynamicClient } from '../../portal/radius/client.ts';
import { createCounts } from '../../portal/radius/counts.ts';
import { isOut } from '../../portal/radius/dynamic.ts';
import type { FreeRadius } from '../../scripts/lib/freeradius.ts';
import { startFreeRadius } from '../../scripts/lib/freeradius.ts';
import type { House } from '../../scripts/lib/radius-house.ts';
import { freeUdpPort } from '../../scripts/lib/udp.ts';
import { createHouse, nasPeer } from '../../scripts/lib/radius-house.ts';
import { partPresent, requirePart } from '../support/parts.ts';
import type { Rig } from '../support/radius.ts';
import { soon, startRadius } from '../support/radius.ts';
import { radclient, run } from './radius/programs.ts';

const SECRET = 'testing123';
const withClient = requirePart('radclient and radtest', partPresent.radclient);
const withServer = requirePart(
  'FreeRADIUS and radclient',
  partPresent.freeradius && partPresent.radclient,
);
let house: House;
let rig: Rig;

beforeEach(async () => {
  house = createHouse([nasPeer('gw', { profile: 'mikrotik' })], [['ada', 'pw1']]);
  house.grant = { minutes: 60, upKbps: 1_000, downKbps: 2_000 };
  rig = await startRadius(house);
});
afterEach(() => rig?.stop());

const login = (name: string, password: string, more = ''): string =>
  `User-Name = "${name}", ${password}, Calling-Station-Id = "02-00-00-00-00-50", Message-Authenticator = 0x00${more}\n`;
const stop = `Acct-Status-Type = Stop, Acct-Session-Id = "nas-1", User-Name = "ada", Calling-Station-Id = "02-00-00-00-00-50", Class = 0x76313a732d31, Acct-Input-Octets = 480, Acct-Input-Gigawords = 1, Acct-Output-Octets = 518, Acct-Session-Time = 61, Acct-Terminate-Cause = User-Request\n`;

withClient('radclient asks us', () => {
  test.each([
    ['PAP', 'User-Password = "pw1"', 'Access-Accept'],
    ['PAP, wrong', 'User-Password = "pw2"', 'Access-Reject'],
    ['CHAP', 'CHAP-Password = "pw1"', 'Access-Accept'],
    ['CHAP, wrong', 'CHAP-Password = "pw2"', 'Access-Reject'],
  ])('%s', async (_name, password, answer) => {
    const { text } = await radclient(rig.server.authPort, 'auth', SECRET, login('ada', password));
    expect(text).toContain(`Received ${answer}`);
    expect(text).not.toMatch(/invalid|failed|bad/i);
    if (answer !== 'Access-Accept') return;
    expect(text).toContain('Session-Timeout = 3600');
    expect(text).toContain('Mikrotik-Rate-Limit = "1M/2M"');
    expect(text).toContain('WISPr-Bandwidth-Max-Down = 2000000');
  });

  test('radtest', async () => {
    const words = ['ada', 'pw1', `127.0.0.1:${rig.server.authPort}`, '0', SECRET];
    const { text } = await run(['radtest', '-x', ...words]);
    expect(text).toContain('Received Access-Accept');
  });

  test('a wrong secret meets silence', async () => {
    const words = login('ada', 'User-Password = "pw1"');
    const { text } = await radclient(rig.server.authPort, 'auth', 'wrong', words);
    expect(text).toContain('No reply from server');
    expect(rig.counts['wrong-secret']).toBe(2);
  });

  test('Status-Server at both doors', async () => {
    const { authPort, acctPort } = rig.server;
    const words = 'Message-Authenticator = 0x00\n';
    expect((await radclient(authPort, 'status', SECRET, words)).text).toContain(
      'Received Access-Accept',
    );
    expect((await radclient(acctPort, 'status', SECRET, words)).text).toContain(
      'Received Accounting-Response',
    );
  });

  test.each([
    ['as most send it', stop, false],
    ['signed, and answered so', `Message-Authenticator = 0x00, ${stop}`, true],
  ])('accounting, %s', async (_name, words, signed) => {
    const { text } = await radclient(rig.server.acctPort, 'acct', SECRET, words);
    expect(text).toContain('Received Accounting-Response');
    expect(text).not.toMatch(/invalid|failed|bad/i);
    expect(/Received[^]*Message-Authenticator/.test(text)).toBe(signed);
    expect(house.reports).toEqual([
      expect.objectContaining({
        kind: 'stop',
        nasSession: 'nas-1',
        sessionId: 's-1',
        bytesIn: 518,
        bytesOut: 2 ** 32 + 480,
        seconds: 61,
        reason: 'user-request',
      }),
    ]);
  });
});

withServer('FreeRADIUS as a proxy in front of us', () => {
  let proxy: FreeRadius;
  let ports: { auth: number; acct: number };
  beforeEach(async () => {
    ports = { auth: await freeUdpPort(), acct: await freeUdpPort() };
    const home = (type: 'auth' | 'acct', port: number): string => `
home_server foyer_${type} {
  type = ${type}
  ipaddr = 127.0.0.1
  port = ${port}
  secret = ${SECRET}
  status_check = none
}
home_server_pool pool_${type} {
  type = fail-over
  home_server = foyer_${type}
}`;
    const door = (type: 'auth' | 'acct'): string => `
  listen {
    type = ${type}
    ipaddr = 127.0.0.1
    port = ${ports[type]}
  }`;
    const forward = `
    update control {
      Proxy-To-Realm := "foyer"
    }`;
    proxy = await startFreeRadius({
      servers: `
client nas {
  ipaddr = 127.0.0.1
  secret = of-the-nas
}
${home('auth', rig.server.authPort)}
${home('acct', rig.server.acctPort)}
realm foyer {
  auth_pool = pool_auth
  acct_pool = pool_acct
  nostrip
}
server default {${door('auth')}${door('acct')}
  authorize {${forward}
  }
  preacct {${forward}
  }
  accounting {
    ok
  }
}`,
    });
  }, 60_000);
  afterEach(() => proxy?.stop());

  test('brings guests in: its Proxy-State comes back', async () => {
    const words = login('ada', 'User-Password = "pw1"');
    const { text } = await radclient(ports.auth, 'auth', 'of-the-nas', words);
    expect({ text, log: proxy.log() }).toEqual({
      text: expect.stringContaining('Received Access-Accept'),
      log: expect.any(String),
    });
    expect(text).toContain('Mikrotik-Rate-Limit = "1M/2M"');
    expect(rig.counts.accepted).toBe(1);
  });

  test('does not when it forwards what nobody signed', async () => {
    const unsigned = 'User-Name = "ada", User-Password = "pw1"\n';
    void radclient(ports.auth, 'auth', 'of-the-nas', unsigned);
    const dropped = (): number => rig.counts['proxied-unsigned'] + rig.counts.accepted;
    await soon(dropped, (n) => n > 0, 1_000);
    // Some versions sign whatever they forward: then it is genuine.
    expect(rig.counts['no-message-authenticator']).toBe(0);
    expect(rig.counts.faults).toBe(0);
  });

  test.each([
    ['accounting', stop],
    ['signed accounting', `Message-Authenticator = 0x00, ${stop}`],
  ])('brings %s', async (_name, words) => {
    const { text } = await radclient(ports.acct, 'acct', 'of-the-nas', words);
    expect(text).toContain('Received Accounting-Response');
    expect(house.reports).toHaveLength(1);
  });
});

withServer('FreeRADIUS is asked to put guests out', () => {
  let nas: FreeRadius;
  let port: number;
  let client: DynamicClient;
  beforeAll(async () => {
    port = await freeUdpPort();
    nas = await startFreeRadius({
      servers: `
client foyer {
  ipaddr = 127.0.0.1
  secret = ${SECRET}
}
server coa {
  listen {
    type = coa
    ipaddr = 127.0.0.1
    port = ${port}
  }
  recv-coa {
    if (&Acct-Session-Id == "alive" && &User-Name == "ada") {
      ok
    }
    else {
      update reply {
        Error-Cause := Session-Context-Not-Found
      }
      reject
    }
  }
  send-coa {
    ok
  }
}`,
    });
  }, 60_000);
  afterAll(() => nas?.stop());
  beforeEach(() => {
    client = createDynamicClient({ clock: Date.now, random: Math.random, counts: createCounts() });
  });
  afterEach(() => client?.close());

  const gateway = (secret = SECRET) =>
    nasPeer('gw', {
      secret,
      profile: 'coova',
      nasIds: ['store-1'],
      coa: { host: '127.0.0.1', port },
    }).gateway;
  const names = (nasSession: string) => ({
    mac: '02:00:00:00:00:50',
    ip: '10.1.0.2',
    userName: 'ada',
    nasSession,
  });

  test('and does, or knows nobody of that name', async () => {
    const out = await client.disconnect(gateway(), names('alive'));
    expect({ out, log: nas.log() }).toEqual({ out: { kind: 'ack' }, log: expect.any(String) });
    const gone = await client.disconnect(gateway(), names('gone'));
    expect(gone).toEqual({ kind: 'nak', cause: 503 });
    expect(isOut(gone, gateway())).toBe(true);
  });

  test('and to change what a guest may', async () => {
    const plan = {
      seconds: 60,
      idleSeconds: 900,
      interimSeconds: 300,
      downKbps: 1_000,
      upKbps: 500,
      downOctets: 2 ** 33,
      upOctets: 0,
    };
    expect(await client.change(gateway(), names('alive'), plan)).toEqual({ kind: 'ack' });
  });

  test('by a stranger it is not heard', async () => {
    const counts = createCounts();
    const timers = { initialMs: 50, longestMs: 100, totalMs: 300, tries: 3 };
    const stranger = createDynamicClient({ clock: Date.now, random: Math.random, counts, timers });
    expect(await stranger.disconnect(gateway('wrong'), names('alive'))).toEqual({ kind: 'silent' });
    await stranger.close();
  });
});
