/** PURE. What a gateway can do whose browser door stands before our RADIUS: all that travels, travels there. */
import type { RegisteredGateway } from '../ports-store.ts';
import type { Capabilities } from './gateway.ts';
import { PLAIN_PAGE } from './next-hop.ts';

export function behindRadius(
  { radius }: RegisteredGateway,
  redirect: Capabilities['redirect'],
): Capabilities {
  const asks = radius !== undefined;
  // Over RadSec the request goes back along the gateway's own connection.
  const reachable = radius?.coa !== undefined || radius?.certificate !== undefined;
  return {
    door: 'browser',
    redirect,
    limits: asks,
    speed: asks,
    accounting: asks,
    kick: reachable ? 'now' : 'never',
    status: asks,
    extend: false,
    knock: PLAIN_PAGE,
  };
}
