/** PURE. UniFi and Meraki: what to set in their own pages. */
import type { SetupPart, Setting } from './parts.ts';
import { isAddress, row, step, values, warn } from './parts.ts';

function gardenRows({ garden }: Setting): SetupPart[] {
  return [
    values(
      'garden.rows',
      garden.map((host) => row('host', host)),
    ),
  ];
}

export function unifiSetup(setting: Setting): SetupPart[] {
  const { gateway, url } = setting;
  const { unifi } = gateway;
  const official = unifi?.api === 'official';
  return [
    ...(unifi === undefined ? [warn('unifi.missing')] : []),
    ...(official && unifi.apiKey === undefined ? [warn('unifi.no-key')] : []),
    ...(!official && unifi !== undefined && unifi.username === undefined
      ? [warn('unifi.no-account')]
      : []),
    ...(url.port === '' ? [] : [warn('unifi.port', { port: url.port })]),
    step(official ? 'unifi.make-key' : 'unifi.make-account'),
    step('unifi.hotspot'),
    step('unifi.external'),
    values('unifi.rows', [
      row('portal-host', url.hostname),
      row('site', unifi?.site ?? 'default'),
      row('landing-path', `/guest/s/${unifi?.site ?? 'default'}/`),
    ]),
    step('unifi.garden'),
    ...gardenRows(setting),
    ...(isAddress(url) ? [] : [step('unifi.https')]),
    step('setup.try'),
  ];
}

export function merakiSetup(setting: Setting): SetupPart[] {
  const { url, path } = setting;
  return [
    ...(isAddress(url) ? [warn('meraki.public')] : []),
    step('meraki.splash'),
    values('meraki.rows', [row('splash-url', `${url.origin}${path}`)]),
    step('meraki.continue'),
    step('meraki.garden'),
    ...gardenRows(setting),
    step('meraki.per-ssid'),
    step('meraki.limits'),
    step('setup.try'),
  ];
}
