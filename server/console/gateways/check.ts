/** PURE. The connection check: from what was noticed of a gateway to what is wrong, since when, and what to do. */
import type { GatewayKind, GatewaySettings } from '../../stores/gateway-schema.ts';
import type { Abilities, OpenDoors, Stranger } from './desk.ts';
import { lackingIn } from './registered.ts';
import { isOrdinary, keyOf, valuesOf } from './told.ts';

/** The shape of sessions/notice-queries.ts NoticeRow. */
export interface Noticed {
  gateway_id: string | null;
  code: string;
  detail: Record<string, string>;
  times: number;
  first_at: Date;
  last_at: Date;
}

export interface Facts {
  gateway: {
    id: string;
    kind: GatewayKind;
    name: string;
    settings: GatewaySettings;
    last_heard_at: Date | null;
  };
  /** Of this gateway, and of the store where nobody knows which gateway it was. */
  notices: readonly Noticed[];
  /** The store has no other gateway: what nobody knows the sender of came from this one. */
  alone: boolean;
  traffic: {
    live: number;
    uncounted: number;
    granted_at: Date | null;
    confirmed_at: Date | null;
    stuck: number;
  };
  abilities: Abilities;
  doors: OpenDoors;
  /** Sends RADIUS packets from an address that no gateway names, and may well be this one. */
  stranger: Stranger | null;
  now: Date;
}

/** `bad`: guests do not get online. `warn`: something works less well than it could. */
export type Tone = 'bad' | 'warn';

export interface Finding {
  tone: Tone;
  /** Words below `gateway-check.findings.<key>`: `what` happened and what to `do`. */
  key: string;
  values: Record<string, string>;
  at: Date | null;
  times: number;
  /** It may have been another gateway of the store. */
  unsure: boolean;
}

/** A thing that worked, and when it last did. */
export interface Sign {
  /** Words below `gateway-check.signs.<key>`. */
  key: string;
  at: Date | null;
}

export interface Check {
  state: 'good' | 'warn' | 'bad' | 'waiting';
  /** The worst first, the newest before older ones. */
  findings: Finding[];
  signs: Sign[];
}

const MINUTE = 60_000;
const DAY = 86_400_000;
/** What happened longer ago is history, not a fault of today. */
const CURRENT_MS = 3 * DAY;
/** Gateways that call home do so every minute or sooner. */
const SILENT_MS = 15 * MINUTE;

/** Each trouble, the tone it has, and the good news that outdates it. */
const troubles: Record<string, { tone: Tone; over: readonly string[] }> = {
  'redirect-unknown-gateway': { tone: 'bad', over: ['redirect-ok'] },
  'redirect-malformed': { tone: 'bad', over: ['redirect-ok'] },
  'redirect-forged': { tone: 'bad', over: ['redirect-ok'] },
  'door-failed': { tone: 'bad', over: ['door-opened'] },
  'door-slow': { tone: 'warn', over: ['door-opened'] },
  'radius-wrong-secret': { tone: 'bad', over: ['radius-ok', 'accounting-ok'] },
  'radius-shared-address': { tone: 'bad', over: ['radius-ok'] },
  'radius-unknown-nas': { tone: 'bad', over: ['radius-ok', 'accounting-ok'] },
  'radius-no-message-authenticator': { tone: 'bad', over: ['radius-ok'] },
  'radius-rejected': { tone: 'warn', over: ['radius-ok'] },
  'controller-unreachable': { tone: 'bad', over: ['controller-ok', 'door-opened'] },
  'controller-refused': { tone: 'bad', over: ['controller-ok', 'door-opened'] },
  'kick-failed': { tone: 'warn', over: [] },
  'mac-at-two-stores': { tone: 'warn', over: [] },
};
/** Rare and harmless, or allowed by choice. */
const mildKeys = new Set(['radius-unsigned', 'door-stale']);

const newest = (...dates: (Date | null | undefined)[]): Date | null =>
  dates.reduce<Date | null>((best, at) => (at && (!best || at > best) ? at : best), null);

/** Kinds that call by themselves, whether or not a guest is there. */
function callsHome({ kind, settings }: Facts['gateway']): boolean {
  return (
    kind === 'wifidog' || kind === 'apfree' || (kind === 'opennds' && (settings.level ?? 3) >= 3)
  );
}

function noticed(facts: Facts): Finding[] {
  const { notices, now, gateway, traffic } = facts;
  const lastOf = (code: string): number =>
    notices.find((notice) => notice.code === code)?.last_at.getTime() ?? 0;
  return notices.flatMap((notice): Finding[] => {
    const trouble = troubles[notice.code];
    const at = notice.last_at.getTime();
    if (!trouble || now.getTime() - at > CURRENT_MS) return [];
    if (trouble.over.some((code) => lastOf(code) > at)) return [];
    // Once everybody is out it is no more than a memory.
    if (notice.code === 'kick-failed' && traffic.stuck === 0) return [];
    if (isOrdinary(notice)) return [];
    const key = keyOf(notice, gateway.kind);
    // A guest who plays with the address does not mean that the gateway is set up wrongly.
    const works = notice.code.startsWith('redirect-') && lastOf('redirect-ok') > at - DAY;
    const unsure = notice.gateway_id === null && !facts.alone;
    const mild = works || unsure || mildKeys.has(key);
    const { last_at: last, times } = notice;
    const values = valuesOf(notice.detail, gateway.name);
    return [{ tone: mild ? 'warn' : trouble.tone, key, values, at: last, times, unsure }];
  });
}

function finding(tone: Tone, key: string, at: Date | null = null): Finding {
  return { tone, key, values: {}, at, times: 1, unsure: false };
}

/** What is missing that would have been noticed if it were there. */
function missing(facts: Facts, heard: Date | null): Finding[] {
  const { gateway, traffic, doors, now } = facts;
  const { kind, settings } = gateway;
  const found: Finding[] = [];
  const radius = settings.radius !== undefined && kind !== 'pretend';
  const shut = settings.radius?.certificate === undefined ? !doors.radius : !doors.radsec;
  if (radius && shut) found.push(finding('bad', 'radius-shut'));
  if (kind === 'portal2' && !doors.portal2) found.push(finding('warn', 'portal2-shut'));
  const silentSince = callsHome(gateway) ? gateway.last_heard_at : null;
  if (silentSince && now.getTime() - silentSince.getTime() > SILENT_MS) {
    found.push(finding('bad', 'silent', silentSince));
  }
  if (radius && traffic.uncounted > 0) {
    const many = { ...finding('warn', 'accounting-missing'), times: traffic.uncounted };
    found.push({ ...many, values: { count: String(traffic.uncounted) } });
  }
  found.push(...unregistered(facts));
  if (heard === null && kind !== 'pretend') found.push(finding('warn', `never-${familyOf(kind)}`));
  return found;
}

/** Packets that may be this gateway's, from an address that is not registered. */
function unregistered({ stranger, notices, now }: Facts): Finding[] {
  if (stranger === null || now.getTime() - stranger.lastAt > CURRENT_MS) return [];
  const ok = notices.find(({ code }) => code === 'radius-ok')?.last_at.getTime() ?? 0;
  if (ok > stranger.lastAt) return [];
  const said = finding(ok > 0 ? 'warn' : 'bad', 'radius-stranger', new Date(stranger.lastAt));
  return [{ ...said, times: stranger.packets, values: { from: stranger.address } }];
}

/** How the first sign of life of each kind comes about. */
function familyOf(kind: GatewayKind): string {
  if (kind === 'opennds' || kind === 'wifidog' || kind === 'apfree') return 'router';
  if (kind === 'radius') return 'radius';
  return 'redirect';
}

const rank = { bad: 0, warn: 1 };
const byWeight = (a: Finding, b: Finding): number =>
  rank[a.tone] - rank[b.tone] || (b.at?.getTime() ?? 0) - (a.at?.getTime() ?? 0);

export function checkOf(facts: Facts): Check {
  const { gateway, notices, traffic, abilities } = facts;
  const when = (code: string): Date | null =>
    notices.find((notice) => notice.code === code && notice.gateway_id !== null)?.last_at ?? null;
  const own = notices.filter((notice) => notice.gateway_id !== null);
  const heard = newest(
    gateway.last_heard_at,
    traffic.confirmed_at,
    ...own.map((notice) => notice.last_at),
  );
  const lacks = lackingIn(gateway).map((key) => finding('bad', key));
  const findings = [...lacks, ...missing(facts, heard), ...noticed(facts)].toSorted(byWeight);
  const browser = gateway.kind !== 'radius';
  const signs: Sign[] = [
    ...(gateway.kind === 'pretend' ? [] : [{ key: 'heard', at: heard }]),
    ...(browser ? [{ key: 'redirect', at: when('redirect-ok') }] : []),
    ...(browser
      ? [{ key: 'door', at: newest(when('door-opened'), traffic.confirmed_at) }]
      : [{ key: 'door', at: traffic.confirmed_at }]),
    ...(gateway.settings.radius ? [{ key: 'radius', at: when('radius-ok') }] : []),
    ...(gateway.settings.radius && abilities.accounting
      ? [{ key: 'accounting', at: when('accounting-ok') }]
      : []),
    ...(gateway.kind === 'unifi' ? [{ key: 'controller', at: when('controller-ok') }] : []),
  ];
  return { state: stateOf(findings, signs, gateway.kind), findings, signs };
}

/** Waiting: nothing has come yet, and nothing is wrong with how it is registered. */
function stateOf(
  findings: readonly Finding[],
  signs: readonly Sign[],
  kind: GatewayKind,
): Check['state'] {
  const [worst] = findings;
  const fresh = findings.every(({ key }) => key.startsWith('never-'));
  if (worst && fresh) return 'waiting';
  if (worst) return worst.tone;
  return kind === 'pretend' && signs.every((sign) => sign.at === null) ? 'waiting' : 'good';
}
