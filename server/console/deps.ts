/** What the console's pages are given, and the shape each page module has. */
import type { Router } from 'express';
import type { Policy } from '../../geo/policy.ts';
import type { Database } from '../db/database.ts';
import type { Log } from '../log.ts';
import type { Passwords } from '../staff/passwords.ts';
import type { DeviceCallers } from '../devices/callers.ts';
import type { WrongCodes } from '../offers/wrong-codes.ts';
import type { Throttle } from '../staff/throttle.ts';
import type { Archive } from '../visits/archive.ts';
import type { Reconciler } from '../sessions/reconcile.ts';
import type { Assets } from './assets.ts';
import type { GatewayDesk } from './gateways/desk.ts';
import type { PreviewDesk } from './preview-desk.ts';

export interface ConsoleDeps {
  db: Database;
  /** Milliseconds since 1970. */
  clock: () => number;
  log: Log;
  passwords: Passwords;
  throttle: Throttle;
  /** Keys the CSRF tokens; `deriveKey(secret, 'csrf')`. */
  csrfKey: Buffer;
  /** The installation's secret: devices' passphrases are sealed under it. */
  secret: Buffer;
  assets: Assets;
  /** History as it can be run again, and the policy it is judged by. */
  archive: Archive;
  policy: Policy;
  /** How often a till may send codes that do not exist. */
  wrongCodes: WrongCodes;
  /** Told when a device's token changes or stops working. */
  deviceCallers: DeviceCallers;
  /** How staff and guests reach this server, without a slash at the end. https decides the cookie's name. */
  publicUrl: string;
  /** How phones reach the MQTT broker, when there is one. */
  mqttPublicUrl?: string | undefined;
  /** Map tiles, when configured: their origin is added to the CSP. */
  tiles?: { url: string; attribution: string };
  /** Address at which a pretend gateway sends a guest in, for trying the portal out. */
  tryOut?: (slug: string, gateway: { name: string; secret: string }) => string;
  /** How gateways are set up, what they can do, and whom their controllers hold. */
  gateways: GatewayDesk;
  /** Puts a guest out by the strongest means that their gateway has. */
  reconciler: Pick<Reconciler, 'disconnect'>;
  /** Pages of the portal with settings that are not saved yet. */
  preview: PreviewDesk;
  /** Whether mail and SMS are really sent, or stay in the outbox page. */
  senders: { email: boolean; sms: boolean };
}

/** One area of the console: its routes, mounted below `/console` by createConsole. */
export type PageModule = (deps: ConsoleDeps) => Router;
