/** Our RADIUS server over real sockets: who is let in, who is answered, who meets silence. */
import { createHash, createHmac } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { attributes as a, codes, statusTypes, vendors } from '../../portal/radius/dictionary.ts';
import {
  all,
  first,
  firstOfVendor,
  integer,
  numberIn,
  octets,
  ofVendor,
  text,
  textIn,
} from '../../portal/radius/packet.ts';
import { unsignedMac } from '../../portal/radius/signing.ts';
import type { House } from '../../scripts/lib/radius-house.ts';
import { createHouse, nasPeer } from '../../scripts/lib/radius-house.ts';
import type { Asker, Login, Rig } from '../support/radius.ts';
import {
  accessRequest,
  accountingRequest,
  counted,
  createAsker,
  packetOf,
  soon,
  startRadius,
  statusServer,
  wellAnswered,
} from '../support/radius.ts';

const MAC = '02:00:00:00:00:50';
let rig: Rig | undefined;
let nas: Asker | undefined;

async function start(house: House, limits: Parameters<typeof startRadius>[1] = {}) {
  rig = await startRadius(house, limits);
  nas = await createAsker();
  return { ...rig, nas };
}
const one = (...settings: Parameters<typeof nasPeer>[1][]): House =>
  createHouse(
    settings.map((each, i) => nasPeer(`gw-${i + 1}`, each)),
    [['ada', 'pw1']],
  );

afterEach(async () => {
  await nas?.close();
  await rig?.stop();
  nas = rig = undefined;
});

/** The packet is counted under this name, and nothing comes back. */
async function silence(raw: Buffer, name: keyof Rig['counts'], door: 'auth' | 'acct' = 'auth') {
  const { counts, server } = rig!;
  const before = { ...counts };
  nas!.send(door === 'auth' ? server.authPort : server.acctPort, raw);
  await soon(
    () => counts[name],
    (count) => count > before[name],
  );
  expect(counted(before, counts)).toEqual({ [name]: 1 });
  // A question afterwards is answered: so the first was not, and not merely late.
  const status = statusServer();
  const reply = await nas!.ask(server.authPort, status);
  expect(wellAnswered(reply, status)).toBe(true);
}

describe('access', () => {
  const challenge = Buffer.from('another sixteen.');
  const logins: [string, Login, number][] = [
    ['PAP', { pap: 'pw1' }, codes.accessAccept],
    ['PAP, wrong', { pap: 'pw2' }, codes.accessReject],
    ['CHAP by the authenticator', { chap: 'pw1' }, codes.accessAccept],
    ['CHAP by a challenge', { chap: 'pw1', challenge }, codes.accessAccept],
    ['CHAP, wrong', { chap: 'pw2', challenge }, codes.accessReject],
    ['an unknown name', { name: 'eve', pap: 'pw1' }, codes.accessReject],
    ['no name', { name: '', pap: 'pw1' }, codes.accessReject],
    ['no password', {}, codes.accessReject],
    ['an empty password', { more: [octets(a.userPassword, Buffer.alloc(0))] }, codes.accessReject],
    ['a password of odd length', { more: [octets(a.userPassword, Buffer.alloc(17))] }, 3],
    ['PAP and CHAP at once', { pap: 'pw1', chap: 'pw1' }, codes.accessReject],
    ['CHAP too short', { more: [octets(a.chapPassword, Buffer.alloc(16))] }, codes.accessReject],
  ];
  test.each(logins)('%s', async (_name, login, code) => {
    const { nas, server } = await start(one({}));
    const request = accessRequest(login);
    const reply = await nas.ask(server.authPort, request);
    expect([reply.code, wellAnswered(reply, request)]).toEqual([code, true]);
  });

  test('an Accept carries the limits, the session and Proxy-States in their order', async () => {
    const house = one({ profile: 'coova', interimSeconds: 30 });
    house.grant = { expiresAt: 1_700_000_000_000 + 90_500, upKbps: 512, downKbps: 2_048 };
    const { nas, server } = await start(house);
    const states = ['b', 'a', 'b'].map((word) => text(a.proxyState, word));
    const request = accessRequest({ pap: 'pw1', more: states });
    const reply = await nas.ask(server.authPort, request);
    expect(wellAnswered(reply, request)).toBe(true);
    expect(all(reply, a.proxyState).map(String)).toEqual(['b', 'a', 'b']);
    expect(numberIn(first(reply, a.sessionTimeout))).toBe(91);
    expect(numberIn(first(reply, a.acctInterimInterval))).toBe(60);
    expect(textIn(first(reply, a.class))).toBe('v1:s-1');
    expect(numberIn(firstOfVendor(reply, vendors.coova, 4))).toBe(512);
    expect(numberIn(firstOfVendor(reply, vendors.coova, 5))).toBe(2_048);
    expect(numberIn(firstOfVendor(reply, vendors.wispr, 8))).toBe(2_048_000);
  });

  test('what the house is asked', async () => {
    const house = one({});
    const { nas, server } = await start(house);
    const more = [
      text(a.calledStationId, 'AA-BB-CC-DD-EE-FF:Cafe'),
      text(a.acctSessionId, 'nas-7'),
      octets(a.framedIpAddress, Buffer.from([10, 1, 0, 2])),
    ];
    await nas.ask(server.authPort, accessRequest({ pap: 'pw1', more }));
    expect(house.asked).toEqual([
      {
        userName: 'ada',
        mac: MAC,
        byMac: false,
        nasSession: 'nas-7',
        ip: '10.1.0.2',
        ap: 'aa:bb:cc:dd:ee:ff',
        ssid: 'Cafe',
      },
    ]);
  });

  test('a grant whose time is over lets nobody in', async () => {
    const house = one({});
    house.grant = { expiresAt: 1_700_000_000_000 };
    const { nas, server } = await start(house);
    expect((await nas.ask(server.authPort, accessRequest({ pap: 'pw1' }))).code).toBe(3);
  });

  test('EAP is refused in its own words', async () => {
    const { nas, server } = await start(one({}));
    const request = accessRequest({ more: [octets(79, Buffer.from([2, 9, 0, 6, 1, 97]))] });
    const reply = await nas.ask(server.authPort, request);
    expect([reply.code, wellAnswered(reply, request)]).toEqual([codes.accessReject, true]);
    expect(first(reply, a.eapMessage)).toEqual(Buffer.from([4, 9, 0, 4]));
  });

  test('with storage away a guest is told to try again', async () => {
    const house = one({});
    house.away = true;
    const { nas, server, counts } = await start(house);
    const reply = await nas.ask(server.authPort, accessRequest({ pap: 'pw1' }));
    expect(reply.code).toBe(codes.accessReject);
    expect(textIn(first(reply, a.replyMessage))).toContain('try again');
    expect(counts['storage-away']).toBe(1);
    expect(house.said).toEqual(['an access request could not be decided']);
  });

  test('a house that never answers is not waited for', async () => {
    const house = one({});
    house.slow = new Promise(() => undefined);
    const { nas, server } = await start(house, { answerMs: 50 });
    const reply = await nas.ask(server.authPort, accessRequest({ pap: 'pw1' }));
    expect(textIn(first(reply, a.replyMessage))).toContain('try again');
  });

  test('ten wrong passwords lock a name for a minute, and no other', async () => {
    const house = one({});
    house.users.set('bob', 'pw2');
    const { nas, server, counts, clock } = await start(house);
    for (let i = 0; i < 10; i++) await nas.ask(server.authPort, accessRequest({ pap: `no ${i}` }));
    expect((await nas.ask(server.authPort, accessRequest({ pap: 'pw1' }))).code).toBe(3);
    expect(counts['locked-out']).toBe(1);
    const other = accessRequest({ name: 'bob', pap: 'pw2' });
    expect((await nas.ask(server.authPort, other)).code).toBe(codes.accessAccept);
    clock.now += 60_001;
    expect((await nas.ask(server.authPort, accessRequest({ pap: 'pw1' }))).code).toBe(2);
  });
});

describe('MAC authentication', () => {
  const dashed = '02-00-00-00-00-50';
  const known: [string, Parameters<typeof nasPeer>[1], Login, number][] = [
    ['off', {}, { name: dashed, pap: dashed }, 3],
    ['the MAC', { macAuth: { password: 'mac' } }, { name: dashed, pap: dashed }, 2],
    [
      'the MAC in another form',
      { macAuth: { password: 'mac' } },
      { name: dashed, pap: '020000000050' },
      2,
    ],
    [
      'the MAC by CHAP',
      { macAuth: { password: 'mac' } },
      { name: '020000000050', chap: '020000000050' },
      2,
    ],
    [
      'the MAC as some switches group it',
      { macAuth: { password: 'mac' } },
      { name: '0200-0000-0050', pap: '0200-0000-0050' },
      2,
    ],
    [
      'the MAC in groups of four behind a realm',
      { macAuth: { password: 'mac' } },
      { name: `${dashed}@cafe`, pap: '0200-0000-0050' },
      2,
    ],
    ['another password', { macAuth: { password: 'mac' } }, { name: dashed, pap: 'x' }, 3],
    ['the secret', { macAuth: { password: 'secret' } }, { name: dashed, pap: 'testing123' }, 2],
    ['not the secret', { macAuth: { password: 'secret' } }, { name: dashed, pap: dashed }, 3],
    [
      'a fixed one',
      { macAuth: { password: 'fixed', fixed: 'mac' } },
      { name: dashed, pap: 'mac' },
      2,
    ],
    [
      'with a realm',
      { macAuth: { password: 'mac' } },
      { name: '020000000050@cafe', pap: dashed },
      2,
    ],
    [
      'a suffix',
      { macAuth: { password: 'fixed', fixed: 'm' } },
      { name: `${dashed}.cafe`, pap: 'm' },
      2,
    ],
    [
      'no Calling-Station-Id',
      { macAuth: { password: 'mac' } },
      { name: dashed, pap: dashed, mac: '' },
      2,
    ],
  ];
  test.each(known)('%s', async (_name, settings, login, code) => {
    const house = one(settings);
    house.users.set(login.name ?? '', null);
    const { nas, server } = await start(house);
    expect((await nas.ask(server.authPort, accessRequest(login))).code).toBe(code);
    const asked = { mac: MAC, byMac: true };
    expect(house.asked).toEqual(code === 2 ? [expect.objectContaining(asked)] : []);
  });

  test('Call-Check asks for the device whatever the name', async () => {
    const house = one({ macAuth: { password: 'fixed', fixed: 'm' } });
    const { nas, server } = await start(house);
    const more = [integer(a.serviceType, 10)];
    await nas.ask(server.authPort, accessRequest({ name: 'device', pap: 'm', more }));
    expect(house.asked).toEqual([
      expect.objectContaining({ userName: 'device', mac: MAC, byMac: true }),
    ]);
  });

  test("another device's MAC as a name is a name", async () => {
    const house = one({ macAuth: { password: 'mac' } });
    const { nas, server } = await start(house);
    const name = '02-00-00-00-00-99';
    expect((await nas.ask(server.authPort, accessRequest({ name, pap: name }))).code).toBe(3);
    expect(house.asked).toEqual([expect.objectContaining({ mac: MAC, byMac: false })]);
  });
});

describe('Message-Authenticator', () => {
  const plain = { pap: 'pw1', unsigned: true };

  test('demanded', async () => {
    const house = one({ messageAuthenticator: 'require' });
    await start(house);
    await silence(accessRequest(plain), 'no-message-authenticator');
    const notice = { gatewayId: 'gw-1', code: 'radius-no-message-authenticator' };
    expect(house.notices).toContainEqual(notice);
  });

  test('not demanded by choice, and said', async () => {
    const house = one({ messageAuthenticator: 'off' });
    const { nas, server, counts } = await start(house);
    const request = accessRequest(plain);
    const reply = await nas.ask(server.authPort, request);
    expect([reply.code, wellAnswered(reply, request)]).toEqual([codes.accessAccept, true]);
    expect(counts['unsigned-by-choice']).toBe(1);
    expect(house.notices.map(({ code }) => code)).toContain('radius-no-message-authenticator');
  });

  test('learnt from the first packet that has it', async () => {
    const house = one({ messageAuthenticator: 'learn' });
    const { nas, server } = await start(house);
    expect((await nas.ask(server.authPort, accessRequest(plain))).code).toBe(2);
    expect(house.learnt).toEqual([]);
    await nas.ask(server.authPort, accessRequest({ pap: 'pw1' }));
    expect(house.learnt).toEqual(['gw-1']);
    await silence(accessRequest(plain), 'no-message-authenticator');
    expect(house.learnt).toEqual(['gw-1']);
  });

  test('learnt before', async () => {
    await start(one({ messageAuthenticator: 'learn', learnt: true }));
    await silence(accessRequest(plain), 'no-message-authenticator');
  });

  test.each([
    ['a Proxy-State', [text(a.proxyState, 'x')], 'proxied-unsigned'],
    ['EAP', [octets(a.eapMessage, Buffer.from([2, 1, 0, 4]))], 'no-message-authenticator'],
  ] as const)('always demanded beside %s', async (_name, more, count) => {
    await start(one({ messageAuthenticator: 'off' }));
    await silence(accessRequest({ ...plain, more: [...more] }), count);
  });

  test('what is there must be right', async () => {
    const house = one({ messageAuthenticator: 'off' });
    await start(house);
    await silence(accessRequest({ pap: 'pw1', secret: 'wrong' }), 'wrong-secret');
    await silence(accessRequest({ pap: 'pw1', more: [unsignedMac] }), 'wrong-secret');
    expect(house.notices).toContainEqual({ gatewayId: 'gw-1', code: 'radius-wrong-secret' });
  });
});

describe('who it is', () => {
  test('an address that is nobody’s meets silence', async () => {
    const house = one({ sources: ['192.0.2.1'] });
    const { nas, server, counts, strangers, clock } = await start(house);
    nas.send(server.authPort, accessRequest({ pap: 'pw1' }));
    expect(
      await soon(
        () => counts['unknown-client'],
        (n) => n > 0,
      ),
    ).toBe(1);
    expect(nas.received).toEqual([]);
    expect(strangers.list()).toEqual([{ address: '127.0.0.1', packets: 1, lastAt: clock.now }]);
  });

  test('several behind one address, by name and by secret', async () => {
    const house = one(
      { nasIds: ['cafe'], secret: 'secret of the cafe' },
      { nasIds: ['bar'], secret: 'secret of the bar' },
      { secret: 'secret one' },
      { secret: 'secret two' },
    );
    const { nas, server, counts } = await start(house);
    const login = (secret: string, name?: string, unsigned?: true) =>
      accessRequest({
        pap: 'pw1',
        secret,
        ...(unsigned ? { unsigned } : {}),
        more: name === undefined ? [] : [text(a.nasIdentifier, name)],
      });
    const ask = async (secret: string, name?: string) => {
      const request = login(secret, name);
      return wellAnswered(await nas.ask(server.authPort, request), request, secret);
    };
    expect(await ask('secret of the cafe', 'cafe')).toBe(true);
    expect(await ask('secret of the bar', 'bar')).toBe(true);
    expect(await ask('secret two', 'some other')).toBe(true);
    expect(await ask('secret one')).toBe(true);
    const before = { ...counts };
    nas.send(server.authPort, login('secret of the cafe', 'bar'));
    nas.send(server.authPort, login('secret one', undefined, true));
    const status = statusServer([], 'secret of the bar');
    expect(wellAnswered(await nas.ask(server.authPort, status), status, 'secret of the bar')).toBe(
      true,
    );
    expect(counted(before, counts)).toEqual({
      'wrong-secret': 1,
      'ambiguous-client': 1,
      status: 1,
    });
    const stop = accountingRequest(statusTypes.stop, [], { secret: 'secret two' });
    await nas.ask(server.acctPort, stop);
    expect(house.reports.map(({ gatewayId }) => gatewayId)).toEqual(['gw-4']);
  });

  test('several behind one address that sign nothing go by their names, or are told to', async () => {
    const house = one({ messageAuthenticator: 'off' }, { messageAuthenticator: 'off' });
    const { nas, server, counts } = await start(house);
    const login = (name: string) =>
      accessRequest({ chap: 'pw1', unsigned: true, more: [text(a.nasIdentifier, name)] });
    await nas.ask(server.authPort, login('gw-2'));
    expect(house.notices).toContainEqual({ gatewayId: 'gw-2', code: 'radius-ok' });
    const before = { ...counts };
    nas.send(server.authPort, login('MikroTik'));
    await soon(
      () => house.notices.length,
      (noticed) => noticed >= 4,
    );
    expect(counted(before, counts)).toEqual({ 'ambiguous-client': 1 });
    const told = house.notices.filter(({ code }) => code === 'radius-shared-address');
    expect(told.map(({ gatewayId }) => gatewayId)).toEqual(['gw-1', 'gw-2']);
  });

  test('a gateway by another name than registered is told so, where its secret shows it', async () => {
    const house = one(
      { nasIds: ['cafe'], secret: 'secret of the cafe' },
      { nasIds: ['bar'], secret: 'secret of the bar' },
    );
    const { nas, server, counts } = await start(house);
    const before = { ...counts };
    const more = [text(a.nasIdentifier, 'Till 7')];
    nas.send(server.authPort, accessRequest({ pap: 'pw1', secret: 'secret of the bar', more }));
    await soon(
      () => house.notices.length,
      (noticed) => noticed > 0,
    );
    expect(counted(before, counts)).toEqual({ 'unknown-nas': 1 });
    expect(house.notices).toEqual([{ gatewayId: 'gw-2', code: 'radius-unknown-nas' }]);
  });

  const ofOthers = (house: House, ...settings: Parameters<typeof nasPeer>[1][]) => {
    const theirs = settings.map((each, i) => nasPeer(`theirs-${i}`, each));
    for (const peer of theirs) peer.store.merchantId = 'another merchant';
    house.peers.unshift(...theirs);
  };

  test('who registers the name of another’s gateway shuts nobody out, and is sent nothing', async () => {
    const house = one({ secret: 'secret of ours', messageAuthenticator: 'off' });
    ofOthers(house, { nasIds: ['till-7'], secret: 'another one', messageAuthenticator: 'off' });
    const { nas, server, counts } = await start(house);
    const named = { secret: 'secret of ours', more: [text(a.nasIdentifier, 'till-7')] };
    const request = accessRequest({ pap: 'pw1', ...named });
    const reply = await nas.ask(server.authPort, request);
    expect(wellAnswered(reply, request, 'secret of ours')).toBe(true);
    // Unsigned it says nothing about who wrote it: neither is asked.
    const before = { ...counts };
    nas.send(server.authPort, accessRequest({ pap: 'pw1', ...named, unsigned: true }));
    await soon(
      () => counts['ambiguous-client'],
      (count) => count > 0,
    );
    expect(counted(before, counts)).toEqual({ 'ambiguous-client': 1 });
    expect(house.asked).toHaveLength(1);
  });

  test('who registers very many gateways at another’s address leaves the other a place', async () => {
    const house = one({ secret: 'secret of ours' });
    ofOthers(house, ...Array.from({ length: 200 }, (_, i) => ({ secret: `theirs ${i}` })));
    const { nas, server } = await start(house);
    const request = accessRequest({ pap: 'pw1', secret: 'secret of ours' });
    const reply = await nas.ask(server.authPort, request);
    expect(wellAnswered(reply, request, 'secret of ours')).toBe(true);
  });

  test('a gateway that was just registered at an address that has one is answered at once', async () => {
    const house = one({});
    const { nas, server } = await start(house);
    expect((await nas.ask(server.authPort, accessRequest({ pap: 'pw1' }))).code).toBe(2);
    house.peers.push(nasPeer('gw-2', { secret: 'another secret' }));
    const request = accessRequest({ pap: 'pw1', secret: 'another secret' });
    const reply = await nas.ask(server.authPort, request);
    expect(wellAnswered(reply, request, 'another secret')).toBe(true);
  });

  test('so is one at an address that was last heard a while ago, and is being looked up as usual', async () => {
    const house = one({});
    const held = [...house.peers];
    const { network } = house;
    // As the house does it: what it looked up is kept for a while, unless it is asked anew.
    house.network = { ...network, peersAt: async (_at, anew) => (anew ? house.peers : held) };
    const { nas, server, clock } = await start(house);
    expect((await nas.ask(server.authPort, accessRequest({ pap: 'pw1' }))).code).toBe(2);
    house.peers.push(nasPeer('gw-2', { secret: 'another secret' }));
    clock.now += 10_000;
    const request = accessRequest({ pap: 'pw1', secret: 'another secret' });
    const reply = await nas.ask(server.authPort, request);
    expect(wellAnswered(reply, request, 'another secret')).toBe(true);
  });

  test('forgeries have an address looked up again now and then, not each time', async () => {
    const house = one({});
    let looks = 0;
    const { network } = house;
    house.network = { ...network, peersAt: (address) => ((looks += 1), network.peersAt(address)) };
    await start(house);
    for (let i = 0; i < 20; i++)
      await silence(accessRequest({ pap: 'pw1', secret: `guess ${i}` }), 'wrong-secret');
    expect(looks).toBe(2);
  });

  test('a name that is not registered', async () => {
    const house = one({ nasIds: ['cafe'] });
    await start(house);
    await silence(
      accessRequest({ pap: 'pw1', more: [text(a.nasIdentifier, 'bar')] }),
      'unknown-nas',
    );
  });
});

describe('the doors', () => {
  test.each(['auth', 'acct'] as const)('Status-Server at %s', async (door) => {
    const { nas, server } = await start(one({}));
    const request = statusServer([text(a.proxyState, 'p')]);
    const reply = await nas.ask(door === 'auth' ? server.authPort : server.acctPort, request);
    expect(reply.code).toBe(door === 'auth' ? codes.accessAccept : codes.accountingResponse);
    expect(wellAnswered(reply, request)).toBe(true);
    expect(all(reply, a.proxyState).map(String)).toEqual(['p']);
  });

  test('what belongs to the other door, or is no packet', async () => {
    await start(one({}));
    await silence(accountingRequest(1, []), 'wrong-code', 'auth');
    await silence(accessRequest({ pap: 'pw1' }), 'wrong-code', 'acct');
    await silence(Buffer.from('hello'), 'malformed');
    const unsigned = statusServer();
    unsigned[22]! ^= 1;
    await silence(unsigned, 'wrong-secret');
  });

  test('one sender does not take it all', async () => {
    const { nas, server, counts, clock } = await start(one({}), { perSecond: 1, burst: 3 });
    for (let i = 0; i < 5; i++) nas.send(server.authPort, accessRequest({ pap: 'pw1' }));
    await soon(
      () => counts['too-fast'],
      (n) => n >= 2,
    );
    expect(counts['too-fast']).toBe(2);
    clock.now += 1_000;
    expect((await nas.ask(server.authPort, accessRequest({ pap: 'pw1' }))).code).toBe(2);
  });

  test('work in hand has a limit', async () => {
    const house = one({});
    let go = (): void => undefined;
    house.slow = new Promise((resolve) => (go = resolve));
    const { nas, server, counts } = await start(house, { workingPerGateway: 2 });
    for (let i = 0; i < 3; i++) nas.send(server.authPort, accessRequest({ pap: 'pw1' }));
    expect(
      await soon(
        () => counts.overloaded,
        (n) => n > 0,
      ),
    ).toBe(1);
    go();
    await soon(
      () => nas.received.length,
      (n) => n === 2,
    );
    expect(counts.accepted).toBe(2);
  });
});

describe('who asks again', () => {
  test('gets the same octets, and the house is not asked again', async () => {
    const house = one({});
    const { nas, server, counts, clock } = await start(house);
    const request = accessRequest({ pap: 'pw1' });
    const reply = await nas.ask(server.authPort, request);
    const again = await nas.ask(server.authPort, request);
    expect(again.raw.equals(reply.raw)).toBe(true);
    expect([house.asked.length, counts['duplicate-answered']]).toEqual([1, 1]);
    clock.now += 6_001;
    await nas.ask(server.authPort, request);
    expect(house.asked.length).toBe(2);
  });

  test('while the house thinks, is not asked about twice', async () => {
    const house = one({});
    let go = (): void => undefined;
    house.slow = new Promise((resolve) => (go = resolve));
    const { nas, server, counts } = await start(house);
    const request = accessRequest({ pap: 'pw1' });
    nas.send(server.authPort, request);
    nas.send(server.authPort, request);
    await soon(
      () => counts['duplicate-working'],
      (n) => n > 0,
    );
    go();
    await soon(
      () => nas.received.length,
      (n) => n > 0,
    );
    expect([nas.received.length, house.asked.length, counts['duplicate-working']]).toEqual([
      1, 1, 1,
    ]);
  });

  test('a new request under the same number takes the place of the old', async () => {
    const house = one({});
    let go = (): void => undefined;
    house.slow = new Promise((resolve) => (go = resolve));
    const { nas, server, counts } = await start(house);
    nas.send(server.authPort, accessRequest({ id: 7, pap: 'pw1' }));
    const second = accessRequest({ id: 7, pap: 'pw2' });
    nas.send(server.authPort, second);
    await soon(
      () => counts.replaced,
      (n) => n > 0,
    );
    go();
    await soon(
      () => counts.accepted + counts.rejected,
      (n) => n === 2,
    );
    await soon(
      () => nas.received.length,
      (n) => n > 0,
    );
    expect(nas.received.map((raw) => wellAnswered(packetOf(raw), second))).toEqual([true]);
  });

  test('and who had to wait long is answered, though much came since', async () => {
    const house = one({});
    let go = (): void => undefined;
    house.slow = new Promise((resolve) => (go = resolve));
    const { nas, server, counts, clock } = await start(house);
    for (let i = 0; i < 4; i++) {
      nas.send(server.authPort, accessRequest({ id: i, pap: 'pw1' }));
      await soon(
        () => house.asking,
        (n) => n === i + 1,
      );
      clock.now += 7_000;
    }
    go();
    await soon(
      () => nas.received.length,
      (n) => n === 4,
    );
    expect([nas.received.length, counts.accepted]).toEqual([4, 4]);
  });

  test('an octet changed under the same authenticator finds no kept answer', async () => {
    const { nas, server } = await start(one({}));
    const request = accessRequest({ pap: 'pw1' });
    await nas.ask(server.authPort, request);
    const changed = Buffer.from(request);
    changed[45]! ^= 1;
    await silence(changed, 'wrong-secret');
  });
});

describe('accounting', () => {
  const counters = [
    integer(a.acctInputOctets, 480),
    integer(a.acctInputGigawords, 1),
    integer(a.acctOutputOctets, 518),
    integer(a.acctSessionTime, 61),
  ];
  const view = (side: number) => ofVendor(vendors.coova, integer(10, side));

  test('a report that is signed gets its answer signed, the way FreeRADIUS reckons', async () => {
    const { nas, server } = await start(one({}));
    const proxied = text(a.proxyState, 'p');
    const request = accountingRequest(statusTypes.start, [unsignedMac, proxied]);
    const { raw } = await nas.ask(server.acctPort, request);
    const bare = Buffer.from(raw).fill(0, 4, 20).fill(0, 22, 38);
    const sum = createHmac('md5', 'testing123').update(bare).digest('hex');
    expect([raw[20], raw.subarray(22, 38).toString('hex')]).toEqual([a.messageAuthenticator, sum]);
    const asked = Buffer.concat([raw.subarray(0, 4), request.subarray(4, 20), raw.subarray(20)]);
    const digest = createHash('md5').update(asked).update('testing123').digest();
    expect(raw.subarray(4, 20)).toEqual(digest);
  });

  test('a stop, from the guest’s side', async () => {
    const house = one({});
    const { nas, server, clock } = await start(house);
    const request = accountingRequest(statusTypes.stop, [
      ...counters,
      integer(a.acctTerminateCause, 4),
      text(a.acctMultiSessionId, 'multi'),
      text(a.class, 'theirs'),
      text(a.class, 'v1:session-1'),
      integer(a.acctDelayTime, 30),
      text(a.calledStationId, 'AA-BB-CC-DD-EE-FF:Cafe'),
      text(a.proxyState, 'p'),
    ]);
    const reply = await nas.ask(server.acctPort, request);
    expect([reply.code, wellAnswered(reply, request)]).toEqual([codes.accountingResponse, true]);
    expect(all(reply, a.proxyState).map(String)).toEqual(['p']);
    expect(house.reports).toEqual([
      {
        gatewayId: 'gw-1',
        kind: 'stop',
        mac: MAC,
        nasSession: 'nas-1',
        multiSession: 'multi',
        sessionId: 'session-1',
        bytesIn: 518,
        bytesOut: 2 ** 32 + 480,
        seconds: 61,
        ap: 'aa:bb:cc:dd:ee:ff',
        ssid: 'Cafe',
        reason: 'idle-timeout',
        at: clock.now - 30_000,
      },
    ]);
  });

  test.each([
    ['as the NAS counts', {}, [], [518, 2 ** 32 + 480]],
    ['swapped', { swapOctets: true }, [], [2 ** 32 + 480, 518]],
    ['Coova says: the NAS’s view', { swapOctets: true }, [view(1)], [518, 2 ** 32 + 480]],
    ['Coova says: the client’s view', {}, [view(2)], [2 ** 32 + 480, 518]],
  ])('directions %s', async (_name, settings, more, expected) => {
    const house = one(settings);
    const { nas, server } = await start(house);
    await nas.ask(server.acctPort, accountingRequest(statusTypes.interim, [...counters, ...more]));
    expect(house.reports.map(({ bytesIn, bytesOut }) => [bytesIn, bytesOut])).toEqual([expected]);
  });

  test.each([
    ['Event-Timestamp near the truth', [integer(a.eventTimestamp, 1_699_999_800)], -200_000],
    ['Event-Timestamp of another day', [integer(a.eventTimestamp, 1_600_000_000)], 0],
    ['a delay of a year', [integer(a.acctDelayTime, 31_536_000)], -86_400_000],
  ])('the time: %s', async (_name, list, offset) => {
    const house = one({});
    const { nas, server, clock } = await start(house);
    await nas.ask(server.acctPort, accountingRequest(statusTypes.start, list));
    expect(house.reports[0]?.at).toBe(clock.now + offset);
  });

  test('counters that no number holds are left out', async () => {
    const house = one({});
    const { nas, server } = await start(house);
    const list = [integer(a.acctInputOctets, 1), integer(a.acctInputGigawords, 2 ** 31)];
    await nas.ask(server.acctPort, accountingRequest(statusTypes.interim, list));
    expect(house.reports[0]).not.toHaveProperty('bytesOut');
  });

  test.each([statusTypes.on, statusTypes.off])(
    'status %d: the gateway restarted',
    async (status) => {
      const house = one({});
      const { nas, server, clock } = await start(house);
      await nas.ask(server.acctPort, accountingRequest(status, [], { mac: '', session: '' }));
      expect(house.restarts).toEqual([{ gatewayId: 'gw-1', at: clock.now }]);
      expect(house.reports).toEqual([]);
    },
  );

  test.each([
    ['without a MAC', 1, { mac: '' }],
    ['without a session', 1, { session: '' }],
    ['of another status', 15, {}],
    ['without a status', 0, {}],
  ])('%s: acknowledged, as no repetition would help', async (_name, status, options) => {
    const house = one({});
    const { nas, server } = await start(house);
    const reply = await nas.ask(server.acctPort, accountingRequest(status, [], options));
    expect(reply.code).toBe(codes.accountingResponse);
    expect(house.reports).toEqual([]);
  });

  test('what could not be kept is not acknowledged; the next try is', async () => {
    const house = one({});
    house.away = true;
    const { nas, server, counts } = await start(house);
    const request = accountingRequest(statusTypes.start, []);
    nas.send(server.acctPort, request);
    await soon(
      () => counts['not-kept'],
      (n) => n > 0,
    );
    house.away = false;
    expect((await nas.ask(server.acctPort, request)).code).toBe(codes.accountingResponse);
    expect([nas.received.length, house.reports.length]).toEqual([1, 1]);
  });

  test('a forged one is not kept', async () => {
    const house = one({});
    await start(house);
    await silence(accountingRequest(1, [], { secret: 'wrong' }), 'wrong-secret', 'acct');
    expect(house.reports).toEqual([]);
  });
});
