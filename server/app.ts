/** The composition root: opens storage, joins the portal, the API, the console and the sockets, and stops them in order. */
import { setTimeout as pause } from 'node:timers/promises';
import express from 'express';
import type { Express } from 'express';
import helmet from 'helmet';
import type { OpenPorts, PortalEquipment } from '../portal/equipment.ts';
import { createPreview } from '../portal/preview.ts';
import { createPortal, pretendRedirect } from '../portal/router.ts';
import type { Portal } from '../portal/router.ts';
import type { StoreView } from '../portal/ports-store.ts';
import type { PortalPorts } from '../portal/ports.ts';
import { createVouchers } from './access-vouchers/vouchers.ts';
import { createApprovals } from './approvals/approvals.ts';
import { createCodes } from './codes/codes.ts';
import { sendPolicyOf } from './codes/limits.ts';
import { equipmentHere, equipmentSettings } from './compose/equipment.ts';
import { houseJobs } from './compose/jobs.ts';
import { apiRoutes } from './compose/routes.ts';
import { createServices } from './compose/services.ts';
import type { Services } from './compose/services.ts';
import { probesOf } from './config.ts';
import type { Config } from './config.ts';
import { consoleAssets } from './console/assets.ts';
import type { GatewayDesk } from './console/gateways/desk.ts';
import { createConsole } from './console/router.ts';
import type { Database, Queryable } from './db/database.ts';
import { migrate } from './db/migrate.ts';
import { answers, databaseFolder, openDatabase } from './db/open.ts';
import { problem } from './errors.ts';
import { createDesk } from './guests/desk.ts';
import { deviceGuard } from './http/device-auth.ts';
import { mountDocs } from './http/docs.ts';
import { mountHealth } from './http/health.ts';
import type { HttpDoor } from './http/listen.ts';
import { createHttpDoor } from './http/listen.ts';
import { openApi } from './http/openapi.ts';
import { notFound, problems } from './http/problems.ts';
import { mount } from './http/route.ts';
import type { Guards } from './http/route.ts';
import { merchantGuard } from './http/staff-auth.ts';
import { deriveKey } from './ids.ts';
import { createJobRunner } from './jobs/runner.ts';
import type { JobRunner } from './jobs/runner.ts';
import { createLinks } from './links/links.ts';
import { createLog } from './log.ts';
import type { Log } from './log.ts';
import { createMembers } from './members/members.ts';
import { markShown, offersDue } from './offers/vouchers/queries.ts';
import { startMqtt } from './pings/mqtt.ts';
import type { MqttDoor } from './pings/mqtt.ts';
import { createRealtime } from './realtime/gateway.ts';
import type { Realtime } from './realtime/gateway.ts';
import { createSelfService } from './selfservice/selfservice.ts';
import { createDoors } from './sessions/accounting.ts';
import { createNetwork } from './sessions/network.ts';
import { createTickets } from './sessions/tickets.ts';
import { anyStaff } from './staff/queries.ts';
import { createOwnerLink } from './staff/sign-in.ts';
import { storeById } from './stores/queries.ts';
import { portalStore, storeBySlug } from './stores/view.ts';
import type { PortalStore } from './stores/view.ts';
import { version } from './version.ts';

/** Longest that a stop waits for events to be delivered. */
const deliveryMs = 5_000;

export interface Overrides {
  log?: Log;
  /** Milliseconds since 1970; tests move it. */
  clock?: () => number;
  /** Storage that is already open; stays open when the server closes. */
  db?: Database;
}

export interface RunningServer {
  /** Where it listens, without a slash at the end. */
  url: string;
  port: number;
  /** The doors that are no web pages; empty when none is configured. */
  ports: OpenPorts;
  services: Services;
  jobs: JobRunner;
  realtime: Realtime;
  /** Null when no broker is configured. */
  mqtt: MqttDoor | null;
  /** Creates the first account; null once somebody has one. */
  ownerLink: string | null;
  /** Refuses new work, finishes what is in hand, delivers what is due, lets go of storage. */
  close(): Promise<void>;
}

export async function startServer(
  config: Config,
  overrides: Overrides = {},
): Promise<RunningServer> {
  const log = overrides.log ?? createLog(config.LOG_LEVEL);
  const clock = overrides.clock ?? Date.now;
  const db = overrides.db ?? (await openStorage(config, log));
  const services = createServices(config, { storage: db, clock, log });
  const app = express();
  const door = createHttpDoor(app);
  const guards = createGuards(services);
  const equipment = furnish(app, config, services, door, guards);
  const realtime = createRealtime(door.server, {
    db,
    log,
    // The guard reads only method and headers, which the handshake has as well.
    staff: (headers) =>
      guards.merchant(
        { method: 'GET', headers } as Parameters<Guards['merchant']>[0],
        'events:read',
      ),
    device: async (token) => {
      const caller = await services.callers.find(token);
      if (!caller) throw problem('unauthenticated');
      return caller;
    },
    ownsStore: services.ownsStore,
  });
  services.connect(realtime);
  const mqtt = config.MQTT_URL
    ? startMqtt(services, { url: config.MQTT_URL, clientId: config.MQTT_CLIENT_ID })
    : null;
  if (mqtt) services.metrics.watchBroker(() => mqtt.connected());
  const jobs = createJobRunner(services, houseJobs(services, config));
  services.dispatcher.start();
  if (config.JOBS) jobs.start();
  const { port } = await door.listen(config.HOST, config.PORT);
  const url = `http://${config.HOST === '0.0.0.0' ? 'localhost' : config.HOST}:${port}`;
  log.info({ port, engine: db.engine, version }, 'listening');
  const keepStorage = overrides.db !== undefined;
  const close = (): Promise<void> =>
    closeAll({ services, jobs, realtime, mqtt, door, equipment, keepStorage });
  const ports = await openEquipment(equipment, config, door, log).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  services.metrics.watchRadius(equipment);
  return {
    url,
    port,
    ports,
    services,
    jobs,
    realtime,
    mqtt,
    ownerLink: await firstOwnerLink(services),
    close,
  };
}

/** RADIUS, RadSec, Portal 2.0 and vendors' sockets, where the settings name them. */
async function openEquipment(
  equipment: PortalEquipment,
  config: Config,
  door: HttpDoor,
  log: Log,
): Promise<OpenPorts> {
  equipment.attach(door.server);
  const ports = await equipment.listen(equipmentSettings(config));
  if (Object.keys(ports).length > 0) log.info({ ...ports }, 'listening to equipment');
  return ports;
}

async function openStorage(config: Config, log: Log): Promise<Database> {
  const db = await openDatabase({
    url: config.DATABASE_URL,
    folder: databaseFolder(config.DATA_DIR),
    max: config.DATABASE_POOL,
    onError: (error) => log.error({ err: error }, 'storage reported a failure'),
  });
  try {
    await migrate(db, { onStep: (step, ms) => log.info({ step, ms }, 'migrated') });
  } catch (error) {
    await db.close();
    throw error;
  }
  return db;
}

function createGuards(services: Services): Guards {
  return {
    device: deviceGuard((token) => services.callers.find(token)),
    merchant: merchantGuard({ ...services, callers: services.staffCallers }),
  };
}

/** Hangs every door into the app, in the order they are tried. */
function furnish(
  app: Express,
  config: Config,
  services: Services,
  door: HttpDoor,
  guards: Guards,
): PortalEquipment {
  const { db, log, metrics } = services;
  app.disable('x-powered-by');
  app.set('trust proxy', trustProxy(config.TRUST_PROXY));
  app.use(metrics.middleware, door.refuseWhenDraining);
  mountHealth(app, metrics, {
    ping: () => answers(db),
    draining: door.draining,
    metricsToken: config.METRICS_TOKEN,
  });
  app.use(
    helmet({
      contentSecurityPolicy: false,
      strictTransportSecurity: config.PUBLIC_URL.startsWith('https:'),
      referrerPolicy: { policy: 'no-referrer' },
    }),
  );
  const portal = createPortal(portalPorts(services), {
    secret: deriveKey(config.SECRET, 'portal'),
    publicUrl: config.PUBLIC_URL,
    viewCache: true,
    equipmentHere: equipmentHere(config),
    probes: probesOf(config),
  });
  services.useEquipment(portal.equipment);
  app.use(portal.router);
  const assets = consoleAssets();
  app.use(assets.handler);
  app.use(
    createConsole({
      ...services,
      assets,
      deviceCallers: services.callers,
      gateways: gatewayDesk(portal, config),
      preview: createPreview({
        clock: services.clock,
        publicUrl: config.PUBLIC_URL,
        viewCache: true,
      }),
      tryOut: (slug, gateway) =>
        config.PUBLIC_URL +
        pretendRedirect(slug, gateway, { mac: '02:00:00:00:00:01', ip: '192.0.2.10' }),
      ...(config.TILE_URL
        ? { tiles: { url: config.TILE_URL, attribution: config.TILE_ATTRIBUTION } }
        : {}),
      senders: { email: config.SMTP_URL !== undefined, sms: config.SMS_WEBHOOK_URL !== undefined },
    }),
  );
  const routes = apiRoutes(services);
  mountDocs(app, () => openApi(routes, version));
  mount(app, routes, guards);
  app.get('/', (_request, response) => response.redirect(303, '/console'));
  app.use(notFound, problems(log));
  return portal.equipment;
}

/** What staff are told about gateways, with the doors that these settings open to them. */
function gatewayDesk(portal: Portal, config: Config): GatewayDesk {
  const { radius, radsec, portal2 } = equipmentSettings(config);
  const told = portal.help({
    ...(radius ? { radius: { ...radius, ...(radsec ? { radsecPort: radsec.port } : {}) } } : {}),
    ...(portal2 ? { portal2Port: portal2.port } : {}),
  });
  const doors = {
    radius: radius !== undefined,
    radsec: radsec !== undefined,
    portal2: portal2 !== undefined,
  };
  const { equipment } = portal;
  return {
    ...told,
    doors,
    poll: (store, gateway) => equipment.poll(store, gateway),
    strangers: () => equipment.strangers(),
  };
}

/** The portal's ports, served by the features behind them: the one meeting point of the two. */
function portalPorts(services: Services): PortalPorts {
  const { db, clock, log, secret, stores, waiting, courier, grants: memory } = services;
  const codes = createCodes({
    db,
    clock,
    log,
    secret,
    sendPolicy: async (tx, store) => sendPolicyOf(store.country, (await houseView(tx, store)).sms),
    wake: () => courier.wake(),
  });
  return {
    clock,
    log,
    desk: createDesk({
      db,
      clock,
      log,
      secret,
      storeBySlug: (slug): Promise<StoreView | null> =>
        stores.through(slug, () => storeBySlug(db, slug)),
      limits: async (tx, store) => (await houseView(tx, store)).session,
      publicUrl: services.publicUrl,
      offersDue,
      markShown,
      waitForOffer: waiting.forOffer,
      expectOffer: waiting.expect,
      rulesHeard: waiting.heard,
    }),
    codes,
    self: createSelfService({
      db,
      clock,
      log,
      codes,
      publicUrl: services.publicUrl,
      wake: () => courier.wake(),
    }),
    vouchers: createVouchers({ db, clock, secret }),
    members: createMembers({ db, clock, secret }),
    approvals: createApprovals({ db, clock, secret }),
    links: createLinks({ db, clock, secret }),
    doors: {
      ...createDoors({ db, clock, memory }),
      ...createTickets({ db, clock, secret, memory }),
    },
    network: createNetwork({ db, clock, log, secret, memory }),
  };
}

type HouseView = Pick<PortalStore, 'session' | 'sms'>;

/**
 * What only the house knows of a store: limits of a session, where texts may go. The portal hands back
 * the very store it was given, so that nothing is read twice; one that came another way is read.
 */
async function houseView(
  tx: Queryable,
  store: { id: string; merchantId: string } & Partial<HouseView>,
): Promise<HouseView> {
  const { session, sms } = store;
  if (session && sms) return { session, sms };
  const row = await storeById(tx, store.merchantId, store.id);
  if (!row) throw problem('not-found');
  return portalStore(row, []);
}

function trustProxy(setting: string): boolean | number | string {
  if (setting === 'false') return false;
  return /^\d+$/.test(setting) ? Number(setting) : setting;
}

async function firstOwnerLink(services: Services): Promise<string | null> {
  if (await anyStaff(services.db)) return null;
  const token = await createOwnerLink(services.db, services.clock);
  return `${services.publicUrl}/console/start/${token}`;
}

/** New work stops first, then what it caused is delivered, then storage goes. */
async function closeAll(parts: {
  services: Services;
  jobs: JobRunner;
  realtime: Realtime;
  mqtt: MqttDoor | null;
  door: HttpDoor;
  equipment: PortalEquipment;
  keepStorage: boolean;
}): Promise<void> {
  const { services, jobs, realtime, mqtt, door } = parts;
  services.waiting.release();
  const drained = door.drain();
  // First, so that no job waits for a gateway's answer.
  await parts.equipment.close();
  await jobs.stop();
  await realtime.close();
  await drained;
  await mqtt?.stop();
  await services.lanes.idle();
  // With storage away nothing can be delivered; it waits in the outbox for the next start.
  await Promise.race([services.dispatcher.idle(), pause(deliveryMs, null, { ref: false })]);
  await services.dispatcher.stop();
  await services.reconciler.stop();
  await services.polls.stop();
  await services.courier.stop();
  if (!parts.keepStorage) await services.db.close();
}
