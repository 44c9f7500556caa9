/** PURE. CoovaChilli: the variables its start script reads, and the options that have none. */
import type { SetupPart, Setting } from './parts.ts';
import { file, radiusWarnings, step, warn } from './parts.ts';
import { bareValue, comment, shellWord, survives } from './quote.ts';

/**
 * The start script puts some of these through `eval`, so signs with a meaning to a shell are replaced
 * before they are quoted.
 */
function variable(name: string, value: string | number): string {
  return `HS_${name}=${shellWord(bareValue(String(value)))}`;
}

function config(setting: Setting): string[] {
  const { gateway, url, path, garden, radius, store } = setting;
  const settings = gateway.radius;
  return [
    `# ${comment(store.name)}`,
    variable('UAMSERVER', url.hostname),
    variable('UAMFORMAT', `${url.origin}${path}`),
    // Its own start page would stand before ours.
    variable('UAMHOMEPAGE', ''),
    variable('UAMSECRET', gateway.secret ?? ''),
    variable('UAMALLOW', garden.join(',')),
    variable('RADIUS', radius.host),
    variable('RADIUS2', radius.host),
    variable('RADSECRET', settings?.secret ?? ''),
    variable('RADAUTH', radius.authPort),
    variable('RADACCT', radius.acctPort),
    variable('NASID', settings?.nasIds[0] ?? gateway.name),
    variable('DEFINTERIMINTERVAL', settings?.interimSeconds ?? 300),
    variable('PAP_OK', gateway.login === 'pap' ? 'on' : 'off'),
    variable('MACAUTH', settings?.macAuth === undefined ? 'off' : 'on'),
    ...(settings?.coa === undefined ? [] : [variable('COAPORT', settings.coa.port)]),
  ];
}

function option(name: string, value: string): string {
  return `${name} ${bareValue(value)}`;
}

/** Options without a variable of their own. `%{M}` is the client's MAC in hexadecimal digits. */
function local({ gateway, url, store, capportUrl }: Setting): string[] {
  const macAuth = gateway.radius?.macAuth;
  return [
    `# ${comment(store.name)}`,
    ...(url.protocol === 'https:' ? [option('captiveportalapi_uri', `${capportUrl}%{M}`)] : []),
    ...(macAuth?.password === 'fixed' ? [option('macpasswd', macAuth.fixed ?? '')] : []),
    ...(gateway.radius?.certificate === undefined ? [] : ['radsec']),
  ];
}

export function coovaSetup(setting: Setting): SetupPart[] {
  const { gateway, url } = setting;
  const words = [gateway.name, gateway.secret ?? '', gateway.radius?.secret ?? ''];
  return [
    ...radiusWarnings(setting),
    ...((gateway.secret ?? '') === '' ? [warn('coova.no-secret')] : []),
    ...(words.every(survives) ? [] : [warn('setup.signs-replaced')]),
    ...(url.protocol === 'https:' ? [] : [warn('capport.needs-https')]),
    step('coova.install'),
    file('/etc/chilli/config', 'coova.config', config(setting)),
    file('/etc/chilli/local.conf', 'coova.local', local(setting)),
    step('coova.capport'),
    step('setup.try'),
  ];
}
