/** PURE. What a registration still lacks before its gateway can work. */
import type { GatewayKind, GatewaySettings } from '../../stores/gateway-schema.ts';

/** Keys below `gateway-check.findings`. */
export function lackingIn({
  kind,
  settings,
}: {
  kind: GatewayKind;
  settings: GatewaySettings;
}): string[] {
  const { radius, unifi, portal2 } = settings;
  const found: string[] = [];
  if (radius && radius.sources.length === 0 && !radius.certificate) found.push('no-sources');
  if (kind === 'unifi') {
    const ready = unifi?.api === 'official' ? unifi.apiKey : unifi?.username && unifi.password;
    if (!unifi || !ready) found.push('no-controller');
  }
  if (kind === 'portal2' && !portal2) found.push('no-ac');
  return found;
}
