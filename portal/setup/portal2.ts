/** PURE. Portal 2.0: the values every AC asks for, and the command lines of two of their makers. */
import type { SetupPart, SetupRow, Setting } from './parts.ts';
import {
  file,
  isAddress,
  radiusRows,
  radiusWarnings,
  row,
  secretRow,
  step,
  values,
  warn,
} from './parts.ts';
import { bareValue, comment } from './quote.ts';

/** A word of a command line: a blank would end it, a question mark asks for help. */
function word(text: string): string {
  return bareValue(text).replaceAll(/[ ?]/g, '-');
}

/** Names under which the redirect tells who is there. */
function namesOf({ gateway }: Setting) {
  const own = gateway.portal2?.parameters ?? {};
  return {
    ip: word(own.ip ?? 'wlanuserip'),
    mac: word(own.mac ?? 'wlanusermac'),
    nas: word(own.nas ?? 'wlanacname'),
    ssid: word(own.ssid ?? 'ssid'),
    url: word(own.url ?? 'wlanuserfirsturl'),
  };
}

function rows(setting: Setting): SetupRow[] {
  const { gateway, url, path, portal2Port } = setting;
  const names = namesOf(setting);
  const { portal2 } = gateway;
  return [
    row('portal-url', `${url.origin}${path}`),
    row('portal-server', setting.radius.host),
    row('portal-port', portal2Port),
    row('ac-port', portal2?.port ?? 2000),
    secretRow('portal-secret', gateway.secret ?? ''),
    row('portal-version', portal2?.version ?? 2),
    row('portal-auth', (portal2?.auth ?? 'chap').toUpperCase()),
    row('parameter-ip', names.ip),
    row('parameter-mac', names.mac),
    row('parameter-nas', `${names.nas}=${gateway.name}`),
    row('parameter-ssid', names.ssid),
    row('parameter-url', names.url),
  ];
}

function huawei(setting: Setting): string[] {
  const { gateway, url, path, portal2Port, radius, store } = setting;
  const names = namesOf(setting);
  const [host, shared] = [word(radius.host), word(gateway.radius?.secret ?? '')];
  const version = gateway.portal2?.version ?? 2;
  return [
    `# ${comment(store.name)}`,
    'radius-server template foyer',
    ` radius-server shared-key cipher ${shared}`,
    ` radius-server authentication ${host} ${radius.authPort}`,
    ` radius-server accounting ${host} ${radius.acctPort}`,
    'quit',
    `radius-server authorization ${host} shared-key cipher ${shared}`,
    'aaa',
    ' authentication-scheme foyer',
    '  authentication-mode radius',
    ' accounting-scheme foyer',
    '  accounting-mode radius',
    `  accounting realtime ${Math.max(1, Math.round((gateway.radius?.interimSeconds ?? 300) / 60))}`,
    'quit',
    'url-template name foyer',
    ` url ${word(url.origin + path)}`,
    ` url-parameter user-ipaddress ${names.ip} user-mac ${names.mac} ssid ${names.ssid} redirect-url ${names.url}`,
    ` url-parameter set ${names.nas} ${word(gateway.name)}`,
    'quit',
    `web-auth-server version v${version}`,
    'web-auth-server foyer',
    ` server-ip ${host}`,
    ` port ${portal2Port} all`,
    ` shared-key cipher ${word(gateway.secret ?? '')}`,
    ' url-template foyer',
    'quit',
    'portal-access-profile name foyer',
    ' web-auth-server foyer direct',
    'quit',
  ];
}

function h3c(setting: Setting): string[] {
  const { gateway, url, path, portal2Port, radius, store } = setting;
  const names = namesOf(setting);
  const [host, shared] = [word(radius.host), word(gateway.radius?.secret ?? '')];
  return [
    `# ${comment(store.name)}`,
    'radius scheme foyer',
    ` primary authentication ${host} ${radius.authPort} key simple ${shared}`,
    ` primary accounting ${host} ${radius.acctPort} key simple ${shared}`,
    ' user-name-format without-domain',
    'quit',
    'domain foyer',
    ' authentication portal radius-scheme foyer',
    ' authorization portal radius-scheme foyer',
    ' accounting portal radius-scheme foyer',
    'quit',
    'portal server foyer',
    ` ip ${host} key simple ${word(gateway.secret ?? '')}`,
    ` port ${portal2Port}`,
    'quit',
    'portal web-server foyer',
    ` url ${word(url.origin + path)}`,
    ` url-parameter ${names.ip} source-address`,
    ` url-parameter ${names.mac} source-mac`,
    ` url-parameter ${names.ssid} ssid`,
    ` url-parameter ${names.url} original-url`,
    ` url-parameter ${names.nas} value ${word(gateway.name)}`,
    'quit',
  ];
}

export function portal2Setup(setting: Setting): SetupPart[] {
  const { gateway, url } = setting;
  const { portal2 } = gateway;
  const plain = portal2?.version === 1 || portal2?.headerOctets === 16;
  const secret = gateway.secret ?? '';
  return [
    ...radiusWarnings(setting).filter(({ text }) => text.key !== 'radius.no-coa'),
    ...(portal2 === undefined ? [warn('portal2.missing')] : []),
    ...(plain ? [warn('portal2.unsigned')] : []),
    ...(secret.length > 16 ? [warn('portal2.long-secret')] : []),
    ...(portal2?.macBinding === true ? [warn('portal2.binding')] : []),
    ...(isAddress(url) ? [] : [step('portal2.address', { host: url.hostname })]),
    step('portal2.reach'),
    values('portal2.rows', rows(setting)),
    values('radius.rows', radiusRows(setting)),
    step('portal2.parameters'),
    file('huawei.txt', 'portal2.huawei', huawei(setting)),
    file('h3c.txt', 'portal2.h3c', h3c(setting)),
    step('portal2.ruijie'),
    step('portal2.zte'),
    step('portal2.free-rule'),
    step('setup.try'),
  ];
}
