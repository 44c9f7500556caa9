/** PURE. An Accounting-Request as what happened to a session, seen from the guest's side. */
import type { SessionReport } from '../ports-network.ts';
import type { RadiusSettings } from '../ports-store.ts';
import { placeOf } from './access.ts';
import { macIn } from './addresses.ts';
import {
  attributes,
  statusTypes,
  terminateCauses,
  vendorAttributes,
  vendors,
} from './dictionary.ts';
import type { Packet } from './packet.ts';
import { all, first, firstOfVendor, numberIn, textIn } from './packet.ts';
import { sessionInClasses } from './profiles.ts';

export type Account =
  | { kind: 'report'; report: SessionReport }
  /** Accounting-On or -Off. */
  | { kind: 'restart'; at: number }
  /** Of no use, and no repetition would change that: acknowledged. */
  | { kind: 'ignore'; why: 'incomplete' | 'other-status' };

/** A clock that differs more is not believed. */
const CLOCK_DRIFT_MS = 10 * 60_000;
const LONGEST_DELAY_S = 86_400;

const KINDS: Readonly<Record<number, SessionReport['kind']>> = {
  [statusTypes.start]: 'start',
  [statusTypes.interim]: 'interim',
  [statusTypes.stop]: 'stop',
};

/** When it happened: Event-Timestamp where it is near the truth, else now less the time of trying. */
function happenedAt(packet: Packet, now: number): number {
  const stamp = numberIn(first(packet, attributes.eventTimestamp));
  if (stamp !== undefined && Math.abs(stamp * 1000 - now) <= CLOCK_DRIFT_MS) return stamp * 1000;
  const delay = numberIn(first(packet, attributes.acctDelayTime)) ?? 0;
  return now - Math.min(delay, LONGEST_DELAY_S) * 1000;
}

/** A counter of 64 bits; what no number here can hold is no counter. */
function octetsIn(packet: Packet, low: number, high: number): number | undefined {
  const octets = numberIn(first(packet, low));
  if (octets === undefined) return undefined;
  const total = (numberIn(first(packet, high)) ?? 0) * 2 ** 32 + octets;
  return Number.isSafeInteger(total) ? total : undefined;
}

/** Input is from the guest as a NAS sees it, unless it counts from the guest's side and says so. */
function counters(
  packet: Packet,
  settings: RadiusSettings,
): Pick<SessionReport, 'bytesIn' | 'bytesOut'> {
  const input = octetsIn(packet, attributes.acctInputOctets, attributes.acctInputGigawords);
  const output = octetsIn(packet, attributes.acctOutputOctets, attributes.acctOutputGigawords);
  const view = numberIn(firstOfVendor(packet, vendors.coova, vendorAttributes.coova.viewPoint));
  const fromClient = view === undefined ? settings.swapOctets === true : view === 2;
  const [bytesIn, bytesOut] = fromClient ? [input, output] : [output, input];
  return {
    ...(bytesIn === undefined ? {} : { bytesIn }),
    ...(bytesOut === undefined ? {} : { bytesOut }),
  };
}

function macOf(packet: Packet): string | null {
  const calling = macIn(textIn(first(packet, attributes.callingStationId)) ?? '');
  return calling ?? macIn((textIn(first(packet, attributes.userName)) ?? '').split('@', 1)[0]!);
}

export function readAccounting(packet: Packet, settings: RadiusSettings, now: number): Account {
  const status = numberIn(first(packet, attributes.acctStatusType)) ?? 0;
  const at = happenedAt(packet, now);
  if (status === statusTypes.on || status === statusTypes.off) return { kind: 'restart', at };
  const kind = KINDS[status];
  if (kind === undefined) return { kind: 'ignore', why: 'other-status' };
  const mac = macOf(packet);
  const { nasSession, ...place } = placeOf(packet);
  if (mac === null || nasSession === undefined) return { kind: 'ignore', why: 'incomplete' };
  const multiSession = textIn(first(packet, attributes.acctMultiSessionId));
  const sessionId = sessionInClasses(all(packet, attributes.class));
  const seconds = numberIn(first(packet, attributes.acctSessionTime));
  const cause = numberIn(first(packet, attributes.acctTerminateCause));
  return {
    kind: 'report',
    report: {
      kind,
      mac,
      nasSession,
      ...place,
      ...(multiSession ? { multiSession } : {}),
      ...(sessionId === undefined ? {} : { sessionId }),
      ...counters(packet, settings),
      ...(seconds === undefined ? {} : { seconds }),
      ...(kind === 'stop' && cause !== undefined
        ? { reason: terminateCauses[cause] ?? `cause-${cause}` }
        : {}),
      at,
    },
  };
}
