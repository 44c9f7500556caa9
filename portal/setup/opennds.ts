/** PURE. openNDS: the lines for OpenWrt, and for the file that other systems read. */
import type { SetupPart, Setting } from './parts.ts';
import { file, idleMinutes, isAddress, step, warn } from './parts.ts';
import { bareValue, comment, shellWord, survives } from './quote.ts';

/** Where departures are reported from, which levels 3 and 4 understand. */
const BINAUTH = '/usr/lib/opennds/binauth_log.sh';

function optionsOf(setting: Setting): [string, string][] {
  const { gateway, url, port, path } = setting;
  const level = gateway.level ?? 3;
  return [
    ['gatewayname', gateway.name],
    ['fas_secure_enabled', String(level)],
    [isAddress(url) ? 'fasremoteip' : 'fasremotefqdn', url.hostname],
    ['fasport', String(port)],
    ['faspath', path],
    ['authidletimeout', String(idleMinutes(setting))],
    ...(level === 0 ? [] : ([['faskey', gateway.secret ?? '']] as [string, string][])),
    ...(level >= 3 ? ([['binauth', BINAUTH]] as [string, string][]) : []),
  ];
}

/** Options that may stand several times: names guests reach before login, and what the redirect carries along. */
function listsOf({ garden, url, store }: Setting): [string, string][] {
  const beyond = garden.filter((host) => host !== url.hostname);
  return [
    ['fas_custom_parameters_list', `store=${store.slug}`],
    ...beyond.map((host): [string, string] => ['walledgarden_fqdn_list', host]),
  ];
}

function uci(setting: Setting): string[] {
  const at = 'opennds.@opennds[0]';
  return [
    `# ${comment(setting.store.name)}`,
    `uci -q delete ${at}.fas_custom_parameters_list`,
    `uci -q delete ${at}.walledgarden_fqdn_list`,
    `uci set ${at}.enabled=1`,
    ...optionsOf(setting).map(([name, value]) => `uci set ${at}.${name}=${shellWord(value)}`),
    ...listsOf(setting).map(([name, value]) => `uci add_list ${at}.${name}=${shellWord(value)}`),
    'uci commit opennds',
    'service opennds restart',
  ];
}

/** The legacy file spells some names its own way. */
const LEGACY: Record<string, string> = {
  gatewayname: 'GatewayName',
  authidletimeout: 'AuthIdleTimeout',
};

function legacy(setting: Setting): string[] {
  const lines = [...optionsOf(setting), ...listsOf(setting)];
  return [
    `# ${comment(setting.store.name)}`,
    `GatewayInterface ${bareValue(setting.lan)}`,
    ...lines.map(([name, value]) => `${LEGACY[name] ?? name} ${bareValue(value)}`),
  ];
}

export function openNdsSetup(setting: Setting): SetupPart[] {
  const { gateway, url } = setting;
  const level = gateway.level ?? 3;
  const secret = gateway.secret ?? '';
  const byName = level >= 3;
  return [
    ...(byName && url.protocol !== 'https:' ? [warn('opennds.needs-https', { level })] : []),
    ...(!byName && url.protocol === 'https:' ? [warn('opennds.needs-http', { level })] : []),
    ...(level === 0 || level === 1 || level === 4 ? [warn('opennds.weak-level', { level })] : []),
    ...(survives(gateway.name) && survives(secret) ? [] : [warn('setup.signs-replaced')]),
    step('opennds.install'),
    step('opennds.version'),
    ...(level === 2 || level === 3 ? [step('opennds.php')] : []),
    file('openwrt-opennds.sh', 'opennds.uci', uci(setting)),
    file('opennds.conf', 'opennds.legacy', legacy(setting)),
    step('opennds.capport'),
    step('setup.try'),
  ];
}
