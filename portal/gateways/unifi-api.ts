/** PURE. What Foyer asks of a UniFi controller, in whichever of its two languages; units of the grant turned into its own. */
import type { Grant } from '../ports.ts';
import type { LiveClient } from '../ports-network.ts';
import type { Outcome } from './controller-http.ts';

export interface Admittance {
  /** aa:bb:cc:dd:ee:ff, lower case. */
  mac: string;
  ap?: string | undefined;
  minutes: number;
  /** kbit/s; absent means unlimited. */
  upKbps?: number | undefined;
  downKbps?: number | undefined;
  /** Both directions together, in megabytes. */
  megabytes?: number | undefined;
}

/** Every call may be ended early by `signal`. */
export interface UnifiApi {
  admit(who: Admittance, signal?: AbortSignal): Promise<Outcome<null>>;
  /** Whether the controller says that the client is let through; false when it knows no such client. */
  admitted(mac: string, signal?: AbortSignal): Promise<Outcome<boolean>>;
  /** Fine also when the controller knows nobody by that MAC. */
  dismiss(mac: string): Promise<Outcome<null>>;
  list(): Promise<Outcome<LiveClient[]>>;
}

/** A controller knows no “for ever”; a year of a guest's WiFi comes close. */
const YEAR_MINUTES = 525_600;

type Limits = Pick<Grant, 'minutes' | 'upKbps' | 'downKbps' | 'upQuotaKB' | 'downQuotaKB'>;

/** It counts both directions as one: two quotas add up, a single one is the sum's bound. */
export function admittanceOf(mac: string, ap: string | undefined, limits: Limits): Admittance {
  const { minutes, upKbps, downKbps, upQuotaKB, downQuotaKB } = limits;
  const quotaKB = upQuotaKB + downQuotaKB;
  return {
    mac,
    ...(ap === undefined ? {} : { ap }),
    minutes: minutes > 0 ? Math.min(Math.ceil(minutes), YEAR_MINUTES) : YEAR_MINUTES,
    ...(upKbps > 0 ? { upKbps } : {}),
    ...(downKbps > 0 ? { downKbps } : {}),
    ...(quotaKB > 0 ? { megabytes: Math.max(1, Math.ceil(quotaKB / 1024)) } : {}),
  };
}

export function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

export function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(recordOf) : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A counter or a time: whole, not negative; anything else is not said at all. */
export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? Math.floor(value)
    : undefined;
}
