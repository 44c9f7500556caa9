/** How many pages one network may ask for: a mall behind one address is many guests, a script is more than a mall. */
import type { Request, Response } from 'express';
import { guard } from './headers.ts';
import type { Clock } from './ports.ts';
import { unmapped } from './radius/addresses.ts';
import { createPace } from './radius/pace.ts';
import { address } from './radius/packet.ts';

export interface CrowdLimits {
  /** Requests of one network, on average and at once. */
  perSecond: number;
  burst: number;
}

/** Some hundred guests joining in the same minute, each with all pages and their waiting. */
export const USUAL_CROWD: CrowdLimits = { perSecond: 100, burst: 2_000 };

/**
 * One IPv4 address, or the /64 that one IPv6 subscriber has at hand. Null for this machine itself: a proxy
 * that was not declared makes everybody come from there.
 */
export function networkOf(ip: string): string | null {
  const plain = unmapped(ip);
  if (plain === '::1' || plain.startsWith('127.')) return null;
  const octets = address(0, plain)?.value;
  return octets?.length === 16 ? octets.toString('hex', 0, 8) : plain;
}

/** The names heard of longest ago are forgotten first; what is turned away costs neither storage nor a page. */
export function crowd(clock: Clock, limits: CrowdLimits = USUAL_CROWD) {
  const pace = createPace(limits.perSecond, limits.burst);
  return (req: Request, res: Response, next: () => void): void => {
    const network = networkOf(req.ip ?? '');
    if (network === null || pace.allows(network, clock())) return next();
    guard(res);
    res.status(429).set('Retry-After', '5').type('text');
    res.send('Too many requests from this network. Please try again in a few seconds.\n');
  };
}
