/** The calls of a level 3 gateway: what it is told, whom it confirms, and that strangers learn nothing. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createGateways } from '../../portal/gateways/all.ts';
import { depositLine } from '../../portal/gateways/opennds-authmon.ts';
import { gatewayHashes } from '../../portal/gateways/opennds-names.ts';
import { fakeStore, makeFakes, openNds } from '../support/fakes.ts';

const FILE = path.join(import.meta.dirname, '../fixtures/gateways/opennds-values.json');
const values = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, string>;
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('openNDS authmon', () => {
  const RHID = values['rhid'] ?? '';
  function caller(hashes: string[] = [values['gatewayhash'] ?? '']) {
    const fakes = makeFakes();
    const store = fakeStore({ gateways: [openNds(1), openNds(3, { hashes })] });
    const gateways = createGateways(fakes.ports);
    const { doors, log } = fakes.ports;
    const call = (auth_get: string, payload = 'none', more: Record<string, string> = {}) => {
      const fields = new URLSearchParams({
        auth_get,
        gatewayhash: values['gatewayhash'] ?? '',
        payload: base64(payload),
        ...more,
      });
      return gateways.hear({ store, fields, doors, log, now: 77_000 });
    };
    const deposit = (rhid: string) =>
      doors.deposit(store, 'gw-nds-3', {
        rhid,
        sessionId: `s-${rhid}`,
        minutes: 1,
        upKbps: 0,
        downKbps: 0,
        upQuotaKB: 0,
        downQuotaKB: 0,
      });
    return { fakes, gateways, call, deposit };
  }

  test('a line is one word of seven', () => {
    const [rhid = '', minutes, ...limits] = decodeURIComponent(values['authmonLine'] ?? '').split(
      ' ',
    );
    const line = depositLine({
      rhid,
      sessionId: 's',
      minutes: Number(minutes),
      upKbps: Number(limits[0]),
      downKbps: Number(limits[1]),
      upQuotaKB: Number(limits[2]),
      downQuotaKB: Number(limits[3]),
    });
    expect(line.replace(/%20[^%]*%3D$/, '')).toBe(
      (values['authmonLine'] ?? '').replace(/%20[^%]*%3D$/, ''),
    );
    expect(line).not.toContain(' ');
  });

  test('view tells at most four, and again until they are acknowledged', async () => {
    const { call, deposit } = caller();
    const rhids = Array.from({ length: 6 }, (_, n) => String(n).repeat(64));
    for (const rhid of rhids) await deposit(rhid);
    const first = await call('view');
    expect(first?.text.split(' ')).toHaveLength(5);
    expect(first?.text.length).toBeLessThan(1_024);
    expect(await call('view')).toEqual(first);
    expect(await call('view', `* ${rhids.slice(0, 4).join(' ')}`)).toEqual({
      status: 200,
      text: 'ack',
    });
    expect((await call('view'))?.text.split(' ')).toHaveLength(3);
  });

  test('acknowledging confirms exactly those; a bare star confirms nobody', async () => {
    const { fakes, call, deposit } = caller();
    await deposit(RHID);
    expect(await call('view', '*')).toEqual({ status: 200, text: 'ack' });
    expect(fakes.of('doors.confirmed')).toEqual([]);
    await call('view', `* ${RHID} <script> 123`);
    expect(fakes.of('doors.confirmed')).toEqual([{ gatewayId: 'gw-nds-3', rhids: [RHID] }]);
    expect(await call('view')).toEqual({ status: 200, text: '*' });
  });

  test('list hands over and forgets', async () => {
    const { fakes, call, deposit } = caller();
    await deposit(RHID);
    expect((await call('list'))?.text).toContain(`* ${RHID}%20`);
    expect(fakes.of('doors.confirmed')).toHaveLength(1);
    expect(await call('list')).toEqual({ status: 200, text: '*' });
  });

  test('clear: the gateway started anew', async () => {
    const { fakes, call } = caller();
    expect(await call('clear')).toEqual({ status: 200, text: '' });
    expect(fakes.of('doors.cleared')).toEqual(['gw-nds-3']);
  });

  test('deauthed: who left, why, and what was used', async () => {
    const { fakes, call } = caller();
    expect(await call('deauthed', values['deauthed'])).toEqual({ status: 200, text: 'ack' });
    expect(fakes.of('doors.ended')).toEqual([
      {
        gatewayId: 'gw-nds-3',
        mac: '02:00:00:00:00:50',
        reason: 'ndsctl_deauth',
        bytesIn: 346,
        bytesOut: 241,
        endedAt: 1_795_299_144_000,
      },
    ]);
  });

  test.each([
    [
      'method=idle_deauth, clientmac=02:00:00:00:00:50, bytes_incoming=-4, bytes_outgoing=NaN',
      [0, 0, 77_000],
    ],
    ['clientmac=02:00:00:00:00:50, session_end=x', [0, 0, 77_000]],
  ])('deauthed with odd numbers: %s', async (payload, [bytesIn, bytesOut, endedAt]) => {
    const { fakes, call } = caller();
    await call('deauthed', payload);
    expect(fakes.of('doors.ended')).toMatchObject([{ bytesIn, bytesOut, endedAt }]);
  });

  test('deauthed that names nobody ends nobody', async () => {
    const { fakes, call } = caller();
    expect(await call('deauthed', 'method=x, clientmac=everyone')).toEqual({
      status: 200,
      text: 'ack',
    });
    expect(fakes.of('doors.ended')).toEqual([]);
  });

  test('a gateway nobody registered learns and opens nothing', async () => {
    const { fakes, call, deposit } = caller([]);
    await deposit(RHID);
    for (const action of ['view', 'list', 'clear', 'deauthed', 'custom'])
      expect(await call(action, `* ${RHID}`)).toEqual({ status: 403, text: 'unknown gateway\n' });
    expect(fakes.calls.filter(({ port }) => /confirmed|cleared|ended|pending/.test(port))).toEqual(
      [],
    );
  });

  test('a gateway of level 1 has no say here', async () => {
    const fakes = makeFakes();
    const [hash = ''] = gatewayHashes('StoreOne');
    const store = fakeStore({ gateways: [openNds(1)] });
    const fields = new URLSearchParams({
      auth_get: 'view',
      gatewayhash: hash,
      payload: base64('none'),
    });
    const { doors, log } = fakes.ports;
    const answer = await createGateways(fakes.ports).hear({ store, fields, doors, log, now: 0 });
    expect(answer?.status).toBe(403);
  });

  test('a name without a suffix is known by itself, with and without its blank', async () => {
    for (const hash of gatewayHashes('StoreOne')) {
      const { call } = caller([]);
      expect((await call('view', 'none', { gatewayhash: hash }))?.status).toBe(200);
    }
  });

  test('custom and unknown requests open nothing', async () => {
    const { fakes, call } = caller();
    expect(await call('custom', 'hello')).toEqual({ status: 200, text: 'ack' });
    expect((await call('format-disk'))?.text).toBe('unknown request\n');
    expect(fakes.of('doors.confirmed')).toEqual([]);
  });
});
