/** What every door for pings shares: its parts, patience with apps, and counting what is no ping. */
import type { Database } from '../../db/database.ts';
import type { LiveFences } from '../../fences/live.ts';
import type { DeviceCaller } from '../../http/route.ts';
import type { Log } from '../../log.ts';
import type { Ingest, IngestResult } from '../ingest.ts';
import type { Parsed, Source } from '../ping.ts';
import { ProblemError, problem } from '../../errors.ts';

/** What a door needs beyond storing: talking back to phones, and reading what they encrypt. */
export interface PhoneParts {
  db: Database;
  fences: LiveFences;
  /** The installation's secret. */
  secret: Buffer;
}

export interface PingDeps extends Partial<PhoneParts> {
  ingest: Ingest;
  clock: () => number;
  log: Log;
  /** Whether to look now what this device should watch; always when left out. */
  mayLook?: (deviceId: string, now: number) => boolean;
  /** Counts what was not even a ping, for the metrics. */
  count?: ((source: Source, verdict: string, messages: number) => void) | undefined;
}

export const tag = 'Pings';
/** Bytes of one request of an app that sends single positions. */
export const SMALL = 64 * 1024;
export const LARGE = 2 * 1024 * 1024;

/** The parts, when the house gave them all. */
export function phoneParts({ db, fences, secret }: PingDeps): PhoneParts | null {
  return db && fences && secret ? { db, fences, secret } : null;
}

/**
 * These apps drop a message for good on any 4xx, or repeat an unusable one for ever. So being busy
 * is a 503, and only a wrong token (the guard's 401) or an absurdly large body is a 4xx.
 */
async function patiently<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'too-many-requests') {
      throw problem('unavailable', { retryAfter: error.extras.retryAfter ?? 2 });
    }
    throw error;
  }
}

/** Counts what was no ping and stores the rest; resolves once it is durable. */
export async function takeIn(
  deps: PingDeps,
  source: Source,
  caller: DeviceCaller,
  parsed: Parsed,
): Promise<IngestResult> {
  const reasons = Object.entries(parsed.ignored);
  for (const [reason, messages] of reasons) deps.count?.(source, reason, messages);
  if (reasons.length > 0) {
    deps.log.debug({ source, deviceId: caller.deviceId, ignored: parsed.ignored }, 'not pings');
  }
  return patiently(deps.ingest(caller, parsed.pings));
}
