/** PURE. A session's state, end and volume as keys of texts and short figures. */
import type { OnlineLine } from './queries.ts';

const ways = new Set([
  'click-through',
  'sms-code',
  'email-code',
  'voucher',
  'member-card',
  'oidc',
  'staff',
  'returning',
  'grace',
  'mac',
]);

/** A key below `online.ways`. */
export function wayWord(method: string): string {
  return ways.has(method) ? method : 'other';
}

const ends: Record<string, string> = {
  expired: 'expired',
  quota: 'quota',
  closed: 'closed',
  blocked: 'blocked',
  erased: 'erased',
  staff: 'staff',
  replaced: 'replaced',
  'never-confirmed': 'never',
  'idle-timeout': 'left',
  'user-request': 'left',
  'lost-carrier': 'left',
  'not-listed': 'left',
  'session-timeout': 'expired',
  'admin-reset': 'gateway',
  'nas-reboot': 'gateway',
  'nas-request': 'gateway',
  'gateway-cleared': 'gateway',
};

/** A key below `online.ends`: vendors have many words for few things. */
export function endWord(reason: string | null): string {
  return ends[reason ?? ''] ?? 'other';
}

type Stated = Pick<OnlineLine, 'state' | 'kick_reason' | 'kick_outcome' | 'expires_at'>;

/** A key below `online.states`, and how it looks. */
export function stateOf({ state, kick_reason: leaving, kick_outcome: outcome }: Stated): {
  key: string;
  tone: '' | ' good' | ' warn' | ' bad';
} {
  if (state === 'ended') return { key: 'ended', tone: '' };
  if (leaving !== null) {
    if (outcome === 'unable') return { key: 'unable', tone: ' warn' };
    return outcome === 'failed'
      ? { key: 'failed', tone: ' bad' }
      : { key: 'leaving', tone: ' warn' };
  }
  return state === 'active' ? { key: 'active', tone: ' good' } : { key: 'pending', tone: ' warn' };
}

const steps = ['kB', 'MB', 'GB', 'TB'] as const;

/** Octets as people read them: a number for the reader's own format, its digits, and a unit. */
export function volumeOf(octets: number): { value: number; digits: number; unit: string } {
  let value = octets / 1000;
  let step = 0;
  while (value >= 1000 && step < steps.length - 1) {
    value /= 1000;
    step += 1;
  }
  return { value, digits: value >= 10 || step === 0 ? 0 : 1, unit: steps[step]! };
}
