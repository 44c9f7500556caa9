/** Who sends RADIUS packets without being registered: remembered, bounded, and counted by address. */
import { expect, test } from '@jest/globals';
import { createStrangers } from '../../portal/radius/strangers.ts';

test('strangers are counted by address, the last heard first, and a flood pushes out who is silent', () => {
  const strangers = createStrangers(3);
  for (const [at, address] of ['10.0.0.1', '10.0.0.2', '10.0.0.1'].entries())
    strangers.heard(address, at);
  expect(strangers.list()).toEqual([
    { address: '10.0.0.1', packets: 2, lastAt: 2 },
    { address: '10.0.0.2', packets: 1, lastAt: 1 },
  ]);
  for (const last of [3, 4]) strangers.heard(`10.0.0.${last}`, last);
  expect(strangers.list().map(({ address }) => address)).toEqual([
    '10.0.0.4',
    '10.0.0.3',
    '10.0.0.1',
  ]);
});
