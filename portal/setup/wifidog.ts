/** PURE. WiFiDog's file, and apfree-wifidog's lines for OpenWrt. */
import type { SetupPart, Setting } from './parts.ts';
import { file, idleMinutes, isAddress, step, warn } from './parts.ts';
import { blockValue, comment, shellWord, survives } from './quote.ts';

/** The gateway's own calls carry the secret; where guests are sent it is left out. */
function basePath({ store }: Setting): string {
  return `/wd/${encodeURIComponent(store.slug)}/`;
}

/** In intervals of one minute. It cannot be told to wait for ever: a day is the most we allow. */
const clientTimeout = (setting: Setting): number => idleMinutes(setting) || 1440;

function conf(setting: Setting): string[] {
  const { gateway, url, port, lan, store } = setting;
  const secret = blockValue(encodeURIComponent(gateway.secret ?? ''));
  const tls = url.protocol === 'https:';
  return [
    `# ${comment(store.name)}`,
    `GatewayID ${blockValue(gateway.name)}`,
    `GatewayInterface ${blockValue(lan)}`,
    'AuthServer {',
    `    Hostname ${blockValue(url.hostname)}`,
    `    SSLAvailable ${tls ? 'yes' : 'no'}`,
    tls ? `    SSLPort ${port}` : `    HTTPPort ${port}`,
    `    Path ${blockValue(basePath(setting))}`,
    '    LoginScriptPathFragment login/?',
    '    PortalScriptPathFragment portal/?',
    '    MsgScriptPathFragment gw_message.php?',
    `    PingScriptPathFragment ${secret}/ping/?`,
    `    AuthScriptPathFragment ${secret}/auth/?`,
    '}',
    'CheckInterval 60',
    `ClientTimeout ${clientTimeout(setting)}`,
  ];
}

function warnings({ gateway, url, garden }: Setting): SetupPart[] {
  const known = survives(gateway.name) && survives(gateway.secret ?? '');
  return [
    ...(known ? [] : [warn('setup.signs-replaced')]),
    ...((gateway.sources ?? []).length === 0 ? [warn('wifidog.no-source')] : []),
    ...(url.protocol === 'https:' ? [] : [warn('wifidog.plain')]),
    ...(gateway.kind === 'wifidog' && garden.length > 1 ? [warn('wifidog.garden')] : []),
  ];
}

export function wifidogSetup(setting: Setting): SetupPart[] {
  return [
    ...warnings(setting),
    step('wifidog.install'),
    file('wifidog.conf', 'wifidog.conf', conf(setting)),
    step('wifidog.ends'),
    step('setup.try'),
  ];
}

function uci(setting: Setting): string[] {
  const { gateway, url, port, lan, store, garden } = setting;
  const secret = encodeURIComponent(gateway.secret ?? '');
  const base = `${basePath(setting)}${secret}/`;
  const tls = url.protocol === 'https:';
  const set = (name: string, value: string) =>
    `uci set wifidogx.common.${name}=${shellWord(value)}`;
  return [
    `# ${comment(store.name)}`,
    set('enabled', '1'),
    set('auth_server_mode', 'cloud'),
    set('device_id', gateway.name),
    set('auth_server_hostname', url.hostname),
    set('auth_server_port', String(port)),
    set('auth_server_path', base),
    set('long_conn_mode', tls ? 'wss' : 'ws'),
    set('ws_server_hostname', url.hostname),
    set('ws_server_port', String(port)),
    set('ws_server_path', `${base}ws`),
    set('check_interval', '60'),
    set('client_timeout', String(clientTimeout(setting))),
    'uci -q delete wifidogx.common.trusted_domains',
    ...garden.map((host) => `uci add_list wifidogx.common.trusted_domains=${shellWord(host)}`),
    'uci set wifidogx.guests=gateway',
    `uci set wifidogx.guests.gateway_name=${shellWord(lan)}`,
    'uci set wifidogx.guests.gateway_channel=guests',
    `uci set wifidogx.guests.gateway_id=${shellWord(gateway.name)}`,
    'uci commit wifidogx',
    'service wifidogx restart',
  ];
}

export function apfreeSetup(setting: Setting): SetupPart[] {
  return [
    ...warnings(setting),
    warn('apfree.secret-seen'),
    ...(isAddress(setting.url) ? [warn('portal.address')] : []),
    step('apfree.install'),
    file('openwrt-wifidogx.sh', 'apfree.uci', uci(setting)),
    step('apfree.version'),
    step('setup.try'),
  ];
}
