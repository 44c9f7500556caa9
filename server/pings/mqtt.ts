/** OwnTracks through an MQTT broker: a subscriber that acknowledges a message only once it is stored. */
import { setTimeout as pause } from 'node:timers/promises';
import mqtt from 'mqtt';
import type { IPublishPacket, MqttClient } from 'mqtt';
import type { DeviceCallers } from '../devices/callers.ts';
import type { PingDeps } from './doors/door.ts';
import { asProblem } from '../http/problems.ts';
import { hearOwnTracks } from './doors/owntracks.ts';
import { createThrottle } from './doors/waypoints.ts';

export interface MqttDeps extends PingDeps {
  callers: Pick<DeviceCallers, 'findById'>;
}

export interface MqttSettings {
  /** mqtt, mqtts, ws or wss; may hold user and password, so it is never logged. */
  url: string;
  /** Under this name the broker keeps what comes while nobody is here. */
  clientId: string;
}

export interface MqttDoor {
  /** Whether the broker is there and sends us what comes. */
  connected(): boolean;
  /** Finishes the message in hand, then leaves; what was not acknowledged comes again. */
  stop(): Promise<void>;
}

/** Positions, and what else the apps publish; commands and cards are not ours to read. */
const topics = [
  'owntracks/+/+',
  ...['event', 'waypoint', 'waypoints', 'status', 'dump', 'step', 'beacon'].map(
    (kind) => `owntracks/+/+/${kind}`,
  ),
];
const LARGEST = 512 * 1024;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
/** A message that fails like this for reasons of its own must not hold up all others for ever. */
const TRIES = 3;

const deviceTopic =
  /^owntracks\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\/[^/]+/i;
const waitOf = (attempt: number): number => Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt);

/** Connects and keeps trying; returns at once. */
export function startMqtt(parts: MqttDeps, { url, clientId }: MqttSettings): MqttDoor {
  const { ingest, log } = parts;
  // One message at a time: waiting for one device's share would hold up everybody's.
  const deps: MqttDeps = {
    ...parts,
    mayLook: createThrottle(),
    ingest: (caller, pings) => ingest(caller, pings, { mayWait: false }),
  };
  const stopping = new AbortController();
  let inHand: Promise<unknown> = Promise.resolve();
  const client = mqtt.connect(url, {
    clientId,
    clean: false,
    protocolVersion: 4,
    keepalive: 30,
    reconnectPeriod: FIRST_WAIT,
    reconnectOnConnackError: true,
    resubscribe: false,
    manualConnect: true,
  });
  // The library sends its acknowledgement when `done` is called, and not before.
  client.handleMessage = (packet, done) => {
    // Stopping: it stays with the broker.
    if (stopping.signal.aborted) return;
    inHand = untilStored(deps, client, packet, stopping.signal).then((stored) => {
      if (stored) done();
    });
  };
  const listening = watch(client, log);
  client.connect();
  return {
    connected: () => client.connected && listening(),
    async stop() {
      stopping.abort();
      await inHand;
      await client.endAsync(!client.connected);
    },
  };
}

/** Subscribes whenever there is a connection; says whether it is subscribed. */
function watch(client: MqttClient, log: PingDeps['log']): () => boolean {
  let failures = 0;
  let listening = false;
  client.on('connect', () => {
    failures = 0;
    client.options.reconnectPeriod = FIRST_WAIT;
    // Each time: a broker that forgot the session would otherwise send nothing.
    client.subscribe(topics, { qos: 1 }, (error, granted = []) => {
      const refused = granted.filter(({ qos }) => qos > 1).map(({ topic }) => topic);
      listening = !error && refused.length === 0;
      if (listening) log.info('mqtt: connected');
      else log.error({ err: error, refused }, 'mqtt: not subscribed');
    });
  });
  client.on('error', (error) => {
    if (failures === 0) log.warn({ err: error }, 'mqtt: trouble with the broker');
  });
  client.on('close', () => {
    if (failures === 0 && !client.disconnecting) log.warn('mqtt: the broker is away');
    listening = false;
    failures++;
    client.options.reconnectPeriod = waitOf(failures);
  });
  return () => listening;
}

/** True once the message needs not come again; false when the server stops before that. */
async function untilStored(
  deps: MqttDeps,
  client: MqttClient,
  packet: IPublishPacket,
  signal: AbortSignal,
): Promise<boolean> {
  for (let attempt = 0; ; attempt++) {
    try {
      await hear(deps, client, packet);
      return true;
    } catch (error) {
      const { code, status } = asProblem(error);
      const waits = code === 'unavailable' || code === 'too-many-requests';
      if (!waits && (status < 500 || attempt + 1 >= TRIES)) {
        deps.count?.('owntracks', code, 1);
        if (status >= 500) deps.log.error({ err: error }, 'mqtt: a message could not be stored');
        return true;
      }
    }
    if (signal.aborted) return false;
    await pause(waitOf(attempt), null, { signal }).catch(() => undefined);
  }
}

async function hear(deps: MqttDeps, client: MqttClient, packet: IPublishPacket): Promise<void> {
  const [base, deviceId = ''] = deviceTopic.exec(packet.topic) ?? [];
  const caller = base === undefined ? null : await deps.callers.findById(deviceId.toLowerCase());
  if (base === undefined || caller === null) {
    deps.count?.('owntracks', 'unknown-device', 1);
    return;
  }
  const payload = Buffer.from(packet.payload);
  if (payload.length > LARGEST) {
    deps.count?.('owntracks', 'too-large', 1);
    return;
  }
  const commands = await hearOwnTracks(deps, caller, readJson(payload), { sealedOnly: true });
  for (const command of commands) {
    // Not waited for: its acknowledgement comes in only after this message is done with.
    client.publish(`${base}/cmd`, JSON.stringify(command), { qos: 1 }, (error) => {
      if (error) deps.log.warn({ err: error, deviceId }, 'mqtt: a command was not published');
    });
  }
}

function readJson(payload: Buffer): unknown {
  try {
    return payload.length === 0 ? undefined : (JSON.parse(payload.toString('utf8')) as unknown);
  } catch {
    return undefined;
  }
}
