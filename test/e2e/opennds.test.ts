/** Debian's real openNDS lets guests in through our portal: capture, journey, open door, quota, departure. */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AdmitRequest } from '../../portal/ports.ts';
import { partPresent, requirePart } from '../support/parts.ts';
import { createGuest, headingOf } from './opennds/guest.ts';
import type { Sheet } from './opennds/guest.ts';
import { startRig } from './opennds/rig.ts';
import type { Rig } from './opennds/rig.ts';
import { MAC, eventually, gatewaySays, settle, walkInByMail } from './opennds/walk.ts';

const SERVER = path.join(import.meta.dirname, 'opennds/portal-server.ts');
const withGateway = requirePart('openNDS in network namespaces (root)', partPresent.opennds);

interface State {
  sessions: { sessionId: string; state: string; mac: string }[];
  calls: { port: string; with: unknown }[];
  codes?: string;
}

async function rigAt(level: 0 | 1 | 2 | 3): Promise<Rig> {
  const node = [process.execPath, '--import', 'tsx'];
  return startRig({ level, server: [...node, SERVER, '{work}', String(level), '200'] });
}

const stateOf = (rig: Rig): State =>
  JSON.parse(rig.run('srv', ['curl', '-s', 'http://10.99.0.2:2099/'])) as State;

const callsOf = (rig: Rig, port: string): unknown[] =>
  stateOf(rig)
    .calls.filter((call) => call.port === port)
    .map((call) => call.with);

const walkIn = (rig: Rig): Promise<Sheet> =>
  walkInByMail(rig, 'Ada@lovelace.example', () => stateOf(rig).codes ?? '');

withGateway('a guest behind openNDS', () => {
  describe.each([0, 1, 2] as const)('at level %d', (level) => {
    let rig: Rig;
    beforeAll(async () => {
      rig = await rigAt(level);
    }, 240_000);
    afterAll(async () => rig?.stop());

    test('is led to the portal, walks in without script or cookie, and is online', async () => {
      const guest = createGuest(rig);
      expect(gatewaySays(rig)).not.toBe('Authenticated');
      const welcome = await walkIn(rig);
      expect({ heading: headingOf(welcome.html), logs: '' }).toEqual({
        heading: 'You are online',
        logs: headingOf(welcome.html) === 'You are online' ? '' : rig.logs(),
      });
      expect(welcome.html).toContain('HC-7Q4M-2K');
      expect(guest.get('http://anything.test/').html).toBe('the internet, anything.test\n');
      expect(gatewaySays(rig)).toBe('Authenticated');
      const [request] = callsOf(rig, 'desk.admit') as AdmitRequest[];
      expect(request?.context).toMatchObject({ ip: rig.clientIp, kind: 'opennds' });
      // Level 0 never tells it: what stands in was never in a card.
      if (level > 0) expect(request?.context.mac).toBe(MAC);
      else expect(request?.context.mac).toMatch(/^.[26ae]:/);
      expect(request?.proof).toEqual({ method: 'email-code', address: 'ada@lovelace.example' });
      expect(callsOf(rig, 'doors.landed')).toEqual([stateOf(rig).sessions[0]?.sessionId]);
    }, 60_000);

    test('who comes to the door again is told that they are inside', () => {
      const guest = createGuest(rig);
      const wrong = `http://192.168.77.1:2050/opennds_auth/?tok=00&redir=${encodeURIComponent('http://evil.example/')}`;
      const sheet = guest.get(wrong);
      expect(headingOf(sheet.html)).toBe('You are online');
      expect(sheet.html).not.toContain('evil.example');
    });
  });

  describe('at level 3', () => {
    let rig: Rig;
    beforeAll(async () => {
      rig = await rigAt(3);
    }, 240_000);
    afterAll(async () => rig?.stop());

    test('is let in by the gateway itself, and is out when the volume is used up', async () => {
      const guest = createGuest(rig);
      const welcome = await walkIn(rig);
      expect({ heading: headingOf(welcome.html), logs: '' }).toEqual({
        heading: 'You are online',
        logs: headingOf(welcome.html) === 'You are online' ? '' : rig.logs(),
      });
      const [deposit] = callsOf(rig, 'doors.deposit') as { rhid: string }[];
      expect(callsOf(rig, 'doors.confirmed')).toEqual([
        { gatewayId: 'gw-nds-3', rhids: [deposit?.rhid] },
      ]);
      expect(callsOf(rig, 'doors.learned')).toHaveLength(1);
      expect(gatewaySays(rig)).toBe('Authenticated');
      expect(guest.get('http://anything.test/big').html).toHaveLength(600_000);

      const [report] = await eventually(
        () => callsOf(rig, 'doors.ended'),
        (reports) => reports.length > 0,
      );
      expect(report).toMatchObject({ gatewayId: 'gw-nds-3', mac: MAC, reason: 'downquota_deauth' });
      expect((report as { bytesIn: number }).bytesIn).toBeGreaterThan(600_000);
      expect(gatewaySays(rig)).not.toBe('Authenticated');
      expect(headingOf(guest.follow(welcome, welcome.url).html)).toBe('Your time is up');
      expect(headingOf(guest.get('http://anything.test/').html)).toBe('Free WiFi');
    }, 90_000);

    test('has a few minutes to read a code, which the gateway will not extend, and is then let straight in', async () => {
      const guest = createGuest(rig);
      const minutes = (): number => {
        const said = rig.run('gw', ['ndsctl', 'json', MAC]);
        const { session_start, session_end } = JSON.parse(said) as Record<string, string>;
        return (Number(session_end) - Number(session_start)) / 60;
      };
      let sheet = guest.submit(guest.get('http://captive.test/'), { method: 'email-code' });
      sheet = guest.submit(sheet, { value: 'ada@lovelace.example' });
      sheet = await settle(rig, guest.submit(sheet, {}, '/grace'));
      expect(gatewaySays(rig)).toBe('Authenticated');
      expect(minutes()).toBe(5);

      sheet = guest.submit(sheet, { value: stateOf(rig).codes ?? '' }, '/finish');
      sheet = guest.submit(sheet, {}, '/consent');
      if (sheet.html.includes('/profile')) sheet = guest.submit(sheet, { skip: 'yes' }, '/profile');
      expect(headingOf(sheet.html)).toBe('All done');
      expect(rig.run('gw', ['ndsctl', 'auth', MAC, '120'])).toContain('Failed');
      expect(minutes()).toBe(5);

      // As when the five minutes are over.
      rig.run('gw', ['ndsctl', 'deauth', MAC]);
      const again = await settle(rig, guest.get('http://captive.test/'));
      expect(headingOf(again.html)).toBe('You are online');
      expect(minutes()).toBe(120);
    }, 90_000);
  });
});
