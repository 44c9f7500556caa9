/** The doors that are no web pages: RADIUS, RadSec, Portal 2.0, vendors' sockets; and the way back to put guests out. */
import type { Server } from 'node:http';
import type { Gateways } from './gateways/all.ts';
import type { Lobby } from './gateways/gateway.ts';
import type { Equipment } from './ports-network.ts';

/** Which doors to open; a part left out stays shut. Port 0 takes any free one. */
export interface EquipmentSettings {
  host: string;
  radius?: { authPort: number; acctPort: number };
  /** PEM texts. */
  radsec?: { port: number; cert: string; key: string; ca?: string };
  /** UDP port for what an AC says unasked (50100). */
  portal2?: { port: number };
}

/** Ports that were taken, for logs and tests. */
export interface OpenPorts {
  radiusAuth?: number;
  radiusAcct?: number;
  radsec?: number;
  portal2?: number;
}

export interface PortalEquipment extends Equipment {
  /** Opens the doors; rejects when a port cannot be had, and then none stays open. */
  listen(settings: EquipmentSettings): Promise<OpenPorts>;
  /** Lets vendors' sockets in beside HTTP. */
  attach(server: Server): void;
  close(): Promise<void>;
}

export function createEquipment(gateways: Gateways, lobby: Lobby): PortalEquipment {
  const closers: (() => Promise<void>)[] = [];
  return {
    async kick(target) {
      return (await gateways.of(target.gateway.kind).kick?.(target)) ?? 'unable';
    },
    async poll(store, gateway) {
      return (await gateways.of(gateway.kind).poll?.(store, gateway)) ?? null;
    },
    async listen(settings) {
      const acs = await listenToAcs(gateways, settings);
      if (acs === null) return {};
      closers.push(() => acs.close());
      return { portal2: acs.port };
    },
    attach(server) {
      for (const gateway of gateways.all()) {
        const close = gateway.attach?.(server, lobby);
        if (close !== undefined) closers.push(close);
      }
    },
    async close() {
      await Promise.all(closers.splice(0).map((close) => close()));
    },
  };
}

/** Portal 2.0: the UDP port that ACs send to unasked. */
async function listenToAcs(gateways: Gateways, { host, portal2 }: EquipmentSettings) {
  if (portal2 === undefined) return null;
  return (await gateways.of('portal2').listen?.(host, portal2.port)) ?? null;
}
