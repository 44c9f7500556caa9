/** Whatever a redirect says: nothing throws, nothing unsigned is believed, no browser is led out of the shop. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createGateways } from '../../portal/gateways/all.ts';
import { checksumOf } from '../../portal/gateways/uam.ts';
import type { Visit } from '../../portal/gateways/gateway.ts';
import type { RegisteredGateway } from '../../portal/ports-store.ts';
import { privateAddress } from '../../portal/gateways/opennds-fas.ts';
import { LANDING } from '../support/door-bench.ts';
import { fakeStore, makeFakes } from '../support/fakes.ts';

const COOVA: RegisteredGateway = { id: 'gw-c', kind: 'coova', name: 'chilli', secret: '' };
const SIGNED: RegisteredGateway = { ...COOVA, id: 'gw-s', name: 'signed', secret: 'S3cret' };
const ROUTER: RegisteredGateway = { id: 'gw-m', kind: 'mikrotik', name: 'router' };
const CLOUD: RegisteredGateway = { id: 'gw-k', kind: 'meraki', name: 'cloud' };
const store = fakeStore({ gateways: [COOVA, SIGNED, ROUTER, CLOUD] });
const { ports } = makeFakes({ stores: [store] });
const gateways = createGateways(ports);

const readUrl = (url: string) => {
  const visit: Visit = { url, method: 'GET', networkIp: '192.0.2.1' };
  const cut = url.indexOf('?');
  return gateways.read(new URLSearchParams(url.slice(cut + 1)), store, visit);
};

const host = fc.oneof(
  fc.constantFrom('10.1.0.1', '192.168.0.1', '127.0.0.1', '169.254.169.254', 'evil.example'),
  fc.ipV4(),
  fc.domain(),
  fc.string({ maxLength: 30 }),
);
const port = fc.oneof(
  fc.constantFrom('3990', '80', '22', '', '-1', '1e4'),
  fc.string({ maxLength: 6 }),
);
const link = fc.oneof(
  fc.tuple(host, port).map(([where, at]) => `http://${where}:${at}/login`),
  fc.tuple(host, fc.string({ maxLength: 20 })).map(([where, rest]) => `https://${where}/${rest}`),
  fc.constantFrom('https://n1.network-auth.com/splash/grant', 'http://10.1.0.1/login'),
  fc.webUrl(),
  fc.string({ maxLength: 60 }),
);
const word = fc.oneof(fc.string({ maxLength: 40 }), link, fc.constantFrom('', '\0', '%', '\\377'));
/** Mostly what it should be, now and then anything. */
const mostly = (usual: string, odd = word) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });
const uam = fc.record({
  res: fc.constantFrom('notyet', 'failed', 'logoff', 'splash'),
  uamip: host,
  uamport: port,
  challenge: mostly('71fc3be01332068bdf4daf3de7aff032'),
  nasid: mostly('chilli', fc.constantFrom('signed', 'other')),
  mac: mostly('02-00-00-00-00-60'),
  ip: word,
  userurl: word,
});
const router = fc.record({
  router: mostly('router'),
  'link-login-only': link,
  'link-login': link,
  'link-orig': word,
  mac: mostly('02:00:00:00:00:60'),
  'chap-id': mostly('\\371'),
  'chap-challenge': mostly('\\101'.repeat(16)),
});
const cloud = fc.record({ base_grant_url: link, client_mac: mostly('02:00:00:00:00:60') });
const fields = fc.oneof(
  uam,
  router,
  cloud,
  fc.tuple(uam, router, cloud).map((all) => Object.assign({}, ...all) as Record<string, string>),
);

test('nobody is led anywhere but into the shop’s network or to the cloud', async () => {
  const led = { count: 0 };
  await fc.assert(
    fc.asyncProperty(fields, async (query) => {
      const asked = new URLSearchParams({ ...query }).toString();
      const reading = readUrl(`https://portal.example/p/harbour?${asked}`);
      if (reading.kind !== 'known') return;
      const { gateway, context } = reading;
      expect(gateway.id).not.toBe('gw-s');
      expect(context.mac).toMatch(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
      const grant = { minutes: 5, upKbps: 0, downKbps: 0, upQuotaKB: 0, downQuotaKB: 0 };
      const opening = await gateways.of(gateway.kind).open({
        store,
        gateway,
        context,
        grant: { sessionId: 's-1', ...grant },
        landingUrl: LANDING,
        doors: ports.doors,
        log: ports.log,
        now: ports.clock(),
      });
      if (opening.kind !== 'through') return;
      led.count += 1;
      const url = new URL(opening.url);
      const at = `${url.hostname}:${url.port === '' ? '80' : url.port}`;
      expect(privateAddress(at) || url.hostname.endsWith('.network-auth.com')).toBe(true);
    }),
    { numRuns: 3_000 },
  );
  // Otherwise the property would hold for want of anything to look at.
  expect(led.count).toBeGreaterThan(100);
});

test('one changed sign in what a checksum covers, and the redirect is refused', () => {
  const words =
    'http://portal.example/p/harbour?res=notyet&uamip=10.1.0.1&uamport=3990' +
    '&challenge=71fc3be01332068bdf4daf3de7aff032&called=FA-CA-FB-35-DB-CA&mac=02-00-00-00-00-60' +
    '&ip=10.1.0.2&nasid=signed&sessionid=1795&userurl=http%3a%2f%2fa.test%2f';
  const md = checksumOf(words, 'S3cret');
  expect(readUrl(`${words}&md=${md}`).kind).toBe('known');
  const start = words.indexOf('?') + 1;
  fc.assert(
    fc.property(
      fc.integer({ min: start, max: words.length - 1 }),
      fc.constantFrom(...'0123456789abcdefABCDEF-%&=+.:/?#'.split('')),
      (at, sign) => {
        const changed = words.slice(0, at) + sign + words.slice(at + 1);
        if (changed === words) return;
        const reading = readUrl(`${changed}&md=${md}`);
        // Renamed to a gateway without a secret it is anybody's claim, as that gateway's always is.
        expect(reading.kind === 'known' && reading.gateway.id === 'gw-s').toBe(false);
      },
    ),
    { numRuns: 2_000 },
  );
});
