/** Setup guides: exact settings for every kind, both languages, and names that try to break out of a file. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PROBES } from '../../portal/captive-api.ts';
import type { GatewayKind, RadiusSettings, RegisteredGateway } from '../../portal/ports-store.ts';
import { hidesThePortal, walledGarden } from '../../portal/setup/garden.ts';
import type { SetupOptions, SetupPart } from '../../portal/setup/parts.ts';
import { bareValue, html, routerOs, shellWord } from '../../portal/setup/quote.ts';
import { fitForDhcp } from '../../portal/setup/rfc8910.ts';
import { setupFor } from '../../portal/setup/setup.ts';
import { guideWords, spoken } from '../../portal/setup/words.ts';

const URL_HTTPS = 'https://wifi.example';
const STORE = { slug: 'harbour', name: 'Harbour Coffee' };
const RADIUS: RadiusSettings = {
  secret: 'radiusSecret1234',
  sources: ['10.0.0.2'],
  nasIds: ['nas-1'],
  profile: 'plain',
  messageAuthenticator: 'require',
  coa: { host: '10.0.0.2', port: 3799 },
  macAuth: { password: 'mac' },
  interimSeconds: 300,
};
const PORTAL2 = {
  host: '10.9.9.9',
  port: 2000,
  version: 2 as const,
  auth: 'chap' as const,
  sendChallenge: true,
  macBinding: false,
};
const UNIFI = { url: 'https://10.0.0.3:8443', api: 'legacy' as const, site: 'default' };

const KINDS: GatewayKind[] = [
  'pretend',
  'opennds',
  'wifidog',
  'apfree',
  'coova',
  'mikrotik',
  'unifi',
  'meraki',
  'portal2',
  'radius',
];

function gateway(kind: GatewayKind, more: Partial<RegisteredGateway> = {}): RegisteredGateway {
  const parts: Partial<Record<GatewayKind, Partial<RegisteredGateway>>> = {
    opennds: { level: 3 },
    coova: { login: 'chap', radius: RADIUS },
    mikrotik: { login: 'chap', radius: RADIUS },
    unifi: { unifi: { ...UNIFI, username: 'foyer', password: 'x' } },
    portal2: { portal2: PORTAL2, radius: RADIUS },
    radius: { radius: RADIUS },
  };
  const secret = 'portalSecret1234';
  return { id: 'gw', kind, name: 'StoreOne', secret, ...parts[kind], ...more };
}

const guide = (
  kind: GatewayKind,
  more: Partial<RegisteredGateway> = {},
  options: SetupOptions = {},
  url = URL_HTTPS,
  store: Parameters<typeof setupFor>[1] = STORE,
): SetupPart[] => {
  const capportUrl = `${url}/capport/${store.slug}/client/key/`;
  return setupFor(gateway(kind, more), store, url, { capportUrl, ...options });
};

const fileOf = (parts: SetupPart[], name: string): string => {
  const found = parts.find((part) => part.kind === 'file' && part.name === name);
  return found?.kind === 'file' ? found.content : '';
};
const filesOf = (parts: SetupPart[]) =>
  parts.flatMap((part) => (part.kind === 'file' ? [part] : []));
const warningsOf = (parts: SetupPart[]): string[] =>
  parts.flatMap((part) => (part.kind === 'warning' ? [part.text.key] : []));

describe('files', () => {
  test('openNDS on OpenWrt', () => {
    expect(fileOf(guide('opennds', {}, { hosts: ['shop.example'] }), 'openwrt-opennds.sh')).toBe(
      `# Harbour Coffee
uci -q delete opennds.@opennds[0].fas_custom_parameters_list
uci -q delete opennds.@opennds[0].walledgarden_fqdn_list
uci set opennds.@opennds[0].enabled=1
uci set opennds.@opennds[0].gatewayname=StoreOne
uci set opennds.@opennds[0].fas_secure_enabled=3
uci set opennds.@opennds[0].fasremotefqdn=wifi.example
uci set opennds.@opennds[0].fasport=443
uci set opennds.@opennds[0].faspath=/p/harbour
uci set opennds.@opennds[0].authidletimeout=15
uci set opennds.@opennds[0].faskey=portalSecret1234
uci set opennds.@opennds[0].binauth=/usr/lib/opennds/binauth_log.sh
uci add_list opennds.@opennds[0].fas_custom_parameters_list=store=harbour
uci add_list opennds.@opennds[0].walledgarden_fqdn_list=shop.example
uci commit opennds
service opennds restart
`,
    );
  });

  test('openNDS elsewhere, by address and at level 1', () => {
    const parts = guide('opennds', { level: 1 }, { lan: 'eth1' }, 'http://10.0.0.1:8080');
    expect(fileOf(parts, 'opennds.conf')).toBe(`# Harbour Coffee
GatewayInterface eth1
GatewayName StoreOne
fas_secure_enabled 1
fasremoteip 10.0.0.1
fasport 8080
faspath /p/harbour
AuthIdleTimeout 15
faskey portalSecret1234
fas_custom_parameters_list store=harbour
`);
    expect(warningsOf(parts)).toEqual(['opennds.weak-level']);
  });

  test('WiFiDog keeps the secret out of the addresses that guests see', () => {
    expect(fileOf(guide('wifidog'), 'wifidog.conf')).toBe(`# Harbour Coffee
GatewayID StoreOne
GatewayInterface br-lan
AuthServer {
    Hostname wifi.example
    SSLAvailable yes
    SSLPort 443
    Path /wd/harbour/
    LoginScriptPathFragment login/?
    PortalScriptPathFragment portal/?
    MsgScriptPathFragment gw_message.php?
    PingScriptPathFragment portalSecret1234/ping/?
    AuthScriptPathFragment portalSecret1234/auth/?
}
CheckInterval 60
ClientTimeout 15
`);
  });

  test.each<[GatewayKind, string, number, string]>([
    ['opennds', 'opennds.conf', 60, 'AuthIdleTimeout 60'],
    ['opennds', 'opennds.conf', 0, 'AuthIdleTimeout 0'],
    ['wifidog', 'wifidog.conf', 60, 'ClientTimeout 60'],
    ['wifidog', 'wifidog.conf', 0, 'ClientTimeout 1440'],
    ['apfree', 'openwrt-wifidogx.sh', 60, 'uci set wifidogx.common.client_timeout=60'],
  ])('%s, %s: silence of %d minutes', (kind, name, idleMinutes, line) => {
    const store = { ...STORE, session: { idleMinutes } };
    expect(fileOf(guide(kind, {}, {}, URL_HTTPS, store), name).split('\n')).toContain(line);
  });

  test.each([
    [
      'apfree',
      'openwrt-wifidogx.sh',
      'uci set wifidogx.common.ws_server_path=/wd/harbour/portalSecret1234/ws',
    ],
    ['apfree', 'openwrt-wifidogx.sh', 'uci set wifidogx.common.long_conn_mode=wss'],
    ['apfree', 'openwrt-wifidogx.sh', 'uci set wifidogx.guests.gateway_id=StoreOne'],
    ['coova', '/etc/chilli/config', 'HS_UAMFORMAT=https://wifi.example/p/harbour'],
    ['coova', '/etc/chilli/config', "HS_UAMHOMEPAGE=''"],
    ['coova', '/etc/chilli/config', 'HS_UAMSECRET=portalSecret1234'],
    ['coova', '/etc/chilli/config', 'HS_UAMALLOW=wifi.example'],
    ['coova', '/etc/chilli/config', 'HS_RADSECRET=radiusSecret1234'],
    ['coova', '/etc/chilli/config', 'HS_NASID=nas-1'],
    ['coova', '/etc/chilli/config', 'HS_DEFINTERIMINTERVAL=300'],
    ['coova', '/etc/chilli/config', 'HS_MACAUTH=on'],
    ['coova', '/etc/chilli/config', 'HS_COAPORT=3799'],
    [
      'coova',
      '/etc/chilli/local.conf',
      'captiveportalapi_uri https://wifi.example/capport/harbour/client/key/%{M}',
    ],
    ['mikrotik', 'foyer.rsc', '/radius incoming set accept=yes port=3799'],
    ['mikrotik', 'foyer.rsc', '/system identity set name="StoreOne"'],
    [
      'mikrotik',
      'foyer.rsc',
      '/radius add service=hotspot address=[:resolve "wifi.example"] secret="radiusSecret1234" authentication-port=1812 accounting-port=1813 timeout=3s comment="foyer"',
    ],
    [
      'mikrotik',
      'foyer.rsc',
      '/ip hotspot profile add name="foyer" html-directory=foyer use-radius=yes login-by=http-chap,mac mac-auth-mode=mac-as-username-and-password radius-interim-update=300s',
    ],
    [
      'mikrotik',
      'foyer.rsc',
      '/ip hotspot walled-garden ip add dst-host="wifi.example" action=accept comment="foyer"',
    ],
    [
      'mikrotik',
      'foyer/login.html',
      '<input type="hidden" name="chap-challenge" value="$(chap-challenge)">',
    ],
    ['mikrotik', 'foyer/login.html', '<form action="https://wifi.example/p/harbour" method="get">'],
    ['portal2', 'huawei.txt', ' port 50100 all'],
    ['portal2', 'huawei.txt', 'web-auth-server version v2'],
    ['portal2', 'h3c.txt', ' url-parameter wlanusermac source-mac'],
    ['portal2', 'h3c.txt', ' ip wifi.example key simple portalSecret1234'],
  ] as const)('%s: %s has “%s”', (kind, name, line) => {
    expect(fileOf(guide(kind), name).split('\n')).toContain(line);
  });

  test('equipment is told where RADIUS is, when it is elsewhere', () => {
    const radius = { host: '192.0.2.7', authPort: 11_812, acctPort: 11_813 };
    expect(fileOf(guide('mikrotik', {}, { radius }), 'foyer.rsc')).toContain(
      'address=192.0.2.7 secret="radiusSecret1234" authentication-port=11812 accounting-port=11813',
    );
    expect(fileOf(guide('coova', {}, { radius }), '/etc/chilli/config')).toContain(
      'HS_RADAUTH=11812\n',
    );
  });

  test('values for other makers of Portal 2.0 equipment are all there', () => {
    const rows = guide('portal2').flatMap((part) => (part.kind === 'values' ? part.rows : []));
    const said = Object.fromEntries(rows.map(({ label, value }) => [label.key, value]));
    expect(said).toMatchObject({
      'label.portal-url': 'https://wifi.example/p/harbour',
      'label.portal-port': '50100',
      'label.ac-port': '2000',
      'label.portal-version': '2',
      'label.portal-auth': 'CHAP',
      'label.parameter-nas': 'wlanacname=StoreOne',
      'label.radius-server': 'wifi.example',
    });
    const hidden = rows.filter((row) => row.secret === true).map(({ label }) => label.key);
    expect(hidden).toEqual(['label.portal-secret', 'label.radius-secret']);
  });
});

describe('warnings', () => {
  test.each<[GatewayKind, Partial<RegisteredGateway>, string]>([
    ['opennds', { level: 0 }, 'opennds.weak-level'],
    ['opennds', { level: 4 }, 'opennds.weak-level'],
    ['opennds', { level: 1 }, 'opennds.needs-http'],
    ['opennds', { name: "Eve's {café}" }, 'setup.signs-replaced'],
    ['wifidog', {}, 'wifidog.no-source'],
    ['apfree', {}, 'apfree.secret-seen'],
    ['coova', { secret: '' }, 'coova.no-secret'],
    ['coova', { radius: { ...RADIUS, messageAuthenticator: 'off' } }, 'radius.blast'],
    ['mikrotik', { radius: { ...RADIUS, coa: undefined } }, 'radius.no-coa'],
    ['mikrotik', { radius: { ...RADIUS, sources: [] } }, 'radius.no-source'],
    ['unifi', { unifi: UNIFI }, 'unifi.no-account'],
    ['unifi', { unifi: { ...UNIFI, api: 'official' } }, 'unifi.no-key'],
    ['portal2', { portal2: { ...PORTAL2, version: 1 } }, 'portal2.unsigned'],
    ['portal2', { portal2: { ...PORTAL2, headerOctets: 16 } }, 'portal2.unsigned'],
    ['portal2', { portal2: { ...PORTAL2, macBinding: true } }, 'portal2.binding'],
    ['portal2', { secret: 'x'.repeat(17) }, 'portal2.long-secret'],
  ])('%s %j: %s', (kind, more, key) => expect(warningsOf(guide(kind, more))).toContain(key));

  test('a gateway registered well has none', () => {
    const well: GatewayKind[] = [
      'opennds',
      'coova',
      'mikrotik',
      'unifi',
      'meraki',
      'portal2',
      'radius',
    ];
    for (const kind of well) expect([kind, warningsOf(guide(kind))]).toEqual([kind, []]);
  });

  test('level 3 without https', () =>
    expect(warningsOf(guide('opennds', {}, {}, 'http://wifi.example'))).toContain(
      'opennds.needs-https',
    ));
});

/** Every key that any guide can say. */
function keysOf(parts: SetupPart[]): string[] {
  return parts.flatMap((part) => [
    part.text.key,
    ...(part.kind === 'values' ? part.rows.map(({ label }) => label.key) : []),
  ]);
}

describe('words', () => {
  const en = guideWords('en');
  const zh = guideWords('zh-CN');

  test('both languages have the same keys, in order, and the same places for values', () => {
    expect(Object.keys(zh)).toEqual(Object.keys(en));
    expect(Object.keys(en)).toEqual(Object.keys(en).toSorted());
    const places = (text = '') => (text.match(/\{\{[\w-]+\}\}/g) ?? []).toSorted();
    for (const key of Object.keys(en))
      expect([key, places(zh[key])]).toEqual([key, places(en[key])]);
  });

  test.each(KINDS)('%s: every sentence is written and complete', (kind) => {
    const variants = [
      guide(kind),
      guide(kind, { level: 0, portal2: { ...PORTAL2, version: 1, macBinding: true } }),
      setupFor({ id: 'x', kind, name: "o'x" }, STORE, 'http://10.0.0.1:8080'),
    ].flat();
    for (const key of keysOf(variants)) expect([key, en[key] !== undefined]).toEqual([key, true]);
    for (const { text } of variants) {
      expect(spoken(en, text)).not.toContain('{{');
      expect(spoken(zh, text)).not.toContain('{{');
    }
  });
});

describe('walled garden', () => {
  const oidc = (issuer: string) => [
    { id: 'p', name: 'P', issuer, clientId: 'c', clientSecret: 's', scopes: [] },
  ];

  test('the portal, and the hosts of known identity providers', () => {
    expect(walledGarden({}, URL_HTTPS)).toEqual(['wifi.example']);
    const google = walledGarden({ oidc: oidc('https://accounts.google.com') }, URL_HTTPS);
    expect(google).toContain('ssl.gstatic.com');
    expect(walledGarden({ oidc: oidc('https://id.example/realm') }, URL_HTTPS)).toEqual([
      'wifi.example',
      'id.example',
    ]);
  });

  test('never a host that systems ask whether the internet is there', () => {
    const all = PROBES.map(({ host }) => host);
    expect(walledGarden({ oidc: oidc('https://www.google.com') }, URL_HTTPS, all)).toEqual([
      'wifi.example',
    ]);
    for (const host of all) expect(hidesThePortal(host)).toBe(true);
    expect(hidesThePortal('*.gstatic.com')).toBe(true);
    expect(hidesThePortal('.apple.com')).toBe(true);
    expect(hidesThePortal('apple.com')).toBe(false);
  });

  test.each(['https://a.b c/', 'javascript:alert(1)', 'x', 'https://evil.example"\n;rm'])(
    'an issuer %j gives no host that is not one',
    (issuer) => {
      for (const host of walledGarden({ oidc: oidc(issuer) }, URL_HTTPS))
        expect(host).toMatch(/^[a-z0-9.-]+$/);
    },
  );
});

describe('RFC 8910', () => {
  test.each([
    'http://wifi.example/capport/x',
    `https://wifi.example/${'x'.repeat(240)}`,
    'https://wifi.example/a b',
    'https://wifi.example/\nserver=evil',
    'urn:ietf:params:capport:unrestricted',
    '',
  ])('%j is not handed out', (url) => {
    expect(fitForDhcp(url)).toBe(false);
  });

  test('nothing ever says that there is no portal', () => {
    for (const kind of KINDS)
      expect(JSON.stringify(guide(kind))).not.toContain('capport:unrestricted');
  });
});

const NASTY = [
  `'; rm -rf / #`,
  '$(reboot)',
  '`reboot`',
  '"; /system reset-configuration; "',
  'x\nGatewayInterface eth9',
  'x\r\n/ip service enable telnet',
  '}\nAuthServer {\nHostname evil.example\n}',
  '"><script>alert(1)</script>',
  '$(link-login)',
  '\\"\\',
  '\u2028option',
  'a\'b"c\\d$e`f',
  '%{m};${IFS}',
  '中文 店名',
  '',
];

describe('names and secrets that try to break out', () => {
  /** What a real shell makes of the lines, one argument a line: `uci` and variables are only recorded. */
  const run = (script: string): string =>
    execFileSync(
      '/bin/sh',
      ['-c', `uci() { printf '%s\\n' "uci:$*"; }; service() { :; }; ${script}\nprintf 'end\\n'`],
      { encoding: 'utf8', env: { PATH: '/nowhere' } },
    );

  test.each(NASTY)('%j in the shell', (nasty) => {
    const store = { slug: 'harbour', name: nasty };
    const more = { name: nasty, secret: nasty, radius: { ...RADIUS, secret: nasty } };
    for (const kind of ['opennds', 'apfree'] as const) {
      const [shell] = filesOf(guide(kind, more, { lan: nasty }, URL_HTTPS, store));
      const plain = filesOf(guide(kind))[0]
        ?.content.split('\n')
        .filter((line) => line.startsWith('uci'));
      const lines = run(shell?.content ?? '')
        .trimEnd()
        .split('\n');
      expect(lines.at(-1)).toBe('end');
      expect(lines.filter((line) => line.startsWith('uci:'))).toHaveLength(plain?.length ?? 0);
      expect(lines).toHaveLength((plain?.length ?? 0) + 1);
    }
    const config = fileOf(guide('coova', more, {}, URL_HTTPS, store), '/etc/chilli/config');
    // As chilli's own script does: read, then evaluate what it read.
    const evaluated = run(`${config}\neval echo "$HS_UAMSECRET" "$HS_NASID" "$HS_RADSECRET"`);
    expect(evaluated.trimEnd().split('\n')).toHaveLength(2);
  });

  test.each(NASTY)('%j in every file keeps the number of lines', (nasty) => {
    const store = { slug: 'harbour', name: nasty };
    const parameters = { ip: nasty, mac: nasty, nas: nasty, ssid: nasty, url: nasty };
    const more = {
      name: nasty,
      secret: nasty,
      radius: { ...RADIUS, secret: nasty, nasIds: [nasty] },
      portal2: { ...PORTAL2, parameters },
    };
    for (const kind of KINDS) {
      const before = filesOf(guide(kind, { portal2: { ...PORTAL2, parameters: {} } }));
      const after = filesOf(guide(kind, more, { lan: nasty }, URL_HTTPS, store));
      const lines = (files: typeof before) =>
        files.map(({ content }) => content.split('\n').length);
      expect([kind, lines(after)]).toEqual([kind, lines(before)]);
      for (const { content } of after) expect(content).not.toMatch(/[\r\u2028]/);
    }
  });

  test('RouterOS strings have no end but their own', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const written = routerOs(text);
        expect(written).toMatch(/^"(?:[^"\\$?]|\\[0-9A-F]{2})*"$/u);
      }),
    );
  });

  test('shell words are one word, whatever is in them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const written = shellWord(text);
        expect(written).toMatch(/^(?:[\w./:@%+=-]+|'[^']*'(?:\\''[^']*')*)$/u);
        expect(written).not.toMatch(/[\r\n]/);
      }),
    );
  });

  test('other quotings', () => {
    expect(html('"><b>&$(mac)')).toBe('&quot;&gt;&lt;b&gt;&amp;&#36;(mac)');
    expect(bareValue('a#b;c|d$e`f\ng')).toBe('a_b_c_d_e_fg');
  });

  test('a login page fills in the router’s values only', () => {
    const store = { slug: 'harbour', name: '$(username)' };
    const page = fileOf(
      guide('mikrotik', { name: '"$(error)"' }, {}, URL_HTTPS, store),
      'foyer/login.html',
    );
    const filled = page.match(/\$\([^)]*\)/g) ?? [];
    expect(filled).toHaveLength(11);
    expect(filled).not.toContain('$(username)');
    expect(page.match(/value="[^"]*"/g)).toHaveLength(12);
  });
});
