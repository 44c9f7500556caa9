/** Grants seen in the last hours, so that their owners still get in while storage is away. Bounded. */
import type { DomainEvent, EventPayloads } from '../events/types.ts';
import type { SessionLimits } from './queries.ts';

export interface KnownGrant extends SessionLimits {
  sessionId: string;
  guestId: string;
  merchantId: string;
  storeId: string;
  gatewayId: string;
  mac: string;
  /** Of its ticket, when it has one. */
  userName: string | null;
  ticketUntil: number;
  /** First use of the ticket; null while unused. */
  ticketUsedAt: number | null;
  /** A gateway let it in before: its hardware address may come back. */
  confirmed: boolean;
  expiresAt: number;
  /** Silence that ends it; unknown until a gateway asked. */
  idleMinutes?: number | undefined;
}

export interface GrantMemory {
  keep(grant: KnownGrant): void;
  byUserName(name: string): KnownGrant | null;
  byMac(storeId: string, mac: string): KnownGrant | null;
  forget(sessionId: string): void;
  /** A session that ended is not granted from here any more. */
  hear(event: DomainEvent): void;
}

const MOST = 20_000;
const KEEP_MS = 6 * 3_600_000;

export function createGrantMemory(clock: () => number): GrantMemory {
  /** In the order of last use: the first is the first to go. */
  const grants = new Map<string, { grant: KnownGrant; keptAt: number }>();
  const names = new Map<string, string>();
  const macs = new Map<string, string>();
  const place = (storeId: string, mac: string): string => `${storeId} ${mac}`;

  function forget(sessionId: string): void {
    const held = grants.get(sessionId)?.grant;
    if (!held) return;
    grants.delete(sessionId);
    if (held.userName !== null && names.get(held.userName) === sessionId) {
      names.delete(held.userName);
    }
    const at = place(held.storeId, held.mac);
    if (macs.get(at) === sessionId) macs.delete(at);
  }

  function find(sessionId: string | undefined): KnownGrant | null {
    const held = sessionId === undefined ? undefined : grants.get(sessionId);
    if (!held) return null;
    const now = clock();
    if (held.keptAt + KEEP_MS > now && held.grant.expiresAt > now) return held.grant;
    forget(held.grant.sessionId);
    return null;
  }

  return {
    keep(grant) {
      forget(grant.sessionId);
      grants.set(grant.sessionId, { grant, keptAt: clock() });
      if (grant.userName !== null) names.set(grant.userName, grant.sessionId);
      if (grant.confirmed) macs.set(place(grant.storeId, grant.mac), grant.sessionId);
      const [oldest] = grants.keys();
      if (grants.size > MOST && oldest !== undefined) forget(oldest);
    },
    byUserName: (name) => find(names.get(name)),
    byMac: (storeId, mac) => find(macs.get(place(storeId, mac))),
    forget,
    hear({ type, payload }) {
      if (type !== 'session.ended') return;
      forget((payload as EventPayloads['session.ended']).sessionId);
    },
  };
}
