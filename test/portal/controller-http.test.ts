/** What a controller is never reached by, and where a browser may be sent. */
import { describe, expect, test } from '@jest/globals';
import { LINE_DEFAULTS, openLine } from '../../portal/gateways/controller-http.ts';
import { anyMac, doorUrl, mayGoTo } from '../../portal/gateways/next-hop.ts';
import { elsewhereOnly } from '../../portal/reach.ts';

test('names are looked up before they are believed', async () => {
  const options = { ...LINE_DEFAULTS, refuses: elsewhereOnly };
  const line = openLine({ url: 'https://localhost:9' }, options);
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
