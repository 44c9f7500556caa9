/** OwnTracks through a real broker: who is let in, what is acknowledged when, and what comes back. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import mqtt from 'mqtt';
import type { MqttClient } from 'mqtt';
import { sealPassphrase } from '../../server/devices/passphrase.ts';
import { mosquittoAccount } from '../../server/devices/setup.ts';
import { problem } from '../../server/errors.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { startMqtt } from '../../server/pings/mqtt.ts';
import type { MqttDoor } from '../../server/pings/mqtt.ts';
import { createDeviceCallers } from '../../server/devices/callers.ts';
import { openMessage, sealMessage } from '../../server/pings/protocols/secretbox.ts';
import type { ParsedPing } from '../../server/pings/ping.ts';
import { freePort, startApp } from '../support/app.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeDevice, makeFence, makeMerchant } from '../support/make.ts';
import { partPresent, requirePart } from '../support/parts.ts';
import { silentLog } from '../support/routes-app.ts';
import { until } from '../support/until.ts';

const secret = Buffer.alloc(32, 7);
const house = { name: 'foyer', password: 'house-password' };

/** Waits until it holds; fails by the test's own time limit otherwise. */
interface Broker {
  url: string;
  port: number;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Writes the accounts, each a line of the password file, and lets the broker read them. */
  admit(...accounts: string[]): void;
  remove(): void;
}

/** A mosquitto of our own: accounts from a file, and each device only below its own name. */
async function makeBroker(): Promise<Broker> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'foyer-mqtt-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const file = (name: string) => path.join(folder, name);
  writeFileSync(
    file('acl'),
    `user ${house.name}\ntopic read owntracks/#\ntopic write owntracks/+/+/cmd\npattern write owntracks/%u/#\npattern read owntracks/%u/+/cmd\n`,
  );
  writeFileSync(
    file('mosquitto.conf'),
    `listener ${port} 127.0.0.1\nallow_anonymous false\npassword_file ${file('passwords')}\nacl_file ${file('acl')}\npersistence false\nmax_inflight_messages 5\n`,
  );
  let running: ChildProcess | null = null;
  const admit = (...accounts: string[]): void => {
    writeFileSync(file('passwords'), `${accounts.join('\n')}\n`);
    chmodSync(file('passwords'), 0o644);
    running?.kill('SIGHUP');
  };
  admit(await mosquittoAccount(house.name, house.password));
  return {
    url: `mqtt://${house.name}:${house.password}@127.0.0.1:${port}`,
    port,
    admit,
    async start() {
      running = spawn(partPresent.mosquitto ?? '', ['-c', file('mosquitto.conf')], {
        stdio: 'ignore',
      });
      await until(() => reachable(port));
    },
    async stop() {
      const child = running;
      running = null;
      if (child === null || child.exitCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function reachable(port: number): Promise<boolean> {
  const { connect } = await import('node:net');
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
  });
}

requirePart('MQTT broker (mosquitto)', partPresent.mosquitto)('OwnTracks over MQTT', () => {
  let held: TestDatabase;
  let broker: Broker;
  let door: MqttDoor | null = null;
  let phone: MqttClient | null = null;
  let device: { id: string; token: string };
  let merchantId: string;
  const counted: string[] = [];
  const count = (source: string, verdict: string): void =>
    void counted.push(`${source} ${verdict}`);

  beforeAll(async () => {
    held = await testDatabase();
    broker = await makeBroker();
    await broker.start();
  });
  afterAll(async () => {
    await broker?.stop();
    broker?.remove();
    await held?.release();
  });
  beforeEach(async () => {
    counted.length = 0;
    merchantId = (await makeMerchant(held.db)).id;
    device = await makeDevice(held.db, merchantId);
    broker.admit(
      await mosquittoAccount(house.name, house.password),
      await mosquittoAccount(device.id, device.token),
    );
  });
  afterEach(async () => {
    await phone?.endAsync(true);
    await door?.stop();
    [phone, door] = [null, null];
  });

  const base = () => `owntracks/${device.id}/phone`;
  const location = (over: object = {}) => ({
    _type: 'location',
    lat: 51.5072,
    lon: -0.1276,
    tst: NOON / 1000,
    acc: 8,
    ...over,
  });
  const ask = (username: string, password: string): Promise<MqttClient> =>
    mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`, {
      username,
      password,
      reconnectPeriod: 0,
    });
  /** The broker reads new accounts a moment after it was told to. */
  async function connect(username = device.id, password = device.token): Promise<MqttClient> {
    await until(() =>
      ask(username, password).then(
        (client) => ((phone = client), true),
        () => false,
      ),
    );
    return phone as unknown as MqttClient;
  }
  const say = (client: MqttClient, topic: string, message: unknown) =>
    client.publishAsync(topic, typeof message === 'string' ? message : JSON.stringify(message), {
      qos: 1,
    });

  type Hear = (pings: readonly ParsedPing[]) => Promise<void>;
  /** The subscriber with an ingest that only tells; what is stored is the business of other tests. */
  async function open(hear: Hear, clientId = `t-${device.id.slice(-6)}`): Promise<MqttDoor> {
    const { db } = held;
    const clock = () => NOON;
    const ingest = async (_: unknown, pings: readonly ParsedPing[]) => {
      await hear(pings);
      return { accepted: pings.length, duplicates: 0, refused: [] };
    };
    const deps = { db, clock, ingest, count, secret, log: silentLog, fences: createLiveFences() };
    const callers = createDeviceCallers({ db, clock });
    door = startMqtt({ ...deps, callers }, { url: broker.url, clientId });
    const opened = door;
    await until(() => opened.connected());
    return opened;
  }

  test('a message of a known device is heard, with its account from the device’s page', async () => {
    const heard: ParsedPing[] = [];
    await open(async (pings) => void heard.push(...pings));
    const client = await connect();
    await say(client, base(), location());
    await until(() => heard.length > 0);
    expect(heard).toMatchObject([{ lat: 51.5072, source: 'owntracks', refusal: null }]);
    await say(client, `${base()}/event`, { _type: 'transition', event: 'enter' });
    await say(client, base(), '{"_type":');
    await say(client, base(), '');
    await until(() => counted.length >= 3);
    expect(counted).toEqual(['owntracks transition', 'owntracks empty', 'owntracks empty']);
  });

  test('the broker keeps a device to its own name, and strangers out', async () => {
    const other = await makeDevice(held.db, merchantId);
    const heard: ParsedPing[] = [];
    await open(async (pings) => void heard.push(...pings));
    const client = await connect();
    await say(client, `owntracks/${other.id}/phone`, location({ lat: 1 }));
    await say(client, base(), location());
    await until(() => heard.length > 0);
    expect(heard.map(({ lat }) => lat)).toEqual([51.5072]);
    await expect(ask(device.id, 'wrong')).rejects.toThrow(/[Nn]ot authorized/);
  });

  test('unknown and revoked devices, other topics and huge messages are counted, and hold nothing up', async () => {
    await held.db.query('update devices set revoked_at = now() where id = $1', [device.id]);
    const heard: ParsedPing[] = [];
    const mine = device;
    device = await makeDevice(held.db, merchantId);
    broker.admit(
      await mosquittoAccount(house.name, house.password),
      await mosquittoAccount('anna', 'x'),
      await mosquittoAccount(mine.id, mine.token),
      await mosquittoAccount(device.id, device.token),
    );
    await open(async (pings) => void heard.push(...pings));
    const revoked = await connect(mine.id, mine.token);
    await say(revoked, `owntracks/${mine.id}/phone`, location());
    await revoked.endAsync();
    const anna = await connect('anna', 'x');
    await say(anna, 'owntracks/anna/phone', location());
    await anna.endAsync();
    const client = await connect();
    await say(client, base(), 'x'.repeat(600_000));
    await say(client, base(), location());
    await until(() => heard.length > 0);
    expect(counted).toEqual([
      'owntracks unknown-device',
      'owntracks unknown-device',
      'owntracks too-large',
    ]);
  });

  test('a passphrase is the proof: what comes in the clear is then not believed', async () => {
    await held.db.query('update devices set passphrase = $2 where id = $1', [
      device.id,
      sealPassphrase(secret, device.id, 'open sesame'),
    ]);
    const heard: ParsedPing[] = [];
    await open(async (pings) => void heard.push(...pings));
    const client = await connect();
    await say(client, base(), location({ lat: 1 }));
    await say(client, base(), sealMessage('guess', location({ lat: 2 })));
    await say(client, base(), sealMessage('open sesame', location()));
    await until(() => heard.length > 0);
    expect(heard.map(({ lat }) => lat)).toEqual([51.5072]);
    expect(counted).toEqual(['owntracks not-encrypted', 'owntracks not-decryptable']);
  });

  test('fences come back as a command, sealed when the device has a passphrase', async () => {
    await makeFence(held.db, merchantId, { name: 'Shoes' });
    await held.db.query('update devices set waypoints = true, passphrase = $2 where id = $1', [
      device.id,
      sealPassphrase(secret, device.id, 'open sesame'),
    ]);
    await open(() => Promise.resolve());
    const client = await connect();
    const commands: unknown[] = [];
    client.on('message', (_topic, payload) => {
      const { data } = JSON.parse(payload.toString()) as { data: unknown };
      commands.push(openMessage('open sesame', data));
    });
    await client.subscribeAsync(`${base()}/cmd`, { qos: 1 });
    await say(client, base(), sealMessage('open sesame', location()));
    await until(() => commands.length > 0);
    expect(commands).toMatchObject([
      { action: 'setWaypoints', waypoints: { waypoints: [{ desc: 'Shoes' }] } },
    ]);
  });

  test('a message is acknowledged only when stored: trouble delays it, a stop leaves it to the next start', async () => {
    const tried: number[] = [];
    let trouble = true;
    const hear: Hear = ([ping]) => {
      tried.push(ping?.lat ?? 0);
      if (trouble) return Promise.reject(problem('unavailable'));
      return Promise.resolve();
    };
    const first = await open(hear, 'stays');
    const client = await connect();
    await say(client, base(), location({ lat: 10 }));
    await until(() => tried.length >= 2);
    await first.stop();
    // The broker keeps what comes while nobody is there.
    await say(client, base(), location({ lat: 11, tst: NOON / 1000 + 1 }));
    const before = tried.length;
    trouble = false;
    await open(hear, 'stays');
    await until(() => tried.length >= before + 2);
    expect(tried.slice(before)).toEqual([10, 11]);
    await door?.stop();
    await open(hear, 'stays');
    await say(client, base(), location({ lat: 12, tst: NOON / 1000 + 2 }));
    await until(() => tried.at(-1) === 12);
    // Both were acknowledged: neither came again.
    expect(tried.slice(before)).toEqual([10, 11, 12]);
  });

  test('one that fails for reasons of its own is given up, and the next is heard', async () => {
    const tried: number[] = [];
    await open(([ping]) => {
      tried.push(ping?.lat ?? 0);
      if (ping?.lat === 10) return Promise.reject(new TypeError('a mistake of ours'));
      return Promise.resolve();
    });
    const client = await connect();
    await say(client, base(), location({ lat: 10 }));
    await say(client, base(), location({ lat: 11 }));
    await until(() => tried.includes(11));
    expect(tried).toEqual([10, 10, 10, 11]);
    expect(counted).toEqual(['owntracks internal']);
  });

  test('it comes back by itself when the broker does', async () => {
    const heard: number[] = [];
    const opened = await open(async (pings) => void heard.push(...pings.map(({ lat }) => lat)));
    await broker.stop();
    await until(() => !opened.connected());
    await broker.start();
    await until(() => opened.connected());
    const client = await connect();
    await say(client, base(), location());
    await until(() => heard.length > 0);
    expect(heard[0]).toBe(51.5072);
  });

  test('the whole house: a position over MQTT is a ping in the table, and the figures say so', async () => {
    const app = await startApp({ MQTT_URL: broker.url, MQTT_CLIENT_ID: 'house' });
    try {
      const merchant = await makeMerchant(app.db);
      device = await makeDevice(app.db, merchant.id);
      broker.admit(
        await mosquittoAccount(house.name, house.password),
        await mosquittoAccount(device.id, device.token),
      );
      await until(() => app.logged.some((line) => line.includes('mqtt: connected')));
      const client = await connect();
      await say(client, base(), location({ tst: Math.floor(Date.now() / 1000) }));
      const rows = async () =>
        (await app.db.query('select source from pings where device_id = $1', [device.id])).rows;
      await until(async () => (await rows()).length > 0);
      expect(await rows()).toEqual([{ source: 'owntracks' }]);
      const metrics = await (await fetch(`${app.url}/metrics`)).text();
      expect(metrics).toMatch(/^foyer_mqtt_connected 1$/m);
      expect(metrics).toMatch(/foyer_pings_total\{source="owntracks",verdict="accepted"\} 1/);
      expect(app.logged.join('\n')).not.toContain(house.password);
    } finally {
      await app.stop();
    }
  });
});

describe('without a broker', () => {
  test('the subscriber can be stopped at once, and nothing was logged but that it is away', async () => {
    const port = await freePort();
    const said: unknown[] = [];
    const log = { ...silentLog, warn: (...args: unknown[]) => said.push(args.at(-1)) };
    const opened = startMqtt(
      {
        clock: () => NOON,
        ingest: () => Promise.reject(new Error('not asked')),
        log,
        callers: { findById: () => Promise.resolve(null) },
      },
      { url: `mqtt://u:hunter2@127.0.0.1:${port}`, clientId: 'x' },
    );
    await until(() => said.length >= 2);
    await pause(1_200);
    expect(opened.connected()).toBe(false);
    await opened.stop();
    expect(said).toEqual(['mqtt: trouble with the broker', 'mqtt: the broker is away']);
  });
});
