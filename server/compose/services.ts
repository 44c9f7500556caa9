/** What the features share in one process: storage, clock, log and the parts made once from them. */
import { defaultPolicy } from '../../geo/policy.ts';
import type { Config } from '../config.ts';
import { mayAnalyse } from '../consents/analyse.ts';
import type { Database } from '../db/database.ts';
import { createDeviceCallers } from '../devices/callers.ts';
import type { DeviceCallers } from '../devices/callers.ts';
import { createDispatcher } from '../events/dispatch.ts';
import type { Dispatcher } from '../events/dispatch.ts';
import { outboxFigures } from '../events/outbox.ts';
import { watchEvents } from '../events/watch.ts';
import { createLiveFences } from '../fences/live.ts';
import type { LiveFences } from '../fences/live.ts';
import { createMetrics } from '../http/health.ts';
import type { Metrics } from '../http/health.ts';
import { deriveKey } from '../ids.ts';
import type { Log } from '../log.ts';
import { startCourier } from '../messages/deliver.ts';
import type { Courier } from '../messages/deliver.ts';
import { chooseSenders } from '../messages/sender.ts';
import type { Senders } from '../messages/sender.ts';
import { createArchive } from './archive.ts';
import { sealSettings } from './sealed.ts';
import { createWrongCodes } from '../offers/wrong-codes.ts';
import type { WrongCodes } from '../offers/wrong-codes.ts';
import { createCompanied, createWitness } from '../pings/evidence.ts';
import { createIngest } from '../pings/ingest.ts';
import type { Ingest } from '../pings/ingest.ts';
import { createLanes } from '../pings/lanes.ts';
import type { Lanes } from '../pings/lanes.ts';
import type { Realtime } from '../realtime/gateway.ts';
import { createWaiting } from '../realtime/waiting.ts';
import type { Waiting } from '../realtime/waiting.ts';
import { createForeseen, createTrigger } from '../rules/trigger.ts';
import { createGrantMemory } from '../sessions/memory.ts';
import type { GrantMemory } from '../sessions/memory.ts';
import { createPolls } from '../sessions/polls.ts';
import type { Lister, Polls } from '../sessions/polls.ts';
import { createReconciler } from '../sessions/reconcile.ts';
import type { Kicker, Reconciler } from '../sessions/reconcile.ts';
import { createStaffCallers } from '../staff/keys.ts';
import { createPasswords } from '../staff/passwords.ts';
import type { Passwords } from '../staff/passwords.ts';
import { createThrottle } from '../staff/throttle.ts';
import type { Throttle } from '../staff/throttle.ts';
import type { Archive } from '../visits/archive.ts';
import { hasStore } from '../stores/queries.ts';
import { recentStores, watchStores } from '../stores/recent.ts';
import type { RecentStores } from '../stores/recent.ts';
import { createVault } from '../stores/secrets.ts';
import type { PortalStore } from '../stores/view.ts';
import type { StaffCallers } from '../http/staff-auth.ts';

export interface Services {
  db: Database;
  /** Milliseconds since 1970. */
  clock: () => number;
  log: Log;
  /** The installation's secret; features derive their own keys from it. */
  secret: Buffer;
  csrfKey: Buffer;
  publicUrl: string;
  /** How phones reach the MQTT broker, when there is one. */
  mqttPublicUrl: string | undefined;
  callers: DeviceCallers;
  wrongCodes: WrongCodes;
  staffCallers: StaffCallers;
  passwords: Passwords;
  throttle: Throttle;
  fences: LiveFences;
  lanes: Lanes;
  /** History as it can be run again. */
  archive: Archive;
  policy: typeof defaultPolicy;
  ingest: Ingest;
  /** Counts pings for the metrics. */
  count: (source: string, verdict: string, pings: number) => void;
  metrics: Metrics;
  dispatcher: Dispatcher;
  /** Stores as the portal showed them a moment ago. */
  stores: RecentStores<PortalStore | null>;
  waiting: Waiting;
  senders: Senders;
  courier: Courier;
  /** Grants of the last hours, for when storage is away. */
  grants: GrantMemory;
  /** Puts out whose grant is over. */
  reconciler: Reconciler;
  polls: Polls;
  /** Begins to compare controllers' lists with our sessions. */
  pollControllers: (now: number) => void;
  /** Set once the portal is made; until then nobody is put out or listed. */
  useEquipment: (equipment: Kicker & Lister) => void;
  /** Whether the store is one of this merchant's. */
  ownsStore: (merchantId: string, storeId: string) => Promise<boolean>;
  /** Set once sockets are up; until then events wait in the outbox. */
  connect: (realtime: Realtime) => void;
}

export function createServices(
  config: Config,
  { storage, clock, log }: { storage: Database; clock: () => number; log: Log },
): Services {
  const sealed = sealSettings(storage, createVault(config.SECRET));
  const stores = recentStores<PortalStore | null>();
  const db = watchEvents(
    watchStores(sealed, () => stores.changed()),
    () => dispatcher.nudge(),
  );
  let realtime: Realtime | undefined;
  const waiting = createWaiting();
  const metrics = createMetrics({
    figures: () => outboxFigures(db, clock()),
    sockets: () => realtime?.connections() ?? 0,
  });
  const count = (source: string, verdict: string, pings: number): void =>
    metrics.pings.inc({ source, verdict }, pings);
  const dispatcher = createDispatcher({
    db: storage,
    clock,
    log,
    announce: [async (event) => realtime?.deliver(event), waiting.deliver],
    subscribers: [
      { hear: createTrigger({ db, clock, log }), among: createForeseen(db) },
      { hear: async (event) => witness(event), among: createCompanied(db) },
      async (event) => reconciler.hear(event),
      async (event) => grants.hear(event),
      async (event) => metrics.events.inc({ type: event.type }),
      waiting.settle,
    ],
  });
  const base = { db, clock, log };
  const ingestParts = { fences: createLiveFences(), lanes: createLanes(), policy: defaultPolicy };
  const ingest = createIngest({ ...base, ...ingestParts, count });
  const witness = createWitness({ ...base, ...ingestParts, ingest, mayAnalyse });
  const reconciler = createReconciler({
    ...base,
    count: (outcome) => metrics.kicks.inc({ outcome }),
  });
  const polls = createPolls(base);
  const grants = createGrantMemory(clock);
  let equipment: Lister | undefined;
  const senders = chooseSenders(
    {
      smtpUrl: config.SMTP_URL,
      mailFrom: config.MAIL_FROM,
      smsWebhookUrl: config.SMS_WEBHOOK_URL,
      smsWebhookSecret: config.SMS_WEBHOOK_SECRET,
    },
    clock,
  );
  return {
    ...base,
    ...ingestParts,
    archive: createArchive(ingestParts.fences),
    secret: config.SECRET,
    csrfKey: deriveKey(config.SECRET, 'csrf'),
    publicUrl: config.PUBLIC_URL,
    mqttPublicUrl: config.MQTT_PUBLIC_URL,
    callers: createDeviceCallers(base),
    wrongCodes: createWrongCodes(),
    staffCallers: createStaffCallers(base),
    passwords: createPasswords(),
    throttle: createThrottle(),
    ingest,
    count,
    metrics,
    dispatcher,
    stores,
    waiting,
    senders,
    courier: startCourier({ ...base, senders }),
    grants,
    reconciler,
    polls,
    pollControllers: (now) => {
      if (equipment) polls.begin(equipment, now);
    },
    useEquipment: (made) => {
      equipment = made;
      reconciler.connect(made);
    },
    ownsStore: (merchantId, storeId) =>
      db.tx((tx) => hasStore(tx, merchantId, storeId), { tenant: merchantId, readOnly: true }),
    connect: (sockets) => {
      realtime = sockets;
    },
  };
}
