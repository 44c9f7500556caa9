/** PURE. MikroTik: a script for its terminal, and the page its hotspot shows in place of its own. */
import type { SetupPart, Setting } from './parts.ts';
import { file, isAddress, radiusWarnings, step } from './parts.ts';
import { comment, html, routerOs } from './quote.ts';

/** What the router knows of a guest and prints into its login page. */
const VARIABLES = [
  'link-login-only',
  'link-login',
  'link-orig',
  'mac',
  'ip',
  'error',
  'chap-id',
  'chap-challenge',
  'identity',
  'server-name',
  'session-id',
] as const;

function loginPage({ gateway, url, path, store }: Setting): string[] {
  return [
    '<!doctype html>',
    '<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>${html(store.name)}</title></head>`,
    '<body onload="document.forms[0].submit()">',
    `<form action="${html(url.origin + path)}" method="get">`,
    `<input type="hidden" name="router" value="${html(gateway.name)}">`,
    ...VARIABLES.map((name) => `<input type="hidden" name="${name}" value="$(${name})">`),
    '<noscript><button>WiFi · 上网</button></noscript>',
    '</form></body></html>',
  ];
}

function resolved(host: string): string {
  return /^[\d.]+$/.test(host) ? host : `[:resolve ${routerOs(host)}]`;
}

function script(setting: Setting): string[] {
  const { gateway, radius, garden, store } = setting;
  const settings = gateway.radius;
  const mac = settings?.macAuth === undefined ? '' : ',mac';
  const both = settings?.macAuth?.password === 'mac';
  const ours = `comment=${routerOs('foyer')}`;
  return [
    `# ${comment(store.name)}`,
    `/system identity set name=${routerOs(gateway.name)}`,
    `/radius remove [find ${ours}]`,
    [
      `/radius add service=hotspot address=${resolved(radius.host)}`,
      `secret=${routerOs(settings?.secret ?? '')}`,
      `authentication-port=${radius.authPort} accounting-port=${radius.acctPort}`,
      `timeout=3s ${ours}`,
    ].join(' '),
    ...(settings?.coa === undefined
      ? []
      : [`/radius incoming set accept=yes port=${settings.coa.port}`]),
    '/ip hotspot profile remove [find name="foyer"]',
    [
      '/ip hotspot profile add name="foyer" html-directory=foyer use-radius=yes',
      `login-by=${gateway.login === 'pap' ? 'http-pap' : 'http-chap'}${mac}`,
      ...(mac === ''
        ? []
        : [`mac-auth-mode=${both ? 'mac-as-username-and-password' : 'mac-as-username'}`]),
      `radius-interim-update=${settings?.interimSeconds ?? 300}s`,
    ].join(' '),
    '/ip hotspot set [find] profile=foyer',
    `/ip hotspot walled-garden remove [find ${ours}]`,
    `/ip hotspot walled-garden ip remove [find ${ours}]`,
    ...garden.flatMap((host) => [
      `/ip hotspot walled-garden add dst-host=${routerOs(host)} action=allow ${ours}`,
      `/ip hotspot walled-garden ip add dst-host=${routerOs(host)} action=accept ${ours}`,
    ]),
  ];
}

export function mikrotikSetup(setting: Setting): SetupPart[] {
  return [
    ...radiusWarnings(setting).filter(({ text }) => text.key !== 'portal.address'),
    ...(isAddress(setting.url) ? [step('mikrotik.address')] : []),
    step('mikrotik.hotspot'),
    file('foyer.rsc', 'mikrotik.script', script(setting)),
    file('foyer/login.html', 'mikrotik.page', loginPage(setting)),
    step('mikrotik.cookie'),
    step('mikrotik.trial'),
    step('setup.try'),
  ];
}
