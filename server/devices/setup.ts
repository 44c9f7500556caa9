/** Links and QR codes that set up a tracker app for one device, and what a broker must know of it. */
import { pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import QRCode from 'qrcode';
import { gpsLoggerLink, gpsLoggerPage } from './gpslogger.ts';

export const appNames = [
  'owntracks',
  'owntracks-mqtt',
  'overland',
  'traccar',
  'gpslogger',
] as const;

export interface AppSetup {
  app: (typeof appNames)[number];
  /** Opens the app and fills in its settings. Holds the token: show it once, never log it. */
  link: string;
  /** An SVG QR code: of the link, or of what the app itself scans. */
  qr: string;
}

export interface BrokerSetup {
  host: string;
  port: number;
  tls: boolean;
  username: string;
  /** Where the app publishes. */
  topic: string;
  /** A line of mosquitto's password file that lets this device in with its token. */
  account: string;
}

export interface DeviceSetup {
  /** Address for Foyer's own batches. */
  pingUrl: string;
  apps: AppSetup[];
  /** Null when no broker is configured. */
  mqtt: BrokerSetup | null;
}

export interface SetupInput {
  /** How phones reach this server, without a slash at the end. */
  publicUrl: string;
  deviceId: string;
  token: string;
}

export interface WholeSetup extends SetupInput {
  /** The installation's secret. */
  secret: Buffer;
  /** Milliseconds since 1970: GPSLogger's link is good for an hour from now. */
  now: number;
  /** mqtt:// or mqtts://, as phones reach the broker. */
  mqttPublicUrl?: string | undefined;
  /** The phone is to take commands: fences are pushed to it. */
  waypoints?: boolean | undefined;
}

const shortOf = (deviceId: string): string => deviceId.replaceAll('-', '').slice(-8);

/** PURE. OwnTracks takes base64 in the standard alphabet, with `+` and `=` percent-encoded. */
function ownTracksConfig(input: SetupInput & { waypoints?: boolean | undefined }, way: object) {
  const short = shortOf(input.deviceId);
  const configuration = {
    _type: 'configuration',
    ...way,
    auth: true,
    username: input.deviceId,
    password: input.token,
    deviceId: short,
    tid: short.slice(-2),
    monitoring: 1,
    ...(input.waypoints ? { cmd: true } : {}),
  };
  const inline = Buffer.from(JSON.stringify(configuration)).toString('base64');
  return `owntracks:///config?inline=${inline.replaceAll('+', '%2B').replaceAll('=', '%3D')}`;
}

/** PURE. */
export function ownTracksLink(input: SetupInput & { waypoints?: boolean | undefined }): string {
  return ownTracksConfig(input, { mode: 3, url: `${input.publicUrl}/owntracks` });
}

/** PURE. */
export function ownTracksMqttLink(
  input: SetupInput & { waypoints?: boolean | undefined },
  broker: Pick<BrokerSetup, 'host' | 'port' | 'tls'>,
): string {
  const { host, port, tls } = broker;
  return ownTracksConfig(input, {
    mode: 0,
    host,
    port,
    tls,
    pubTopicBase: 'owntracks/%u/%d',
    // Nobody needs the last position of a shop's phone to lie on the broker.
    pubRetain: false,
  });
}

/** PURE. */
export function overlandLink({ publicUrl, deviceId, token }: SetupInput): string {
  const part = encodeURIComponent;
  return `overland://setup?url=${part(`${publicUrl}/overland`)}&token=${part(token)}&device_id=${shortOf(deviceId)}&unique_id=yes`;
}

/** Often enough to tell a visit from walking past, and a sign of life while the phone lies still. */
const traccarSettings =
  'accuracy=high&distance=10&interval=30&angle=0&heartbeat=60&buffer=true&stop_detection=true&wakelock=false';

/** PURE. The device's name in this app is its token. */
export function traccarLink({ publicUrl, token }: SetupInput): string {
  const url = encodeURIComponent(`${publicUrl}/osmand`);
  return `org.traccar.client://config?url=${url}&id=${encodeURIComponent(token)}&${traccarSettings}`;
}

/** PURE. What Traccar Client's own scanner reads. */
export function traccarCode({ publicUrl, token }: SetupInput): string {
  return `${publicUrl}/osmand?id=${encodeURIComponent(token)}&${traccarSettings}`;
}

/** PURE. The broker's address apart; null for one that phones cannot use. */
export function brokerOf(
  url: string | undefined,
): Pick<BrokerSetup, 'host' | 'port' | 'tls'> | null {
  if (!url || !URL.canParse(url)) return null;
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'mqtt:' && protocol !== 'mqtts:') return null;
  const tls = protocol === 'mqtts:';
  return { host: hostname, port: port === '' ? (tls ? 8883 : 1883) : Number(port), tls };
}

const derive = promisify(pbkdf2);
/** Mosquitto's own number of rounds: the token has 192 random bits, more would protect nothing. */
const ROUNDS = 101;

/** `user:$7$rounds$salt$hash`, as mosquitto_passwd writes it. */
export async function mosquittoAccount(
  username: string,
  password: string,
  salt: Buffer = randomBytes(12),
): Promise<string> {
  const hash = await derive(password, salt, ROUNDS, 64, 'sha512');
  return `${username}:$7$${ROUNDS}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** Everything a person needs to put this device on the air. */
export async function deviceSetup(input: WholeSetup): Promise<DeviceSetup> {
  const broker = brokerOf(input.mqttPublicUrl);
  const { deviceId, token, publicUrl } = input;
  const links: { app: AppSetup['app']; link: string; code?: string }[] = [
    { app: 'owntracks', link: ownTracksLink(input) },
    ...(broker ? [{ app: 'owntracks-mqtt' as const, link: ownTracksMqttLink(input, broker) }] : []),
    { app: 'overland', link: overlandLink(input) },
    { app: 'traccar', link: traccarLink(input), code: traccarCode(input) },
    { app: 'gpslogger', link: gpsLoggerLink(input), code: gpsLoggerPage(input) },
  ];
  return {
    pingUrl: `${publicUrl}/v1/pings`,
    apps: await Promise.all(
      links.map(async ({ app, link, code }) => ({ app, link, qr: await svg(code ?? link) })),
    ),
    mqtt: broker && {
      ...broker,
      username: deviceId,
      topic: `owntracks/${deviceId}/${shortOf(deviceId)}`,
      account: await mosquittoAccount(deviceId, token),
    },
  };
}

/** A long text makes a dense code; on a clean screen large modules help more than repair bits. */
const DENSE = 300;

function svg(text: string): Promise<string> {
  const errorCorrectionLevel = text.length > DENSE ? 'L' : 'M';
  return QRCode.toString(text, { type: 'svg', errorCorrectionLevel, margin: 2 });
}
