/** The device's side of apfree-wifidog: WiFiDog's calls, counters in one JSON, and a socket that takes orders. */
import { WebSocket } from 'ws';
import type { EmulatorOptions } from './emulator.ts';
import type { DogClient, WifidogEmulator } from './wifidog.ts';
import { rawCall, startWifidog } from './wifidog.ts';

export interface ApfreeEmulator extends WifidogEmulator {
  /** Opens the line and says hello; resolves once the portal answered. */
  connect(): Promise<void>;
  /** The line's minute is over. */
  heartbeat(): Promise<void>;
  hangUp(): Promise<void>;
  /** Restarted: nobody is inside any more. */
  restart(): void;
  /** Orders that came over the line. */
  orders: Record<string, unknown>[];
  /** Sends anything over the line. */
  say(text: string): void;
  /** Devices let through for a while, with the seconds. */
  passes: Map<string, number>;
}

export interface ApfreeOptions extends EmulatorOptions {
  /** Shape of the counters. */
  counters?: 'newer' | 'older';
  deviceId?: string;
  /** Opens the line and keeps it at each turn, as the device does; otherwise `connect` does. */
  keepsLine?: boolean;
  /** Orders are heard and never answered. */
  mute?: boolean;
}

interface CountersAnswer {
  result?: { gw_id: string; auth_op: AuthOp[] }[];
  gw_id?: string;
  auth_op?: AuthOp[];
}
interface AuthOp {
  id: number;
  auth_code: number;
}

function counted(client: DogClient, id: number, newer: boolean): Record<string, unknown> {
  const { ip, mac, token, incoming, outgoing } = client;
  const shared = { id, ip, mac, token, name: '', wired: false, is_online: true };
  if (!newer) return { ...shared, incoming, outgoing, channel_path: '' };
  return {
    ...shared,
    ip6: 'N/A',
    incoming_bytes: incoming,
    outgoing_bytes: outgoing,
    incoming_rate: 0,
    outgoing_rate: 0,
    incoming_packets: 1,
    outgoing_packets: 1,
    incoming_bytes_v6: 0,
    outgoing_bytes_v6: 0,
    first_login: 1_700_000_000,
  };
}

export async function startApfree(options: ApfreeOptions): Promise<ApfreeEmulator> {
  const { portal, slug, gateway, counters = 'newer', deviceId = 'AW-1' } = options;
  const base = `/wd/${slug}/${gateway.secret ?? ''}`;
  const orders: Record<string, unknown>[] = [];
  const passes = new Map<string, number>();
  let socket: WebSocket | null = null;

  async function count(clients: DogClient[]): Promise<Map<string, number>> {
    const newer = counters === 'newer';
    const list = clients.map((client, id) => counted(client, id + 1, newer));
    const group = { gw_id: gateway.name, gw_channel: 'lan', clients: list };
    const body = JSON.stringify(
      newer ? { device_id: deviceId, gateway: [group] } : { device_id: deviceId, ...group },
    );
    const text = await rawCall(portal, `${base}/auth/?stage=counters_v2`, 'POST', body);
    dog.answers.push({ call: 'counters_v2', text });
    const said = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as CountersAnswer;
    const operations = newer ? (said.result?.[0]?.auth_op ?? []) : (said.auth_op ?? []);
    return new Map(operations.map(({ id, auth_code }) => [clients[id - 1]?.mac ?? '', auth_code]));
  }

  const dog = await startWifidog(options, {
    redirect: {
      is_ipv6: '0',
      device_id: deviceId,
      gw_channel: 'lan',
      ssid: 'Guest',
      protocol: 'http',
    },
    pingExtras: { device_id: deviceId, online_clients: '1', ssid: 'Guest', aw_version: '7.10' },
    count,
  });

  const hello = (type: string) =>
    JSON.stringify({
      type,
      device_id: deviceId,
      device_info: { ap_device_id: '1', ap_mac_address: '02:00:00:00:00:01' },
      gateway: [
        { gw_id: gateway.name, gw_channel: 'lan', gw_address_v4: '192.168.77.1', auth_mode: 1 },
      ],
    });

  function kickoff(order: Record<string, unknown>): Record<string, unknown> {
    const client = dog.clients.get(String(order['client_mac']));
    const about = { client_ip: order['client_ip'], client_mac: order['client_mac'] };
    const error = (text: string) => ({ type: 'kickoff_error', error: text, ...about });
    if (order['device_id'] !== deviceId) return error('Device ID mismatch');
    if (order['gw_id'] !== gateway.name) return error('Gateway ID mismatch');
    if (client === undefined || client.ip !== order['client_ip'] || client.mark === 'outside')
      return error('Client not found');
    client.mark = 'outside';
    client.token = '';
    return { type: 'kickoff_response', status: 'success', ...about };
  }

  function letIn(order: Record<string, unknown>): void {
    const client = dog.clients.get(String(order['client_mac']));
    if (client === undefined || order['once_auth'] !== false || client.mark !== 'outside') return;
    client.mark = 'known';
    client.token = String(order['token']);
  }

  function obey(order: Record<string, unknown>): void {
    orders.push(order);
    if (options.mute === true) return;
    if (order['type'] === 'auth') return letIn(order);
    if (order['type'] === 'tmp_pass')
      return void passes.set(String(order['client_mac']), Number(order['timeout'] ?? 300));
    if (order['type'] !== 'kickoff') return;
    const answer = kickoff(order);
    socket?.send(JSON.stringify({ ...answer, req_id: order['req_id'] }));
  }

  /** Says it and waits until the portal has said anything back. */
  async function speak(text: string): Promise<void> {
    const before = orders.length;
    socket?.send(text);
    while (orders.length === before && socket?.readyState === WebSocket.OPEN)
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async function hangUp(): Promise<void> {
    const line = socket;
    socket = null;
    if (line === null || line.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => line.once('close', resolve));
    line.close();
    await closed;
  }

  async function connect(): Promise<void> {
    await hangUp();
    const line = new WebSocket(`${portal.replace(/^http/, 'ws')}${base}/ws`);
    await new Promise((resolve, reject) => line.once('open', resolve).once('error', reject));
    line.on('error', () => undefined);
    line.on('message', (data: Buffer) =>
      obey(JSON.parse(data.toString('utf8')) as Record<string, unknown>),
    );
    socket = line;
    await speak(hello('connect'));
  }

  const heartbeat = () => speak(hello('heartbeat'));

  async function keepLine(): Promise<void> {
    if (socket?.readyState === WebSocket.OPEN) return heartbeat();
    await connect();
    options.say?.('the line is open');
  }

  return {
    ...dog,
    orders,
    passes,
    say: (text) => socket?.send(text),
    connect,
    heartbeat,
    hangUp,
    async tick() {
      await dog.tick();
      if (options.keepsLine === true) await keepLine();
    },
    restart() {
      for (const client of dog.clients.values())
        Object.assign(client, { mark: 'outside', token: '' });
    },
    async close() {
      await hangUp();
      await dog.close();
    },
  };
}
