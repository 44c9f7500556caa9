/** Portal 2.0 octets: recorded vectors both ways, exact sizes, and damage that must be refused. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Portal2Attribute, Portal2Message } from '../../portal/gateways/portal2-packet.ts';
import {
  ATTRIBUTE,
  attribute,
  chapPassword,
  decodePortal2,
  encodePortal2,
  headerOf,
  ipv4Octets,
  macOctets,
  macOf,
  provesSecret,
  TYPE,
  valueOf,
} from '../../portal/gateways/portal2-packet.ts';

const SECRET = 'portalsecret';
const CHALLENGE = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const USER = attribute(ATTRIBUTE.userName, 'user1');
const CHAP = Buffer.from('efe31a83bd6cc0f77cc275b2b8e4675e', 'hex');

interface Vector {
  name: string;
  message: Partial<Portal2Message> & { type: number };
  /** Name of the request it answers. */
  answers?: string;
  hex: string;
}

const VECTORS: Vector[] = [
  {
    name: 'REQ_CHALLENGE',
    message: { type: TYPE.reqChallenge },
    hex: '02010000123400000a00001700000000 320d42c4d79f66ce856805071222c3e3',
  },
  {
    name: 'ACK_CHALLENGE',
    answers: 'REQ_CHALLENGE',
    message: {
      type: TYPE.ackChallenge,
      reqId: 0xa7,
      attributes: [attribute(ATTRIBUTE.challenge, CHALLENGE)],
    },
    hex: '02020000123400a70a00001700000001 337561d7785e69557e28c048d3dca8ed 0312000102030405060708090a0b0c0d0e0f',
  },
  {
    name: 'REQ_AUTH with CHAP',
    message: {
      type: TYPE.reqAuth,
      reqId: 0xa7,
      attributes: [
        USER,
        attribute(ATTRIBUTE.challenge, CHALLENGE),
        attribute(ATTRIBUTE.chapPassword, CHAP),
      ],
    },
    hex: '02030000123400a70a00001700000003 f3d20e00ee1282f7469422e7b1ffe918 01077573657231 0312000102030405060708090a0b0c0d0e0f 0412efe31a83bd6cc0f77cc275b2b8e4675e',
  },
  {
    name: 'ACK_AUTH',
    answers: 'REQ_AUTH with CHAP',
    message: { type: TYPE.ackAuth, reqId: 0xa7 },
    hex: '02040000123400a70a00001700000000 1bb9637c47a5b7f453bcd70938ca4685',
  },
  {
    name: 'AFF_ACK_AUTH',
    message: { type: TYPE.affAckAuth, reqId: 0xa7 },
    hex: '02070000123400a70a00001700000000 fe578d8731b7d75320600247025b1aad',
  },
  {
    name: 'REQ_AUTH with PAP',
    message: {
      type: TYPE.reqAuth,
      pap: true,
      attributes: [USER, attribute(ATTRIBUTE.password, 'pass1')],
    },
    hex: '02030100123400000a00001700000002 bec97253fc0b8cea6a8a695a1bc219c8 01077573657231 02077061737331',
  },
  {
    name: 'REQ_LOGOUT',
    message: { type: TYPE.reqLogout, serial: 0x1235 },
    hex: '02050000123500000a00001700000000 25908d82d3bde66375cdaa8c06ab7130',
  },
  {
    name: 'NTF_LOGOUT',
    message: { type: TYPE.ntfLogout, serial: 0x1236 },
    hex: '02080000123600000a00001700000000 d95d84d248aa01f402176c36f985c13f',
  },
  {
    name: 'ACK_NTF_LOGOUT',
    answers: 'NTF_LOGOUT',
    message: { type: TYPE.ackNtfLogout, serial: 0x1236 },
    hex: '020e0000123600000a00001700000000 05789e16ac551db68de410e5ab221a55',
  },
];

const bytesOf = (name: string | undefined): Buffer => {
  const vector = VECTORS.find((one) => one.name === name);
  return Buffer.from(vector?.hex.replaceAll(' ', '') ?? '', 'hex');
};
const seedOf = ({ answers }: Vector): Buffer | null =>
  answers === undefined ? null : bytesOf(answers).subarray(16, 32);
const full = (message: Vector['message']): Portal2Message => ({
  version: 2,
  pap: false,
  serial: 0x1234,
  reqId: 0,
  ip: '10.0.0.23',
  error: 0,
  attributes: [],
  ...message,
});

describe('recorded packets', () => {
  test.each(VECTORS)('$name is written octet by octet', (vector) => {
    const written = encodePortal2(full(vector.message), 32, SECRET, seedOf(vector));
    expect(written.toString('hex')).toBe(bytesOf(vector.name).toString('hex'));
  });

  test.each(VECTORS)('$name is read back, and proves the secret', (vector) => {
    const bytes = bytesOf(vector.name);
    expect(decodePortal2(bytes, 32)).toMatchObject(full(vector.message));
    expect(provesSecret(bytes, SECRET, seedOf(vector))).toBe(true);
    expect(provesSecret(bytes, 'portalsecreT', seedOf(vector))).toBe(false);
  });

  test('the CHAP password covers the low octet of ReqID', () => {
    expect(chapPassword(0x00a7, 'pass1', CHALLENGE)).toEqual(CHAP);
    expect(chapPassword(0x5ca7, 'pass1', CHALLENGE)).toEqual(CHAP);
    expect(chapPassword(0x00a8, 'pass1', CHALLENGE)).not.toEqual(CHAP);
  });

  test('a reply to another request proves nothing', () => {
    const other = bytesOf('REQ_LOGOUT').subarray(16, 32);
    expect(provesSecret(bytesOf('ACK_AUTH'), SECRET, other)).toBe(false);
    expect(provesSecret(bytesOf('ACK_AUTH'), SECRET)).toBe(false);
  });

  test('without room for an authenticator 16 octets come before the attributes', () => {
    const message = full({ type: TYPE.reqAuth, version: 1, attributes: [USER] });
    const bytes = encodePortal2(message, headerOf(1), SECRET);
    expect(bytes.toString('hex')).toBe('01030000123400000a0000170000000101077573657231');
    expect(decodePortal2(bytes, 16)).toMatchObject({ ...message, authenticator: null });
    expect(provesSecret(bytes, SECRET)).toBe(false);
  });

  test.each([
    [1, undefined, 16],
    [2, undefined, 32],
    [2, 16, 16],
    [1, 32, 32],
  ] as const)('version %s, told %s: %s octets', (version, told, size) =>
    expect(headerOf(version, told)).toBe(size),
  );
});

describe('what is refused', () => {
  const good = bytesOf('REQ_AUTH with CHAP');
  const changed = (at: number, to: number): Buffer => {
    const bytes = Buffer.from(good);
    bytes[at] = to;
    return bytes;
  };

  test.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['a header cut short', good.subarray(0, 31)],
    ['a last octet missing', good.subarray(0, -1)],
    ['an octet too much', Buffer.concat([good, Buffer.alloc(1)])],
    ['more attributes than counted', changed(15, 2)],
    ['fewer attributes than counted', changed(15, 4)],
    ['an attribute shorter than its head', changed(33, 1)],
    ['an attribute of length 0', changed(33, 0)],
    ['an attribute beyond the end', changed(33, 255)],
    ['version 0', changed(0, 0)],
    ['version 3', changed(0, 3)],
    ['more than 1024 octets', Buffer.concat([good, Buffer.alloc(1024)])],
  ])('%s', (_name, bytes) => expect(decodePortal2(bytes, 32)).toBeNull());

  test('unknown attributes are read over', () => {
    const odd = attribute(0x26, Buffer.from([1, 2, 3]));
    const message = full({ type: TYPE.reqAuth, attributes: [odd, USER] });
    const packet = decodePortal2(encodePortal2(message, 32, SECRET), 32);
    expect(packet === null ? null : valueOf(packet, ATTRIBUTE.userName)?.toString()).toBe('user1');
  });

  test('what does not fit is not written', () => {
    const long = attribute(ATTRIBUTE.userName, 'x'.repeat(254));
    const many = Array.from({ length: 5 }, () => attribute(ATTRIBUTE.text, 'x'.repeat(250)));
    const write = (more: Partial<Portal2Message>) => () =>
      encodePortal2({ ...full({ type: TYPE.reqAuth }), ...more }, 32, SECRET);
    expect(write({ attributes: [long] })).toThrow(RangeError);
    expect(write({ attributes: many })).toThrow(RangeError);
    expect(write({ ip: '2001:db8::1' })).toThrow(RangeError);
  });

  test.each(['10.0.0.256', '10.0.0', '10.0.0.1.2', 'x', ''])('%s is no address', (text) =>
    expect(ipv4Octets(text)).toBeNull(),
  );

  test('a MAC is six octets', () => {
    expect(macOf(macOctets('02:aa:00:00:00:50'))).toBe('02:aa:00:00:00:50');
    expect(macOf(Buffer.alloc(5))).toBeNull();
    expect(macOf(null)).toBeNull();
  });
});

const attributes: fc.Arbitrary<Portal2Attribute[]> = fc.array(
  fc.record({
    type: fc.integer({ min: 0, max: 255 }),
    value: fc.uint8Array({ maxLength: 90 }).map((value) => Buffer.from(value)),
  }),
  { maxLength: 8 },
);
const messages: fc.Arbitrary<Portal2Message> = fc.record({
  version: fc.constantFrom(1 as const, 2 as const),
  type: fc.integer({ min: 0, max: 255 }),
  pap: fc.boolean(),
  serial: fc.integer({ min: 0, max: 65_535 }),
  reqId: fc.integer({ min: 0, max: 65_535 }),
  ip: fc.ipV4(),
  error: fc.integer({ min: 0, max: 255 }),
  attributes,
});
const headers = fc.constantFrom(16 as const, 32 as const);

describe('any packet', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(messages, headers, (message, header) => {
        const bytes = encodePortal2(message, header, SECRET);
        expect(decodePortal2(bytes, header)).toMatchObject(message);
        expect(provesSecret(bytes, SECRET)).toBe(header === 32);
      }),
    );
  });

  test('with one bit changed proves nothing any more', () => {
    fc.assert(
      fc.property(messages, fc.nat(), fc.integer({ min: 0, max: 7 }), (message, at, bit) => {
        const bytes = encodePortal2(message, 32, SECRET);
        const place = at % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ (1 << bit);
        expect(provesSecret(bytes, SECRET)).toBe(false);
      }),
    );
  });

  test('of random octets is read within its bounds or not at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1100 }), headers, (octets, header) => {
        const bytes = Buffer.from(octets);
        if (bytes.length > 15) bytes[0] = 1 + ((bytes[0] ?? 0) % 2);
        const packet = decodePortal2(bytes, header);
        if (packet === null) return;
        const size = packet.attributes.reduce((sum, { value }) => sum + 2 + value.length, 0);
        expect(header + size).toBe(bytes.length);
        expect(packet.attributes.length).toBe(bytes[15]);
      }),
    );
  });
});
