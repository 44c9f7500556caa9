/** Where a controller may stand, and what is never connected to. */
import { describe, expect, test } from '@jest/globals';
import { LINE_DEFAULTS, openLine, refusedAddress } from '../../portal/gateways/controller-http.ts';
import { anyMac, doorUrl, mayGoTo } from '../../portal/gateways/next-hop.ts';

test.each([
  ['192.168.1.2', false],
  ['10.0.0.1', false],
  ['203.0.113.7', false],
  ['fd00::2', false],
  ['2001:db8::1', false],
  ['127.0.0.1', false],
  ['169.254.169.254', true],
  ['::ffff:169.254.169.254', true],
  ['100.100.100.200', true],
  ['fd00:ec2::254', true],
  ['0.0.0.0', true],
  ['::', true],
  ['fe80::1', true],
  ['224.0.0.1', true],
  ['255.255.255.255', true],
  ['ff02::1', true],
  ['controller.example', true],
])('a controller at %s is refused: %s', (address, refused) => {
  expect(refusedAddress(address)).toBe(refused);
});

test.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])(
  'a host of many merchants may refuse itself: %s',
  (address) => {
    expect(refusedAddress(address)).toBe(false);
    expect(refusedAddress(address, 'own-refused')).toBe(true);
  },
);

test('names are looked up before they are believed', async () => {
  const refuses = (address: string) => refusedAddress(address, 'own-refused');
  const line = openLine({ url: 'https://localhost:9' }, { ...LINE_DEFAULTS, refuses });
  expect(await line.call({ method: 'GET', path: '/' })).toEqual({
    ok: false,
    trouble: 'unreachable',
    detail: 'address refused',
  });
  line.close();
});

describe('where a browser may be sent', () => {
  test.each([
    ['10.0.0.1', 3990, true],
    ['192.168.88.1', 80, true],
    ['172.16.0.1', 443, true],
    ['100.64.0.1', 8080, true],
    ['fd12:3456::1', 80, false],
    ['[fd12:3456::1]', 80, true],
    ['10.0.0.1', 25, false],
    ['10.0.0.1', 0, false],
    ['10.0.0.1', 65_536, false],
    ['10.0.0.1', 80.5, false],
    ['8.8.8.8', 80, false],
    ['169.254.1.1', 80, false],
    ['127.0.0.1', 8080, false],
    ['0x0a000001', 80, false],
    ['door.example', 443, true],
    ['DOOR.example', 443, true],
    ['door.example', 22, false],
    ['odd.example', 22, true],
    ['odd.example', 80, false],
  ])('%s port %d: %s', (host, port, fine) => {
    expect(mayGoTo(host, port, { hosts: ['door.example', 'odd.example:22'] })).toBe(fine);
  });

  test.each([
    ['http://10.0.0.1/login', true],
    ['https://a.example/x?y=1', true],
    ['http://10.0.0.1/ login', false],
    ['http://10.0.0.1/\u0000', false],
    ['http://a@10.0.0.1/', false],
    ['http://10.0.0.1/#x', false],
    ['ftp://10.0.0.1/', false],
    ['//10.0.0.1/', false],
    ['', false],
    [null, false],
  ])('%j reads as a door: %s', (text, fine) => expect(doorUrl(text) !== null).toBe(fine));
});

test.each([
  ['AA-BB-CC-DD-EE-FF', 'aa:bb:cc:dd:ee:ff'],
  ['aabb.ccdd.eeff', 'aa:bb:cc:dd:ee:ff'],
  ['AABBCCDDEEFF', 'aa:bb:cc:dd:ee:ff'],
  ['aabbccddeef', null],
  ['gg:bb:cc:dd:ee:ff', null],
  ['---', null],
  [null, null],
])('the MAC %j', (text, wanted) => expect(anyMac(text)).toBe(wanted));
