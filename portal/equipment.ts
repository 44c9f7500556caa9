/** The doors that are no web pages: RADIUS, RadSec, Portal 2.0, vendors' sockets; and the way back to put guests out. */
import { randomInt } from 'node:crypto';
import type { Server } from 'node:http';
import type { Gateways } from './gateways/all.ts';
import type { Lobby } from './gateways/gateway.ts';
import type { Equipment, KickOutcome, KickTarget } from './ports-network.ts';
import { createAnswers } from './radius/answers.ts';
import type { Refuses } from './reach.ts';
import { neverEquipment } from './reach.ts';
import type { Backwards, DynamicClient } from './radius/client.ts';
import { createDynamicClient } from './radius/client.ts';
import type { Counts } from './radius/counts.ts';
import { createCounts } from './radius/counts.ts';
import { isOut } from './radius/dynamic.ts';
import type { RadsecServer } from './radius/radsec.ts';
import { listenRadsec } from './radius/radsec.ts';
import { listenUdp } from './radius/server.ts';
import type { Stranger, Strangers } from './radius/strangers.ts';
import { createStrangers } from './radius/strangers.ts';

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
  /** What happened to RADIUS packets since the start, by name. */
  counts(): Readonly<Counts>;
  /** Who sent RADIUS packets without being registered, heard last first. */
  strangers(): Stranger[];
  close(): Promise<void>;
}

/** Network sessions of one guest that are put out at a time; more than these nobody has. */
const MOST_SESSIONS = 16;

type Closer = () => Promise<void>;

export function createEquipment(
  gateways: Gateways,
  lobby: Lobby,
  refuses: Refuses = neverEquipment,
): PortalEquipment {
  const closers: Closer[] = [];
  const counts = createCounts();
  const strangers = createStrangers();
  const radsec: { server: RadsecServer | null } = { server: null };
  const backwards: Backwards = {
    holds: (gatewayId) => radsec.server?.holds(gatewayId) ?? false,
    ask: (gatewayId, code, list) => radsec.server?.ask(gatewayId, code, list) ?? null,
  };
  const { clock } = lobby.ports;
  const random = (): number => randomInt(2 ** 32) / 2 ** 32;
  const client = createDynamicClient({ clock, random, counts, backwards, refuses });
  const close = async (): Promise<void> => {
    await Promise.all(closers.splice(0).map((closer) => closer()));
    radsec.server = null;
  };
  return {
    kick: (target) => kick(gateways, client, target),
    async poll(store, gateway) {
      return (await gateways.of(gateway.kind).poll?.(store, gateway)) ?? null;
    },
    async listen(settings) {
      try {
        const radius = await listenToNas(lobby, settings, { counts, strangers }, closers);
        radsec.server = radius.server;
        const acs = await listenToAcs(gateways, settings);
        if (acs !== null) closers.push(() => acs.close());
        return { ...radius.ports, ...(acs === null ? {} : { portal2: acs.port }) };
      } catch (error) {
        await close();
        throw error;
      }
    },
    attach(server) {
      for (const gateway of gateways.all()) {
        const detach = gateway.attach?.(server, lobby);
        if (detach !== undefined) closers.push(detach);
      }
    },
    counts: () => counts,
    strangers: () => strangers.list(),
    async close() {
      await Promise.all([close(), client.close()]);
    },
  };
}

/** A gateway's own means first; where it has none that works at once, RADIUS. */
async function kick(
  gateways: Gateways,
  client: DynamicClient,
  target: KickTarget,
): Promise<KickOutcome> {
  const own = (await gateways.of(target.gateway.kind).kick?.(target)) ?? 'unable';
  if (own === 'done' || target.gateway.radius === undefined) return own;
  const byRadius = await disconnect(client, target);
  return byRadius === 'done' || own === 'unable' ? byRadius : own;
}

/** A Disconnect for each of its network sessions, or one that names only the guest. */
async function disconnect(client: DynamicClient, target: KickTarget): Promise<KickOutcome> {
  const { gateway } = target;
  const sessions: (string | null)[] = target.nasSessions.slice(0, MOST_SESSIONS);
  if (sessions.length === 0) sessions.push(null);
  if (!client.reaches(gateway)) return 'unable';
  const replies = await Promise.all(
    sessions.map((nasSession) => client.disconnect(gateway, { ...target, nasSession })),
  );
  return replies.every((reply) => isOut(reply, gateway)) ? 'done' : 'failed';
}

/** RADIUS and RadSec; shut when the host does not say who may come in by them. */
async function listenToNas(
  lobby: Lobby,
  settings: EquipmentSettings,
  kept: { counts: Counts; strangers: Strangers },
  closers: Closer[],
): Promise<{ ports: OpenPorts; server: RadsecServer | null }> {
  const { network, doors, clock, log } = lobby.ports;
  const ports: OpenPorts = {};
  let server: RadsecServer | null = null;
  if (network === undefined) return { ports, server };
  const answers = createAnswers({ network, doors, clock, log, ...kept });
  const { counts } = kept;
  const { host, radius, radsec } = settings;
  if (radius !== undefined) {
    const udp = await listenUdp({ host, ...radius }, answers, counts);
    closers.push(() => udp.close());
    ports.radiusAuth = udp.authPort;
    ports.radiusAcct = udp.acctPort;
  }
  if (radsec !== undefined) {
    const tls = await listenRadsec({ host, ...radsec }, { network, answers, clock, log, counts });
    closers.push(() => tls.close());
    ports.radsec = tls.port;
    server = tls;
  }
  return { ports, server };
}

/** Portal 2.0: the UDP port that ACs send to unasked. */
async function listenToAcs(gateways: Gateways, { host, portal2 }: EquipmentSettings) {
  if (portal2 === undefined) return null;
  return (await gateways.of('portal2').listen?.(host, portal2.port)) ?? null;
}
