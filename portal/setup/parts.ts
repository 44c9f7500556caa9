/** PURE. What a setup guide is made of: sentences by key, files as they are, values in rows. */
import type { RegisteredGateway, StoreView } from '../ports-store.ts';

/** A key of texts.*.json and what stands in its `{{…}}`. */
export interface Sentence {
  key: string;
  values: Record<string, string>;
}

export type SetupPart =
  | { kind: 'step'; text: Sentence }
  /** Something that will not work, or not safely, as it is registered. */
  | { kind: 'warning'; text: Sentence }
  /** To be put on the equipment as it is; holds secrets. */
  | { kind: 'file'; text: Sentence; name: string; content: string }
  /** To be typed into the equipment's own pages. */
  | { kind: 'values'; text: Sentence; rows: SetupRow[] };

export interface SetupRow {
  label: Sentence;
  value: string;
  /** Shown only when asked for. */
  secret?: true;
}

export interface SetupStore extends Pick<StoreView, 'slug' | 'name' | 'oidc' | 'house'> {
  session?: { idleMinutes: number };
}

/** Minutes of silence that end a session, where the gateway's own file says so; 0 = never. */
export const idleMinutes = ({ store }: Setting): number => store.session?.idleMinutes ?? 15;

export interface SetupOptions {
  /** How equipment reaches our RADIUS; `host` is the portal's own unless told. */
  radius?: { host?: string; authPort: number; acctPort: number; radsecPort?: number };
  /** UDP port for what Portal 2.0 ACs say unasked. */
  portal2Port?: number;
  /** Interface of the guests' network. */
  lan?: string;
  /** More hosts that guests may reach before login. */
  hosts?: string[];
  /** RFC 8908: the address that a client's MAC is put behind. */
  capportUrl?: string;
}

/** Everything a kind's guide is written from. */
export interface Setting {
  gateway: RegisteredGateway;
  store: SetupStore;
  /** Scheme, host and port of the portal. */
  url: URL;
  /** Port as a number, the scheme's own where none is said. */
  port: number;
  /** Path of the store's first page. */
  path: string;
  garden: string[];
  radius: { host: string; authPort: number; acctPort: number; radsecPort?: number };
  portal2Port: number;
  lan: string;
  capportUrl: string;
}

const RADIUS_PORTS = { authPort: 1812, acctPort: 1813 };

export function settingOf(
  gateway: RegisteredGateway,
  store: SetupStore,
  url: URL,
  garden: string[],
  { radius, portal2Port = 50_100, lan = 'br-lan', capportUrl = '' }: SetupOptions,
): Setting {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const path = `/p/${encodeURIComponent(store.slug)}`;
  const ours = { ...RADIUS_PORTS, ...radius, host: radius?.host ?? url.hostname };
  return { gateway, store, url, port, path, garden, radius: ours, portal2Port, lan, capportUrl };
}

export function say(key: string, values: Record<string, string | number> = {}): Sentence {
  const texts = Object.entries(values).map(([name, value]) => [name, String(value)]);
  return { key, values: Object.fromEntries(texts) as Record<string, string> };
}

export function step(key: string, values: Record<string, string | number> = {}): SetupPart {
  return { kind: 'step', text: say(key, values) };
}

export function warn(key: string, values: Record<string, string | number> = {}): SetupPart {
  return { kind: 'warning', text: say(key, values) };
}

export function file(name: string, key: string, lines: readonly string[]): SetupPart {
  return { kind: 'file', text: say(key, { name }), name, content: `${lines.join('\n')}\n` };
}

export function values(key: string, rows: SetupRow[]): SetupPart {
  return { kind: 'values', text: say(key), rows };
}

/** A row whose label is `label.<name>`. */
export function row(name: string, value: string | number): SetupRow {
  return { label: say(`label.${name}`), value: String(value) };
}

export function secretRow(name: string, value: string): SetupRow {
  return { ...row(name, value), secret: true };
}

/** The portal's address is an IP literal. */
export function isAddress({ hostname }: URL): boolean {
  return /^[\d.]+$/.test(hostname) || hostname.startsWith('[');
}

/** RADIUS settings every NAS asks for, in its own words. */
export function radiusRows({ gateway, radius }: Setting): SetupRow[] {
  const settings = gateway.radius;
  if (settings === undefined) return [];
  return [
    row('radius-server', radius.host),
    row('radius-auth-port', radius.authPort),
    row('radius-acct-port', radius.acctPort),
    secretRow('radius-secret', settings.secret),
    row('nas-identifier', settings.nasIds[0] ?? gateway.name),
    row('interim', settings.interimSeconds),
    ...(settings.coa === undefined ? [] : [row('coa-port', settings.coa.port)]),
    ...(radius.radsecPort === undefined ? [] : [row('radsec-port', radius.radsecPort)]),
  ];
}

/** What is wrong with how this gateway's RADIUS is registered. */
export function radiusWarnings({ gateway, url }: Setting): SetupPart[] {
  const { radius } = gateway;
  if (radius === undefined) return [warn('radius.missing')];
  const open = radius.messageAuthenticator === 'off';
  const unsafe = open && radius.certificate === undefined;
  return [
    ...(radius.sources.length === 0 && radius.certificate === undefined
      ? [warn('radius.no-source')]
      : []),
    ...(unsafe ? [warn('radius.blast')] : []),
    ...(radius.coa === undefined ? [warn('radius.no-coa')] : []),
    ...(isAddress(url) ? [warn('portal.address')] : []),
  ];
}
