/** PURE. A gateway's stored settings from what was asked for: secrets made, defaults by kind, changes merged. */
import type {
  GatewayBody,
  GatewayKind,
  GatewaySettings,
  RadiusSettings,
  UnifiSettings,
  VendorProfile,
} from './gateway-schema.ts';
import { partsOf } from './gateway-schema.ts';

const PROFILES: Partial<Record<GatewayKind, VendorProfile>> = {
  coova: 'coova',
  mikrotik: 'mikrotik',
  portal2: 'huawei',
};
const INTERIM_SECONDS = 300;

type Change = Partial<Omit<GatewayBody, 'kind'>>;
type RadiusChange = NonNullable<GatewayBody['radius']>;

/** Drops what was not said, so that a spread does not overwrite with nothing. */
function said<T extends object>(part: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(part).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** `null` takes a part away. */
function kept<T>(before: T | undefined, asked: T | null | undefined): T | undefined {
  return asked === undefined ? before : (asked ?? undefined);
}

function radiusOf(
  kind: GatewayKind,
  before: RadiusSettings | undefined,
  asked: RadiusChange,
  makeSecret: () => string,
): RadiusSettings {
  const { coa, macAuth, certificate, ...plain } = asked;
  const base: RadiusSettings = before ?? {
    secret: makeSecret(),
    sources: [],
    nasIds: [],
    profile: PROFILES[kind] ?? 'wispr',
    messageAuthenticator: 'require',
    interimSeconds: INTERIM_SECONDS,
  };
  const next: RadiusSettings = {
    ...base,
    ...said(plain),
    coa: kept(base.coa, coa),
    macAuth: kept(base.macAuth, macAuth),
    certificate: kept(base.certificate, certificate),
  };
  // What was learnt holds for the policy and the secret it was learnt under.
  const same = next.secret === base.secret && next.messageAuthenticator === 'learn';
  return same ? next : { ...next, learnt: undefined };
}

function unifiOf(
  before: UnifiSettings | undefined,
  asked: NonNullable<GatewayBody['unifi']>,
): UnifiSettings {
  const { fingerprint, ...plain } = asked;
  return {
    ...before,
    ...said(plain),
    url: new URL(asked.url).origin,
    api: asked.api,
    site: asked.site,
    fingerprint: kept(before?.fingerprint, fingerprint),
  };
}

/** Settings of a new gateway (`before` empty), or of one that changes. */
export function gatewaySettings(
  kind: GatewayKind,
  before: GatewaySettings,
  asked: Change,
  makeSecret: () => string,
): GatewaySettings {
  const has = (part: 'level' | 'secret' | 'login' | 'radius'): boolean =>
    partsOf[kind].includes(part);
  const next: GatewaySettings = { ...before };
  if (has('secret')) next.secret = asked.secret ?? before.secret ?? makeSecret();
  if (has('level')) next.level = asked.level ?? before.level ?? 3;
  if (has('login')) next.login = asked.login ?? before.login ?? 'chap';
  if (asked.hosts) next.hosts = asked.hosts;
  if (asked.sources) next.sources = asked.sources;
  if (has('radius') && (asked.radius || !before.radius)) {
    next.radius = radiusOf(kind, before.radius, asked.radius ?? {}, makeSecret);
  }
  if (asked.unifi) next.unifi = unifiOf(before.unifi, asked.unifi);
  if (asked.portal2) next.portal2 = { ...asked.portal2 };
  return next;
}

/** The same without anything secret, for replies and pages. */
export function openSettings({ level, login, hosts, sources, portal2, ...kept }: GatewaySettings) {
  return {
    level,
    login,
    hosts,
    sources,
    portal2,
    radius: kept.radius && openRadius(kept.radius),
    unifi: kept.unifi && openUnifi(kept.unifi),
  };
}

function openRadius({ secret: _shared, macAuth, ...shown }: RadiusSettings) {
  return { ...shown, macAuth: macAuth?.password ?? null };
}

function openUnifi({ username, password, apiKey, ...shown }: UnifiSettings) {
  return {
    ...shown,
    username: username ?? null,
    hasPassword: password !== undefined,
    hasApiKey: apiKey !== undefined,
  };
}
