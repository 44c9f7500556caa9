/** Sealed journeys: genuine ones open, all others do not; and they end. */
import { describe, expect, test } from '@jest/globals';
import {
  createSeal,
  INSIDE_MS,
  insideJourney,
  JOURNEY_MS,
  startJourney,
} from '../../portal/context.ts';
import type { InsideSession } from '../../portal/context.ts';
import { fakeStore } from '../support/fakes.ts';

const store = fakeStore();
const context = {
  gatewayId: 'g',
  kind: 'pretend',
  mac: '02:00:00:00:00:50',
  ip: '10.0.0.5',
} as const;

function sealed(secret = Buffer.alloc(32, 1)) {
  let now = 1_000_000;
  const seal = createSeal(secret, () => now);
  const journey = { ...startJourney(store, context, 'en', now), address: '+447700900123' };
  const pass = (ms: number) => (now += ms);
  return { seal, journey, text: seal.close(journey, store), pass };
}

describe('a sealed journey', () => {
  test('opens to what it was, tells nothing, and never looks the same twice', () => {
    const { seal, journey, text } = sealed();
    expect(seal.open(text, store)).toEqual({ ok: true, journey });
    expect(text).toMatch(/^[\w-]+$/);
    expect(Buffer.from(text, 'base64url').toString('latin1')).not.toContain('7700900123');
    expect(seal.close({ ...journey }, store)).not.toBe(text);
    expect(text.length).toBeLessThan(1_000);
  });

  test('of one page is one link in all its places, and a new one for a later page or another store', () => {
    const { seal, journey, text, pass } = sealed();
    pass(999);
    expect(seal.close(journey, store)).toBe(text);
    const elsewhere = fakeStore({ id: 'store-2' });
    expect(seal.open(seal.close(journey, elsewhere), elsewhere)).toEqual({ ok: true, journey });
    pass(1);
    const later = seal.close(journey, store);
    expect(later).not.toBe(text);
    pass(JOURNEY_MS - 1);
    expect(seal.open(text, store).ok).toBe(false);
    expect(seal.open(later, store).ok).toBe(true);
  });

  test('any changed character, and any other text, is refused', () => {
    const { seal, text } = sealed();
    for (let at = 0; at < text.length; at += 7) {
      const other = text[at] === 'A' ? 'B' : 'A';
      const changed = text.slice(0, at) + other + text.slice(at + 1);
      expect(seal.open(changed, store)).toEqual({ ok: false, reason: 'forged' });
    }
    for (const junk of ['', 'x', '%%%', 'A'.repeat(50), 'A'.repeat(5_000), text.slice(0, -2)])
      expect(seal.open(junk, store)).toEqual({ ok: false, reason: 'forged' });
  });

  test('belongs to its store, its merchant and its key', () => {
    const { seal, text } = sealed();
    const forged = { ok: false, reason: 'forged' };
    expect(seal.open(text, fakeStore({ id: 'store-2' }))).toEqual(forged);
    expect(seal.open(text, fakeStore({ merchantId: 'merchant-2' }))).toEqual(forged);
    expect(sealed(Buffer.alloc(32, 2)).seal.open(text, store)).toEqual(forged);
  });

  test('runs out after half an hour, and then still says whose it was', () => {
    const { seal, journey, text, pass } = sealed();
    pass(JOURNEY_MS);
    expect(seal.open(text, store).ok).toBe(true);
    pass(1);
    expect(seal.open(text, store)).toEqual({ ok: false, reason: 'expired', journey });
  });

  test.each([
    ['the session', 2 * 3_600_000, 2 * 3_600_000],
    ['half a day, if the session is longer', 48 * 3_600_000, INSIDE_MS],
  ])('inside, it lasts as long as %s', (_name, length, lasts) => {
    const { seal, journey, pass } = sealed();
    const grant = {
      sessionId: 's',
      minutes: 1,
      upKbps: 0,
      downKbps: 0,
      upQuotaKB: 0,
      downQuotaKB: 0,
    };
    const session: InsideSession = { grant, expiresAt: 1_000_000 + length, admittedAt: 1_000_000 };
    const inside = insideJourney(journey, session);
    expect(inside.address).toBeUndefined();
    const text = seal.close(inside, store);
    pass(lasts);
    expect(seal.open(text, store).ok).toBe(true);
    pass(1);
    expect(seal.open(text, store).ok).toBe(false);
  });
});
