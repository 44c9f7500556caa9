/** PURE. What guests must reach before they are let in, and what they must not. */
import { PROBES } from '../captive-api.ts';
import type { StoreView } from '../ports-store.ts';

/** Hosts that sign-in pages of well-known identity providers load from, by the host of their issuer. */
const PROVIDERS: Record<string, readonly string[]> = {
  'accounts.google.com': [
    'accounts.google.com',
    'ssl.gstatic.com',
    'fonts.gstatic.com',
    'apis.google.com',
  ],
  'appleid.apple.com': ['appleid.apple.com', 'appleid.cdn-apple.com', 'idmsa.apple.com'],
  'login.microsoftonline.com': [
    'login.microsoftonline.com',
    'login.live.com',
    'aadcdn.msauth.net',
    'aadcdn.msftauth.net',
    'logincdn.msauth.net',
  ],
  'access.line.me': ['access.line.me', 'api.line.me', 'scdn.line-apps.com'],
};

export type GardenStore = Pick<StoreView, 'oidc' | 'house'>;

/**
 * Whether letting this name through would answer a system's question for the internet: the sign-in
 * would then never appear. Wildcards count with everything below them.
 */
export function hidesThePortal(host: string): boolean {
  const name = host.toLowerCase().replace(/^\*?\.?/, '');
  const wild = /^\*?\./.test(host);
  return PROBES.some((probe) => probe.host === name || (wild && probe.host.endsWith(`.${name}`)));
}

const HOST = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

function hostOf(url: string): string | null {
  if (!URL.canParse(url)) return null;
  const { hostname } = new URL(url);
  return HOST.test(hostname) || hostname.startsWith('[') ? hostname : null;
}

/** Where the words before sign-in may lead: https, and no place by which a phone looks for the internet. */
export function leadsBeforeLogin(link: string | undefined): string | null {
  const host = link === undefined ? null : hostOf(link);
  return host !== null && link?.startsWith('https:') === true && !hidesThePortal(host)
    ? host
    : null;
}

/** Names in the order they matter: the portal, identity providers, the house's own; never a probe's host. */
export function walledGarden(
  store: GardenStore,
  publicUrl: string,
  extra: readonly string[] = [],
): string[] {
  const issuers = (store.oidc ?? [])
    .map(({ issuer }) => hostOf(issuer))
    .filter((host) => host !== null);
  const providers = issuers.flatMap((host) => PROVIDERS[host] ?? [host]);
  const own = hostOf(publicUrl);
  const house = leadsBeforeLogin(store.house?.pre_auth?.link);
  const wanted = [
    ...(own === null ? [] : [own]),
    ...providers,
    ...(house === null ? [] : [house]),
    ...extra.map((host) => host.toLowerCase()).filter((host) => HOST.test(host)),
  ];
  return [...new Set(wanted)].filter((host) => !hidesThePortal(host));
}
