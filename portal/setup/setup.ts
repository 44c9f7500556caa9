/** PURE. How to set up each kind of equipment for a store: ordered steps, and configuration to copy. */
import type { GatewayKind, RegisteredGateway } from '../ports-store.ts';
import { merakiSetup, unifiSetup } from './controllers.ts';
import { coovaSetup } from './coova.ts';
import { walledGarden } from './garden.ts';
import { mikrotikSetup } from './mikrotik.ts';
import { openNdsSetup } from './opennds.ts';
import type { Setting, SetupOptions, SetupPart, SetupStore } from './parts.ts';
import { radiusRows, radiusWarnings, settingOf, step, values } from './parts.ts';
import { portal2Setup } from './portal2.ts';
import { apfreeSetup, wifidogSetup } from './wifidog.ts';

function radiusSetup(setting: Setting): SetupPart[] {
  return [
    ...radiusWarnings(setting),
    step('radius.any'),
    values('radius.rows', radiusRows(setting)),
    step('radius.mac'),
    step('setup.try'),
  ];
}

const GUIDES: Record<GatewayKind, (setting: Setting) => SetupPart[]> = {
  pretend: () => [step('pretend.nothing')],
  opennds: openNdsSetup,
  wifidog: wifidogSetup,
  apfree: apfreeSetup,
  coova: coovaSetup,
  mikrotik: mikrotikSetup,
  unifi: unifiSetup,
  meraki: merakiSetup,
  portal2: portal2Setup,
  radius: radiusSetup,
};

/** `publicUrl`: scheme, host and port of the portal. Files hold the gateway's secrets as they are. */
export function setupFor(
  gateway: RegisteredGateway,
  store: SetupStore,
  publicUrl: string,
  options: SetupOptions = {},
): SetupPart[] {
  const garden = walledGarden(store, publicUrl, options.hosts);
  return GUIDES[gateway.kind](settingOf(gateway, store, new URL(publicUrl), garden, options));
}
