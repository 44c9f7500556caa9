/** A guest's way through the portal behind a real gateway, whatever stands behind the portal. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { createGuest, headingOf, refreshOf } from './guest.ts';
import type { Sheet } from './guest.ts';
import type { Rig } from './rig.ts';

/** The guest's network card, as rig.sh makes it. */
export const MAC = '02:00:00:00:00:50';

/** What the gateway itself thinks of the guest. */
export const gatewaySays = (rig: Rig): string =>
  (JSON.parse(rig.run('gw', ['ndsctl', 'json', MAC]) || '{}') as { state?: string }).state ??
  'gone';

export async function eventually<T>(read: () => T, fits: (value: T) => boolean): Promise<T> {
  let value = read();
  for (let tries = 0; tries < 60 && !fits(value); tries++) {
    await delay(500);
    value = read();
  }
  return value;
}

/** As a phone without scripts does: follows the page's own refresh until it stays. */
export async function settle(rig: Rig, sheet: Sheet): Promise<Sheet> {
  const guest = createGuest(rig);
  let now = sheet;
  for (let turn = 0; turn < 20; turn++) {
    const refresh = refreshOf(now.html);
    if (refresh === null || headingOf(now.html) === 'You are online') return now;
    await delay(refresh.seconds * 1000);
    now = guest.follow(now, refresh.url);
  }
  return now;
}

/** From the captured request to the welcome page, proving an e-mail address on the way. */
export async function walkInByMail(
  rig: Rig,
  address: string,
  readCode: () => string,
  consent: Record<string, string> = {},
): Promise<Sheet> {
  const guest = createGuest(rig);
  let sheet = guest.get('http://captive.test/');
  expect(headingOf(sheet.html)).toBe('Free WiFi');
  sheet = guest.submit(sheet, { method: 'email-code' });
  sheet = guest.submit(sheet, { value: address });
  sheet = guest.submit(sheet, { value: readCode() });
  expect(headingOf(sheet.html)).toBe('Almost there');
  sheet = guest.submit(sheet, consent);
  expect(headingOf(sheet.html)).toBe('One question');
  return settle(rig, guest.submit(sheet, { skip: 'yes' }));
}
