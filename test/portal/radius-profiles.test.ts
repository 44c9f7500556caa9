/** One plan in each vendor's attributes: every unit, every direction, and halves of large volumes. */
import { describe, expect, test } from '@jest/globals';
import type { VendorProfile } from '../../portal/ports-store.ts';
import { attributes as a, vendors } from '../../portal/radius/dictionary.ts';
import { decode, encode, firstOfVendor, numberIn, textIn } from '../../portal/radius/packet.ts';
import type { Plan } from '../../portal/radius/profiles.ts';
import {
  limitAttributes,
  planOf,
  profiles,
  sessionClass,
  sessionInClasses,
} from '../../portal/radius/profiles.ts';
import { grantOf } from '../../scripts/lib/radius-house.ts';

const plan: Plan = {
  seconds: 3_600,
  idleSeconds: 900,
  interimSeconds: 300,
  downKbps: 2_048,
  upKbps: 512,
  downOctets: 5 * 2 ** 32 + 7,
  upOctets: 9,
};
const none: Plan = { ...plan, seconds: 0, downKbps: 0, upKbps: 0, downOctets: 0, upOctets: 0 };
const names = Object.keys(profiles) as VendorProfile[];

/** Every attribute as `type` or `vendor/type`, with its value. */
function said(profile: VendorProfile, limits: Plan): Record<string, number | string> {
  return Object.fromEntries(
    limitAttributes(profile, limits).map(({ type, value }) => {
      if (type !== a.vendorSpecific) return [String(type), value.readUInt32BE(0)];
      const inside = value.subarray(6);
      const name = `${value.readUInt32BE(0)}/${value[4]}`;
      return [name, name === '14988/8' ? inside.toString() : inside.readUInt32BE(0)];
    }),
  );
}

const common = { 27: 3_600, 28: 900, 85: 300 };
// WISPr counts bit/s: 7 is from the guest, 8 towards the guest.
const wispr = { '14122/7': 512_000, '14122/8': 2_048_000 };

describe('limits', () => {
  test.each<[VendorProfile, Record<string, number | string>]>([
    ['plain', common],
    ['wispr', { ...common, ...wispr }],
    // kbit/s: 4 from, 5 towards the guest. Octets: 1 from, 2 towards; upper halves 21 and 22.
    [
      'coova',
      {
        ...common,
        ...wispr,
        '14559/4': 512,
        '14559/5': 2_048,
        '14559/1': 9,
        '14559/2': 7,
        '14559/22': 5,
      },
    ],
    // "from/towards"; octets: 1 received from the guest, 2 sent to the guest; upper halves 14 and 15.
    [
      'mikrotik',
      {
        ...common,
        ...wispr,
        '14988/8': '512k/2048k',
        '14988/1': 9,
        '14988/2': 7,
        '14988/15': 5,
      },
    ],
    // bit/s: 2 is input, from the guest; 5 output, towards the guest.
    ['huawei', { ...common, ...wispr, '2011/2': 512_000, '2011/5': 2_048_000 }],
    ['h3c', { ...common, ...wispr, '25506/2': 512_000, '25506/5': 2_048_000 }],
    ['aruba', { ...common, ...wispr }],
    // kbit/s: 7 is down, 13 is up.
    ['airespace', { ...common, ...wispr, '14179/7': 2_048, '14179/13': 512 }],
    ['ruckus', { ...common, ...wispr }],
  ])('%s', (profile, expected) => {
    expect(said(profile, plan)).toEqual(expected);
  });

  test.each(names)('%s says nothing of what is not limited', (profile) => {
    expect(said(profile, none)).toEqual({ 28: 900, 85: 300 });
  });

  test.each([
    [1_000, 0, '1M/0'],
    [0, 1_500, '0/1500k'],
    [100_000, 2_000, '100M/2M'],
  ])('MikroTik, %d up and %d down: %s', (upKbps, downKbps, words) => {
    expect(said('mikrotik', { ...plan, upKbps, downKbps })['14988/8']).toBe(words);
  });

  test('rates beyond 32 bits stay at the most that fits', () => {
    expect(said('wispr', { ...plan, downKbps: 10_000_000 })['14122/8']).toBe(2 ** 32 - 1);
  });

  test.each([
    [2 ** 32 - 1, { '14559/2': 2 ** 32 - 1 }],
    [2 ** 32, { '14559/2': 0, '14559/22': 1 }],
    [2 ** 40 + 3, { '14559/2': 3, '14559/22': 256 }],
  ])('%d octets in halves', (downOctets, halves) => {
    const all = said('coova', { ...none, downOctets });
    expect(all).toEqual({ 28: 900, 85: 300, ...halves });
  });

  test('fit a packet and are read again', () => {
    const raw = encode(2, 1, null, [...limitAttributes('mikrotik', plan), sessionClass('s-1')]);
    const decoded = decode(raw!);
    if (!decoded.ok) throw new Error(decoded.reason);
    expect(textIn(firstOfVendor(decoded.packet, vendors.mikrotik, 8))).toBe('512k/2048k');
    expect(numberIn(firstOfVendor(decoded.packet, vendors.wispr, 7))).toBe(512_000);
  });
});

describe('what is left of a grant', () => {
  const now = 1_700_000_000_000;
  test.each([
    ['time that ends', { expiresAt: now + 90_001, minutes: 60 }, 91],
    ['minutes without an end', { expiresAt: 0, minutes: 60 }, 3_600],
    ['no limit', { expiresAt: 0, minutes: 0 }, 0],
  ])('%s', (_name, grant, seconds) => {
    expect(planOf(grantOf('s', grant), 300, now)?.seconds).toBe(seconds);
  });

  test.each([
    ['unless the store says', {}, 900],
    ['as the store says', { idleMinutes: 60 }, 3_600],
    ['never', { idleMinutes: 0 }, undefined],
  ])('silence: %s', (_name, grant, idle) => {
    const left = planOf(grantOf('s', grant), 300, now)!;
    expect(said('plain', left)['28']).toBe(idle);
  });

  test('nothing', () => {
    expect(planOf(grantOf('s', { expiresAt: now }), 300, now)).toBeNull();
  });

  test('kilobytes are 1024 octets; interim updates come at most once a minute', () => {
    const grant = grantOf('s', { downQuotaKB: 3, upQuotaKB: 2 });
    expect(planOf(grant, 10, now)).toMatchObject({
      downOctets: 3_072,
      upOctets: 2_048,
      interimSeconds: 60,
    });
  });
});

describe('Class', () => {
  test.each([
    [['v1:0190-abc'], '0190-abc'],
    [['theirs', 'v1:mine'], 'mine'],
    [['v2:other'], undefined],
    [['v1:'], undefined],
    [[`v1:${'x'.repeat(62)}`], undefined],
    [['v1:a b'], undefined],
    [[], undefined],
  ])('%j', (classes, session) => {
    expect(sessionInClasses(classes.map((words) => Buffer.from(words)))).toBe(session);
  });
});
