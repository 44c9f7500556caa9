/** PURE. Whether a client may stay, and which ends are final. */
import { openingAt } from './hours.ts';
import type { WeekHours } from './hours.ts';

export type Refused = 'unknown' | 'expired' | 'quota' | 'closed' | 'blocked' | 'ended';
/** The shape of portal/ports-network.ts Verdict. */
export type Verdict =
  { allowed: true; sessionId: string; expiresAt: number } | { allowed: false; reason: Refused };

/** What of a session a verdict is made from. */
export interface Judged {
  id: string;
  state: 'pending' | 'active' | 'ended';
  end_reason: string | null;
  expires_at: Date;
  bytes_in: number;
  bytes_out: number;
  up_quota_kb: number;
  down_quota_kb: number;
  blocked: boolean;
  timezone: string;
  hours: WeekHours | null;
  kick: string | null;
}

const named: ReadonlySet<string> = new Set(['expired', 'quota', 'closed', 'blocked']);

export function refused(reason: string | null): Verdict & { allowed: false } {
  return { allowed: false, reason: named.has(reason ?? '') ? (reason as Refused) : 'ended' };
}

export function verdictOf(session: Judged, now: number): Verdict {
  if (session.state === 'ended') return refused(session.end_reason);
  if (session.blocked) return refused('blocked');
  if (session.kick !== null) return refused(session.kick);
  if (session.expires_at.getTime() <= now) return refused('expired');
  if (quotaUsed(session)) return refused('quota');
  const opening = openingAt({ ...session, hours: session.hours ?? undefined }, now);
  if (!opening.open) return refused('closed');
  return { allowed: true, sessionId: session.id, expiresAt: session.expires_at.getTime() };
}

function quotaUsed(session: Judged): boolean {
  const over = (used: number, quotaKB: number): boolean => quotaKB > 0 && used >= quotaKB * 1024;
  return (
    over(session.bytes_in, session.down_quota_kb) || over(session.bytes_out, session.up_quota_kb)
  );
}

/**
 * Ends after which nobody comes back to the same session: the guest's own sign-out, the gateway's limits,
 * and our own requests. After any other the client may show up at the next access point.
 */
const finalReasons: ReadonlySet<string> = new Set([
  'user-request',
  'session-timeout',
  'admin-reset',
  'logout',
  'client_deauth',
]);

export function isFinal(reason: string | null): boolean {
  return reason !== null && finalReasons.has(reason);
}

/** Ends by the house that a gateway has to follow. */
const ours: ReadonlySet<string> = new Set(['expired', 'quota', 'closed', 'blocked', 'staff']);

export function isOurs(reason: string | null): boolean {
  return reason !== null && ours.has(reason);
}
