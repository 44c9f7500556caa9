/** The only reader of the environment: every key with its type, default and meaning. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const flag = z
  .enum(['true', 'false'])
  .transform((text) => text === 'true')
  .or(z.boolean());
const days = z.coerce.number().int().min(1).max(3650);
const webUrl = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ''));

/** Pairs of a host and a store's slug. */
const probeHosts = z
  .string()
  .regex(
    /^\s*[a-z0-9.-]+=[\w-]{1,64}(?:[\s,]+[a-z0-9.-]+=[\w-]{1,64})*\s*$/i,
    'must be host=store, with commas between',
  );

/** Keys in the order of .env.example. A key `X` may also be given as `X_FILE`, a file holding the value. */
export const keys = {
  HOST: z.string().default('0.0.0.0').describe('Address to listen on.'),
  PORT: z.coerce.number().int().min(0).max(65535).default(8080).describe('Port to listen on.'),
  PUBLIC_URL: webUrl
    .optional()
    .describe(
      'How guests and staff reach this server, without a slash at the end. Default: http://localhost:PORT.',
    ),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('PostgreSQL 15+ with PostGIS. Not set: the embedded database in DATA_DIR.'),
  DATABASE_POOL: z.coerce
    .number()
    .int()
    .min(2)
    .max(200)
    .default(10)
    .describe('Connections to PostgreSQL at the most.'),
  DATA_DIR: z
    .string()
    .default('./data')
    .describe('Folder for the embedded database and the generated secret.'),
  SECRET: z
    .string()
    .min(32, 'needs at least 32 characters')
    .optional()
    .describe(
      'Signs and seals what the server hands out. Not set: made once and kept in DATA_DIR/secret.',
    ),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('How much is logged: debug, info, warn, error or silent.'),
  TRUST_PROXY: z
    .string()
    .default('false')
    .describe(
      'Reverse proxies whose X-Forwarded headers are believed: false, a number of hops, or addresses (loopback, 10.0.0.0/8, …).',
    ),
  METRICS_TOKEN: z
    .string()
    .min(16)
    .optional()
    .describe('Bearer token for /metrics. Not set: /metrics answers this machine only.'),
  TILE_URL: z
    .string()
    .optional()
    .describe(
      'Map tiles for the console, e.g. https://tiles.example/{z}/{x}/{y}.png. Not set: a blank map.',
    ),
  TILE_ATTRIBUTION: z.string().default('').describe('Credit line the tile provider asks for.'),
  SMTP_URL: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .describe(
      'Mail server for codes, e.g. smtps://user:password@mail.example. Not set: mail stays in the console outbox.',
    ),
  MAIL_FROM: z.string().default('Foyer <foyer@localhost>').describe('Sender of mail.'),
  SMS_WEBHOOK_URL: webUrl
    .optional()
    .describe('Receives each SMS as a signed HTTP POST. Not set: SMS stays in the console outbox.'),
  SMS_WEBHOOK_SECRET: z
    .string()
    .min(24)
    .optional()
    .describe('Signs the SMS webhook (Standard Webhooks). Needed with SMS_WEBHOOK_URL.'),
  MQTT_URL: z
    .url({ protocol: /^(mqtts?|wss?)$/ })
    .optional()
    .describe(
      'MQTT broker that OwnTracks phones publish to, e.g. mqtts://foyer:password@mqtt.example. Not set: HTTP only.',
    ),
  MQTT_CLIENT_ID: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'takes letters, digits, dots and hyphens')
    .default('foyer')
    .describe('Name at the broker, under which it keeps messages while this server is away.'),
  MQTT_PUBLIC_URL: z
    .url({ protocol: /^mqtts?$/ })
    .optional()
    .describe(
      'How phones reach the broker, e.g. mqtts://mqtt.example:8883. Not set: no MQTT codes on the device page.',
    ),
  RADIUS_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe('UDP port for RADIUS authentication, usually 1812. Not set: no RADIUS.'),
  RADIUS_ACCT_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe('UDP port for RADIUS accounting. Not set: RADIUS_PORT + 1.'),
  RADSEC_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe('TCP port for RADIUS over TLS, usually 2083. Not set: no RadSec.'),
  RADSEC_CERT: z
    .string()
    .optional()
    .describe(
      'Certificate chain that RadSec shows to gateways, PEM; usually given as RADSEC_CERT_FILE.',
    ),
  RADSEC_KEY: z
    .string()
    .optional()
    .describe('Its private key, PEM; usually given as RADSEC_KEY_FILE.'),
  RADSEC_CA: z
    .string()
    .optional()
    .describe('Authorities that signed gateways’ certificates, PEM. Not set: fingerprints only.'),
  PORTAL2_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe(
      'UDP port for what Portal 2.0 access controllers say unasked, usually 50100. Not set: none.',
    ),
  EQUIPMENT_HERE: flag
    .optional()
    .describe(
      'Whether gateways and controllers may stand on this machine itself. Not set: only while PUBLIC_URL is localhost.',
    ),
  PROBE_HOSTS: probeHosts
    .optional()
    .describe(
      'Probe hosts of phones whose traffic the network brings here, each with the slug of the store to lead to: captive.apple.com=harbour-cafe, … Not set: none.',
    ),
  PING_KEEP_DAYS: days.default(90).describe('Days that raw pings are kept.'),
  EVENT_KEEP_DAYS: days.default(30).describe('Days that delivered events can be caught up.'),
  JOBS: flag
    .default(true)
    .describe('Whether this process runs timed jobs; false on all but one of several.'),
} as const;

type Keys = typeof keys;
type Values = { [K in keyof Keys]: z.output<Keys[K]> };

/** Settings of one process: frozen, complete, checked. */
export interface Config extends Omit<Values, 'PUBLIC_URL' | 'SECRET'> {
  PUBLIC_URL: string;
  /** At least 32 bytes. */
  SECRET: Buffer;
}

export class ConfigError extends Error {
  readonly problems: string[];
  constructor(problems: string[]) {
    super(
      `the configuration has ${problems.length} problem(s):\n${problems.map((p) => `  - ${p}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Reads the settings; throws one ConfigError that lists every problem at once. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Readonly<Config> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(keys)) {
    const raw = rawValue(env, key, problems);
    const result = schema.safeParse(raw === '' ? undefined : raw);
    if (result.success) values[key] = result.data;
    else problems.push(`${key}: ${result.error.issues.map((issue) => issue.message).join('; ')}`);
  }
  if (values['SMS_WEBHOOK_URL'] && !values['SMS_WEBHOOK_SECRET']) {
    problems.push('SMS_WEBHOOK_SECRET: needed because SMS_WEBHOOK_URL is set');
  }
  if (values['RADSEC_PORT'] !== undefined && !(values['RADSEC_CERT'] && values['RADSEC_KEY'])) {
    problems.push('RADSEC_PORT: needs RADSEC_CERT and RADSEC_KEY');
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const settings = values as unknown as Values;
  return Object.freeze({
    ...settings,
    PUBLIC_URL: settings.PUBLIC_URL ?? `http://localhost:${settings.PORT}`,
    SECRET: settings.SECRET ? Buffer.from(settings.SECRET) : ownSecret(settings.DATA_DIR),
  });
}

function rawValue(env: NodeJS.ProcessEnv, key: string, problems: string[]): string | undefined {
  const file = env[`${key}_FILE`];
  if (file === undefined || file === '') return env[key];
  if (env[key]) problems.push(`${key}: set both directly and through ${key}_FILE`);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    problems.push(`${key}_FILE: cannot read ${file}`);
    return undefined;
  }
}

/** Made once, readable by the owner only; two first starts agree because the second create fails. */
function ownSecret(folder: string): Buffer {
  const file = path.join(folder, 'secret');
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, randomBytes(48).toString('base64url'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new ConfigError([`SECRET: not set, and ${file} cannot be written`]);
    }
  }
  const secret = Buffer.from(readFileSync(file, 'utf8').trim());
  if (secret.length < 32) throw new ConfigError([`SECRET: ${file} is damaged (too short)`]);
  return secret;
}

/** .env.example, printed from the table above. */
export function exampleEnv(): string {
  const blocks = Object.entries(keys).map(([key, schema]) => {
    const fallback = schema.safeParse(undefined);
    const value = fallback.success && fallback.data !== undefined ? String(fallback.data) : '';
    return `# ${schema.description ?? ''}\n# ${key}=${value}\n`;
  });
  return `# Settings of a Foyer server. Each may also be given as KEY_FILE, a file holding the value.\n\n${blocks.join('\n')}`;
}

/** PROBE_HOSTS read: the slug of the store behind each host. */
export function probesOf({ PROBE_HOSTS }: Pick<Config, 'PROBE_HOSTS'>): Record<string, string> {
  const pairs = (PROBE_HOSTS ?? '')
    .trim()
    .toLowerCase()
    .split(/[\s,]+/);
  const read = pairs.map((pair) => pair.split('=')).filter(([host]) => host !== '');
  return Object.fromEntries(read.map(([host = '', slug = '']) => [host, slug]));
}
