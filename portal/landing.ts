/** PURE. Where a guest may be sent on to: the shop's own list of hosts, and never an operating system's probe. */
import { isProbeHost } from './captive-api.ts';
import type { StoreView } from './ports.ts';

/** The address to offer after login, or null: then the guest stays on our page. */
export function landingFor(store: StoreView, wanted: string | undefined): string | null {
  if (wanted === undefined || !URL.canParse(wanted)) return null;
  const url = new URL(wanted);
  const web = url.protocol === 'http:' || url.protocol === 'https:';
  const plain = url.username === '' && url.password === '';
  const host = url.hostname.toLowerCase();
  const allowed = store.landingHosts.includes(host) && !isProbeHost(host);
  return web && plain && allowed ? url.href : null;
}
