/** PURE. Passwords by which gateways present a hardware address: the address in any spelling, or one they were given. */
import type { RadiusSettings } from '../stores/gateway-schema.ts';

/** Every spelling of a hardware address that equipment is known to use. */
function spellings(mac: string): string[] {
  const hex = mac.replaceAll(/[^0-9a-f]/g, '');
  const parts = (size: number, by: string): string =>
    (hex.match(new RegExp(`.{${size}}`, 'g')) ?? []).join(by);
  const lower = [hex, parts(2, ':'), parts(2, '-'), parts(4, '.'), parts(6, '-')];
  return [...lower, ...lower.map((text) => text.toUpperCase())];
}

/** Passwords that this gateway may show for the address; null when it may not ask by address at all. */
export function proofsOf(
  radius: RadiusSettings | undefined,
  mac: string,
  userName: string,
): string[] | null {
  const way = radius?.macAuth;
  if (!radius || !way) return null;
  if (way.password === 'secret') return [radius.secret];
  if (way.password === 'fixed') return way.fixed ? [way.fixed] : null;
  return [userName, ...spellings(mac)];
}
