/** The RADIUS codec and what proves a packet: recorded vectors, bounds, and damage of every kind. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  calledStation,
  inBlock,
  macIn,
  unmapped,
  writeMac,
} from '../../portal/radius/addresses.ts';
import { attributes as a, codes, vendors } from '../../portal/radius/dictionary.ts';
import type { Packet } from '../../portal/radius/packet.ts';
import {
  address,
  addressIn,
  all,
  authenticatorOf,
  decode,
  encode,
  first,
  firstOfVendor,
  integer,
  numberIn,
  octets,
  ofVendor,
  text,
  textIn,
} from '../../portal/radius/packet.ts';
import {
  chapPassword,
  chapProves,
  hidePassword,
  requestProof,
  responseProof,
  revealPassword,
  samePassword,
  signRequest,
  signResponse,
  unsignedMac,
} from '../../portal/radius/signing.ts';

const vectors = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../fixtures/radius/packets.json'), 'utf8'),
) as Record<string, string>;
const { secret = '' } = vectors;
const hex = (name: string): Buffer => Buffer.from(vectors[name] ?? '', 'hex');

function packetOf(raw: Buffer | null): Packet {
  const decoded = decode(raw ?? Buffer.alloc(0));
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.packet;
}
const counted = (n: number): Buffer => Buffer.from(Array.from({ length: n }, (_, i) => i));
const store = text(a.nasIdentifier, 'store-1');

describe('recorded packets', () => {
  test('an Access-Request is read, verified, and its password revealed', () => {
    const packet = packetOf(hex('accessRequest'));
    expect(requestProof(packet, secret)).toBe('signed');
    expect(requestProof(packet, 'testing124')).toBe('wrong');
    expect(textIn(first(packet, a.userName))).toBe('guest1');
    expect(addressIn(first(packet, a.nasIpAddress))).toBe('127.0.0.1');
    expect(textIn(first(packet, a.calledStationId))).toBe('AA-BB-CC-DD-EE-FF:GuestWiFi');
    const hidden = first(packet, a.userPassword)!;
    expect(revealPassword(hidden, authenticatorOf(packet), secret)?.toString()).toBe('pw1');
  });

  test('the same request is written to the octet', () => {
    const authenticator = counted(16);
    const raw = encode(codes.accessRequest, 7, authenticator, [
      unsignedMac,
      text(a.userName, 'guest1'),
      octets(a.userPassword, hidePassword(Buffer.from('pw1'), authenticator, secret)),
      address(a.nasIpAddress, '127.0.0.1')!,
      store,
      text(a.callingStationId, '02-00-00-00-00-50'),
      text(a.calledStationId, 'AA-BB-CC-DD-EE-FF:GuestWiFi'),
      integer(a.nasPortType, 19),
      integer(a.serviceType, 1),
    ])!;
    expect(signRequest(raw, secret).toString('hex')).toBe(vectors['accessRequest']);
  });

  test('an Access-Accept with Message-Authenticator first', () => {
    const request = authenticatorOf(packetOf(hex('accessRequest')));
    const raw = encode(codes.accessAccept, 7, request, [
      unsignedMac,
      integer(a.sessionTimeout, 3600),
      integer(a.idleTimeout, 600),
      integer(a.acctInterimInterval, 300),
      text(a.class, 'v1:abc'),
      ofVendor(vendors.wispr, integer(8, 2_000_000)),
      ofVendor(vendors.mikrotik, text(8, '1M/2M')),
    ])!;
    expect(signResponse(raw, request, secret).toString('hex')).toBe(vectors['accessAccept']);
    const packet = packetOf(hex('accessAccept'));
    expect(responseProof(packet, request, secret)).toBe('signed');
    expect(responseProof(packet, Buffer.alloc(16), secret)).toBe('wrong');
    expect(numberIn(firstOfVendor(packet, vendors.wispr, 8))).toBe(2_000_000);
    expect(textIn(firstOfVendor(packet, vendors.mikrotik, 8))).toBe('1M/2M');
  });

  test('an Accounting-Request and its response', () => {
    const stop = packetOf(hex('accountingStop'));
    expect(requestProof(stop, secret)).toBe('plain');
    expect(requestProof(stop, 'other')).toBe('wrong');
    const request = authenticatorOf(stop);
    const raw = encode(codes.accountingResponse, 8, request, [])!;
    expect(signResponse(raw, request, secret).toString('hex')).toBe(vectors['accountingResponse']);
    expect(responseProof(packetOf(hex('accountingResponse')), request, secret)).toBe('plain');
  });

  test('a Disconnect-Request', () => {
    const raw = encode(codes.disconnectRequest, 9, null, [
      unsignedMac,
      store,
      text(a.acctSessionId, 'sess-0001'),
      text(a.callingStationId, '02-00-00-00-00-50'),
      integer(a.eventTimestamp, 1_700_000_000),
    ])!;
    expect(signRequest(raw, secret).toString('hex')).toBe(vectors['disconnectRequest']);
    expect(requestProof(packetOf(raw), secret)).toBe('signed');
  });

  test('the hidden password of RFC 2865 section 7.1', () => {
    const authenticator = hex('papAuthenticator');
    const password = Buffer.from(vectors['papPassword'] ?? '');
    const hidden = hidePassword(password, authenticator, vectors['papSecret'] ?? '');
    expect(hidden.toString('hex')).toBe(vectors['papHidden']);
  });
});

describe('what is malformed gets a name', () => {
  const header = (length: number, size = length): Buffer => {
    const raw = Buffer.alloc(size);
    raw[0] = 1;
    raw.writeUInt16BE(length, 2);
    return raw;
  };
  const withAttributes = (...list: number[][]): Buffer => {
    const body = Buffer.from(list.flat());
    return Buffer.concat([header(20 + body.length, 20), body]);
  };

  const empty = (n: number): number[][] => Array.from({ length: n }, () => [1, 2]);

  test.each([
    ['nothing', Buffer.alloc(0), 'too-short'],
    ['19 octets', header(20, 19), 'too-short'],
    ['a length of 19', header(19, 40), 'too-short'],
    ['a length of 4097', header(4097), 'too-long'],
    ['fewer octets than the length says', header(60, 59), 'truncated'],
    ['half an attribute', withAttributes([1]), 'bad-attribute'],
    ['an attribute of length 0', withAttributes([1, 0, 5]), 'bad-attribute'],
    ['an attribute of length 1', withAttributes([1, 1, 5]), 'bad-attribute'],
    ['an attribute that runs past the end', withAttributes([1, 5, 1, 1]), 'bad-attribute'],
    ['513 attributes', withAttributes(...empty(513)), 'too-many'],
  ])('%s', (_name, raw, reason) => {
    expect(decode(raw)).toEqual({ ok: false, reason });
  });

  test('padding behind the length is ignored, 512 attributes are not too many', () => {
    const padded = Buffer.concat([hex('accessRequest'), Buffer.from('garbage')]);
    expect(packetOf(padded).raw.equals(hex('accessRequest'))).toBe(true);
    expect(packetOf(withAttributes(...empty(512))).offsets).toHaveLength(512);
  });

  test('a vendor attribute whose inside does not parse stays what it is', () => {
    const wrong = octets(a.vendorSpecific, Buffer.from([0, 0, 55, 42, 8, 200, 1, 2]));
    const packet = packetOf(encode(1, 1, null, [wrong, integer(a.sessionTimeout, 5)]));
    expect(firstOfVendor(packet, vendors.wispr, 8)).toBeUndefined();
    expect(all(packet, a.vendorSpecific)).toEqual([wrong.value]);
    expect(numberIn(first(packet, a.sessionTimeout))).toBe(5);
  });

  test('several parts in one vendor attribute', () => {
    const inside = Buffer.from([0, 0, 55, 42, 7, 6, 0, 0, 0, 9, 8, 6, 0, 0, 0, 7]);
    const packet = packetOf(encode(1, 1, null, [octets(a.vendorSpecific, inside)]));
    expect(numberIn(firstOfVendor(packet, vendors.wispr, 8))).toBe(7);
  });

  test('what does not fit is not written', () => {
    expect(encode(1, 1, null, [octets(1, Buffer.alloc(254))])).toBeNull();
    const many = Array.from({ length: 15 }, () => octets(a.proxyState, Buffer.alloc(253)));
    expect(encode(1, 1, null, many)?.length).toBe(20 + 15 * 255);
    expect(encode(1, 1, null, [...many, octets(1, Buffer.alloc(252))])).toBeNull();
  });

  test('text is cut between characters, and control characters do not get in', () => {
    const cut = text(a.replyMessage, `${'x'.repeat(252)}é`).value;
    expect(cut.toString()).toBe('x'.repeat(252));
    expect(textIn(Buffer.from(' a\u0000b\u001b[31m\n'))).toBe('a b [31m');
    expect(textIn(Buffer.from([0xe9, 0x74]))).toBe('ét');
  });
});

describe('attribute 80', () => {
  const request = (list: Parameters<typeof encode>[3]): Packet =>
    packetOf(signRequest(encode(codes.accessRequest, 1, counted(16), list)!, secret));

  test.each([
    ['absent', [store], 'plain'],
    ['once', [unsignedMac, store], 'signed'],
    ['at the end', [store, unsignedMac], 'signed'],
    ['twice', [unsignedMac, store, unsignedMac], 'wrong'],
    ['too short', [octets(a.messageAuthenticator, Buffer.alloc(15))], 'wrong'],
    ['too long', [octets(a.messageAuthenticator, Buffer.alloc(17))], 'wrong'],
  ])('%s', (_name, list, proof) => {
    expect(requestProof(request(list), secret)).toBe(proof);
  });

  test('in an Accounting-Request both it and the authenticator must verify', () => {
    const raw = encode(codes.accountingRequest, 1, null, [unsignedMac, store])!;
    expect(requestProof(packetOf(signRequest(raw, secret)), secret)).toBe('signed');
    const unsigned = Buffer.from(raw);
    unsigned[25]! ^= 1;
    expect(requestProof(packetOf(unsigned), secret)).toBe('wrong');
  });

  test('secrets longer than a block of the hash', () => {
    const long = 'k'.repeat(100);
    const raw = signRequest(encode(codes.accessRequest, 1, counted(16), [unsignedMac])!, long);
    expect(requestProof(packetOf(raw), long)).toBe('signed');
    expect(requestProof(packetOf(raw), 'k'.repeat(99))).toBe('wrong');
  });
});

describe('passwords', () => {
  test.each(['', 'x', 'sixteen octets!!', 'seventeen octets!', 'p'.repeat(128), 'ключ 密码'])(
    'PAP carries %j there and back',
    (password) => {
      const hidden = hidePassword(Buffer.from(password), counted(16), secret);
      expect(hidden.length % 16).toBe(0);
      expect(revealPassword(hidden, counted(16), secret)?.toString()).toBe(password);
    },
  );

  test.each([0, 1, 15, 17, 144])('PAP of %d octets is none', (length) => {
    expect(revealPassword(Buffer.alloc(length), counted(16), secret)).toBeNull();
  });

  test('CHAP proves the password it was made from', () => {
    const challenge = counted(16);
    const sent = chapPassword(7, Buffer.from('pw1'), challenge);
    expect(chapProves(sent, challenge, Buffer.from('pw1'))).toBe(true);
    expect(chapProves(sent, challenge, Buffer.from('pw2'))).toBe(false);
    expect(chapProves(sent.subarray(0, 16), challenge, Buffer.from('pw1'))).toBe(false);
  });

  test('the same password, of any length', () => {
    const is = (one: string, other: string): boolean =>
      samePassword(Buffer.from(one), Buffer.from(other));
    expect([is('abc', 'abc'), is('', '')]).toEqual([true, true]);
    expect([is('abc', 'abd'), is('abc', 'ab'), is('abc', 'abc\u0000')]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe('addresses', () => {
  test.each([
    'AABBCCDDEEFF',
    'aa-bb-cc-dd-ee-ff',
    'AA:BB:CC:DD:EE:FF',
    'aabb.ccdd.eeff',
    'aabb-ccdd-eeff',
    'AABBCC-DDEEFF',
  ])('%s is a MAC', (words) => {
    expect(macIn(words)).toBe('aa:bb:cc:dd:ee:ff');
  });

  test.each(['', 'aabbccddeef', 'aa-bb:cc-dd-ee-ff', 'gg:bb:cc:dd:ee:ff', '00-00-00-00-00-00'])(
    '%j is none',
    (words) => {
      expect(macIn(words)).toBeNull();
    },
  );

  test.each([
    ['AA-BB', 'AA-BB-CC-DD-EE-FF'],
    ['AA:BB', 'AA:BB:CC:DD:EE:FF'],
    ['aa-bb', 'aa-bb-cc-dd-ee-ff'],
    ['aa:bb', 'aa:bb:cc:dd:ee:ff'],
    ['aabb', 'aabbccddeeff'],
    ['AABB', 'AABBCCDDEEFF'],
    ['aabb-ccdd-eeff', 'aabb-ccdd-eeff'],
  ] as const)('written as %s', (form, words) => {
    expect(writeMac('aa:bb:cc:dd:ee:ff', form)).toBe(words);
  });

  test.each([
    ['AA-BB-CC-DD-EE-FF:Guest: WiFi', { ap: 'aa:bb:cc:dd:ee:ff', ssid: 'Guest: WiFi' }],
    ['AA-BB-CC-DD-EE-FF:', { ap: 'aa:bb:cc:dd:ee:ff' }],
    ['aabbccddeeff:Cafe', { ap: 'aa:bb:cc:dd:ee:ff', ssid: 'Cafe' }],
    ['aabb.ccdd.eeff', { ap: 'aa:bb:cc:dd:ee:ff' }],
    ['hotspot1', {}],
    ['', {}],
  ])('Called-Station-Id %j', (words, place) => {
    expect(calledStation(words)).toEqual(place);
  });

  test.each([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['::ffff:10.1.2.3', '10.1.2.2/31', true],
    ['10.1.2.3', '0.0.0.0/0', true],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['2001:db8::1', '10.0.0.0/8', false],
    ['10.1.2.3', '10.0.0.0/33', false],
    ['10.1.2.3', '10.0.0.0/', false],
    ['10.1.2.3', 'nonsense', false],
  ])('%s in %s: %s', (ip, block, is) => {
    expect(inBlock(ip, block)).toBe(is);
  });

  test('IPv6 there and back', () => {
    for (const ip of ['2001:db8::1', '::', '1:2:3:4:5:6:7:8', 'fe80::1:0:0:2'])
      expect(addressIn(address(95, ip)?.value)).toBe(
        new URL(`http://[${ip}]`).hostname.slice(1, -1),
      );
    expect(unmapped('::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(unmapped('2001:db8::1')).toBe('2001:db8::1');
  });
});

describe('damage', () => {
  const genuine = ['accessRequest', 'accountingStop', 'disconnectRequest'].map(hex);

  test('no octets make the codec throw, and what it reads it writes again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const raw = Buffer.from(bytes);
        if (raw.length >= 4) raw.writeUInt16BE(raw.length, 2);
        const decoded = decode(raw);
        if (!decoded.ok) return;
        const { packet } = decoded;
        requestProof(packet, secret);
        responseProof(packet, counted(16), secret);
        const list = packet.offsets.map((at) =>
          octets(raw[at]!, raw.subarray(at + 2, at + raw[at + 1]!)),
        );
        expect(encode(packet.code, packet.id, authenticatorOf(packet), list)).toEqual(raw);
      }),
      { numRuns: 5_000 },
    );
  });

  test('no changed octet is believed', () => {
    fc.assert(
      fc.property(fc.nat(2), fc.nat(200), fc.integer({ min: 1, max: 255 }), (which, at, flip) => {
        const raw = Buffer.from(genuine[which]!);
        raw[at % raw.length]! ^= flip;
        const decoded = decode(raw);
        if (!decoded.ok) return;
        const proof = requestProof(decoded.packet, secret);
        // Attribute 80 itself may have become another, or the code one that proves nothing without it.
        const proven = proof === 'signed' || (proof === 'plain' && [4, 40, 43].includes(raw[0]!));
        expect(proven).toBe(false);
      }),
      { numRuns: 5_000 },
    );
  });
});
