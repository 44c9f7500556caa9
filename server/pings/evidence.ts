/** A guest's sign-in and WiFi session as evidence: their linked devices are at the store's door then. */
import type { Fence } from '../../geo/fence.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Policy } from '../../geo/policy.ts';
import type { EvidenceKind } from '../../geo/quality.ts';
import type { Database, Queryable } from '../db/database.ts';
import type { DomainEvent, EventPayloads } from '../events/types.ts';
import type { Fences, LiveFences } from '../fences/live.ts';
import type { Ingest } from './ingest.ts';
import type { ParsedPing } from './ping.ts';
import { inradius } from '../../geo/depth.ts';
import { fenceMiddle } from '../../geo/fence.ts';
import { fenceRevision } from '../fences/queries.ts';
import { pingOf } from './ping.ts';
import { companions, guestsWithDevices } from './evidence-queries.ts';

export interface EvidenceDeps {
  db: Database;
  fences: LiveFences;
  ingest: Ingest;
  policy: Policy;
  /** Whether the guest's time on the WiFi may be joined with where their devices were. */
  mayAnalyse: (
    tx: Queryable,
    merchantId: string,
    guestId: string,
    storeId: string,
  ) => Promise<boolean>;
}

/** What an event proves, of whom and when. */
interface Proof {
  source: 'portal' | 'session';
  kind: EvidenceKind;
  key: string;
  guestId: string;
  storeId: string;
  sessionId: string;
  at: number;
}

/**
 * Ends at which the guest was demonstrably there: their own sign-out, and traffic that used up a
 * quota. Any other end comes when it comes, and the guest may be gone for long; it is no exit either.
 */
const SEEN_AT_END: ReadonlySet<string> = new Set([
  'client_deauth',
  'user-request',
  'upquota_deauth',
  'downquota_deauth',
  'quota',
]);

/** Turns events into evidence pings; the same event again finds its pings stored and changes nothing. */
export function createWitness(deps: EvidenceDeps): (event: DomainEvent) => Promise<void> {
  return async (event) => {
    const proof = proofOf(event);
    if (!proof) return;
    const { merchantId } = event;
    const found = await deps.db.tx(
      (tx) => companions(tx, merchantId, proof.guestId, proof.sessionId),
      { tenant: merchantId, alone: true },
    );
    // Most guests have no app.
    if (found.devices.length === 0) return;
    const { devices, place } = await deps.db.tx(
      async (tx) => {
        if (!(await deps.mayAnalyse(tx, merchantId, proof.guestId, proof.storeId))) {
          return { devices: [], place: null };
        }
        const revision = await fenceRevision(tx, merchantId);
        const fences = await deps.fences.at(tx, merchantId, revision);
        return { devices: found.devices, place: doorOf(fences, proof.storeId, found.gatewayId) };
      },
      { tenant: merchantId, readOnly: true },
    );
    if (!place) return;
    const ping = pingAt(place, proof, deps.policy);
    const { guestId } = proof;
    for (const deviceId of devices) {
      await deps.ingest({ kind: 'device', merchantId, deviceId, guestId }, [ping]);
    }
  };
}

/** The events among these whose guest has a device that may be vouched for: most guests have no app. */
export function createCompanied(db: Database) {
  return async (events: readonly DomainEvent[]): Promise<ReadonlySet<DomainEvent>> => {
    const proofs = events.flatMap((event) => {
      const proof = proofOf(event);
      return proof ? [{ event, guestId: proof.guestId }] : [];
    });
    if (proofs.length === 0) return new Set();
    const guests = await guestsWithDevices(db, [...new Set(proofs.map(({ guestId }) => guestId))]);
    return new Set(proofs.flatMap(({ event, guestId }) => (guests.has(guestId) ? [event] : [])));
  };
}

function proofOf({ type, payload }: DomainEvent): Proof | null {
  if (type === 'guest.admitted') {
    const { guestId, storeId, sessionId, at } = payload as EventPayloads['guest.admitted'];
    const who = { guestId, storeId, sessionId, at: Date.parse(at) };
    return { source: 'portal', kind: 'portal_login', key: `portal:${sessionId}`, ...who };
  }
  if (type !== 'session.started' && type !== 'session.ended') return null;
  const told = payload as EventPayloads['session.started' | 'session.ended'];
  if ('reason' in told && !SEEN_AT_END.has(told.reason)) return null;
  const { guestId, storeId, sessionId, at } = told;
  const who = { guestId, storeId, sessionId, at: Date.parse(at) };
  return { source: 'session', kind: 'wifi_session', key: `session:${sessionId}`, ...who };
}

/**
 * Where somebody on the store's WiFi is: in the fence that lists this very gateway; else in the
 * store's outermost fence, the most important of them when there are several.
 */
function doorOf({ index, metas }: Fences, storeId: string, gatewayId: string | null): Fence | null {
  const heard = gatewayId === null ? [] : index.hearing(`gateway:${gatewayId.toLowerCase()}`);
  const near = heard.filter((fence) => fence.kind === 'ground');
  return first(near) ?? first(outermost(index, metas, storeId));
}

function outermost(index: FenceIndex, metas: Fences['metas'], storeId: string): Fence[] {
  const own = (id: string | undefined) => id !== undefined && metas.get(id)?.storeId === storeId;
  return index
    .all()
    .filter((fence) => fence.kind === 'ground' && own(fence.id) && !own(fence.definition.parent));
}

function first(fences: readonly Fence[]): Fence | null {
  const rank = (fence: Fence): number => fence.definition.priority ?? 0;
  const best = fences.toSorted(
    (a, b) =>
      rank(b) - rank(a) || b.areaSquareMetres - a.areaSquareMetres || (a.id < b.id ? -1 : 1),
  );
  return best[0] ?? null;
}

function pingAt(fence: Fence, proof: Proof, policy: Policy): ParsedPing {
  const { lon, lat } = fenceMiddle(fence);
  const { source, kind, key, at } = proof;
  return pingOf({
    key,
    at,
    lon,
    lat,
    accuracy: Math.min(inradius(fence), policy.maxAccuracyMetres),
    source,
    evidence: { fence: fence.id, kind },
  });
}
