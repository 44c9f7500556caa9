/** PURE. Where a guest may be sent on to after success: the shop's own hosts, and the phone's own check. */
import { isProbeHost } from './captive-api.ts';
import { miniBrowser } from './mini-browser.ts';
import type { StoreView } from './ports-store.ts';

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

const CHECKS = {
  apple: 'http://captive.apple.com/hotspot-detect.html',
  android: 'http://connectivitycheck.gstatic.com/generate_204',
};

/**
 * The address by which the phone itself finds out that it is online, for a link that says "Done".
 *
 * A sign-in window looks for the internet again after a full page load, never after a script's
 * request; that is why every success here is a page of its own, reached by a plain navigation. Should
 * the gateway open a moment after that load, the window would go on saying "Cancel", and leaving by
 * that word drops the WiFi. So the welcome page loads itself once more, and its link leads to the very
 * plain-http address that the phone asks anyway: it is intercepted as long as the door is shut, and
 * answered by its owner once it is open. It is ours by name, never taken from what the gateway said,
 * and nobody is sent there unasked, because the page with the offer would be gone.
 */
export function checkFor(userAgent: string): string | null {
  const window = miniBrowser(userAgent);
  return window === null ? null : CHECKS[window];
}
