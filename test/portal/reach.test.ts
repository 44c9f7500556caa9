/** Where the house sends to on a merchant's word, and that nothing of it slips by another way. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, test } from '@jest/globals';
import { elsewhereOnly, neverEquipment } from '../../portal/reach.ts';
import { createPortal } from '../../portal/router.ts';
import { equipmentHere } from '../../server/compose/equipment.ts';
import { fakeStore, makeFakes } from '../support/fakes.ts';

test.each([
  ['192.168.1.2', false],
  ['10.0.0.1', false],
  ['203.0.113.7', false],
  ['fd12:3456::2', false],
  ['2001:db8::1', false],
  ['127.0.0.1', false],
  ['169.254.169.254', true],
  ['::ffff:169.254.169.254', true],
  ['100.100.100.200', true],
  ['168.63.129.16', true],
  ['64:ff9b::a9fe:a9fe', true],
  ['64:ff9b::100.100.100.200', true],
  ['64:ff9b::192.168.1.2', false],
  ['64:ff9b::203.0.113.7', false],
  ['fd00:ec2::254', true],
  ['fd20:ce::254', true],
  ['fd00:c1::a9fe:a9fe', true],
  ['0.0.0.0', true],
  ['::', true],
  ['fe80::1', true],
  ['224.0.0.1', true],
  ['255.255.255.255', true],
  ['ff02::1', true],
  ['controller.example', true],
])('%s never holds equipment: %s', (address, refused) => {
  expect(neverEquipment(address)).toBe(refused);
  expect(elsewhereOnly(address)).toBe(refused || address === '127.0.0.1');
});

test('a host of many merchants sends nothing to itself, by whatever address', () => {
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const names = [
    '127.8.8.8',
    '::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    ...own.map(({ address }) => address),
  ];
  expect(names.filter((address) => !elsewhereOnly(address))).toEqual([]);
});

test.each([[true], [false]])(
  'a controller on this machine is asked where it may be: %s',
  async (equipmentHere) => {
    let calls = 0;
    const server = createServer((socket) => void (calls++, socket.destroy()));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const unifi = {
      url: `https://127.0.0.1:${port}`,
      api: 'official' as const,
      site: 'default',
      apiKey: 'k',
    };
    const gateway = { id: 'gw', kind: 'unifi' as const, name: 'Cafe', unifi };
    const settings = {
      secret: Buffer.alloc(32, 1),
      publicUrl: 'https://foyer.test',
      viewCache: true,
    };
    const { equipment } = createPortal(makeFakes().ports, { ...settings, equipmentHere });
    await expect(equipment.poll(fakeStore(), gateway)).rejects.toThrow('did not list');
    expect(calls > 0).toBe(equipmentHere);
    await equipment.close();
    await new Promise((done) => server.close(done));
  },
);

test.each([
  ['http://localhost:8080', undefined, true],
  ['http://127.0.0.1:8080', undefined, true],
  ['http://[::1]:8080', undefined, true],
  ['https://foyer.example', undefined, false],
  ['https://foyer.example', true, true],
  ['http://localhost:8080', false, false],
])('at %s, with EQUIPMENT_HERE %s: %s', (PUBLIC_URL, EQUIPMENT_HERE, allowed) => {
  expect(equipmentHere({ PUBLIC_URL, EQUIPMENT_HERE })).toBe(allowed);
});
