/** The reception: what the guest portal asks of the house, answered from storage. */
import type { Database, Queryable } from '../db/database.ts';
import type { Log } from '../log.ts';
import { clientKeyOf, clientKeys } from '../sessions/client-key.ts';
import type { SessionLimits, SessionRow } from '../sessions/queries.ts';
import {
  findSession,
  guestOfOpenSession,
  liveSessionOfClient,
  rememberedGuest,
} from '../sessions/queries.ts';
import type { Admission, AdmitRequest, DeskStore, Proof } from './admit.ts';
import { REMEMBER_MS, Refusal, admitOnce } from './admit.ts';
import { answersOf, askedBefore } from './queries.ts';

/** An offer ready to show. */
export interface OfferCard {
  voucherId: string;
  code: string;
  headline: string;
  body: string;
  terms: string;
  /** Milliseconds since 1970. */
  validUntil: number;
}

export interface SessionView {
  sessionId: string;
  guestId: string;
  state: 'pending' | 'active' | 'ended';
  /** Milliseconds since 1970. */
  expiresAt: number;
  bytesRemaining?: number;
}

export interface DeskDeps<S extends DeskStore> {
  db: Database;
  clock: () => number;
  log: Pick<Log, 'warn'>;
  /** The installation's secret. */
  secret: Buffer;
  /** The store behind a portal address. */
  storeBySlug: (slug: string) => Promise<S | null>;
  /** Limits of one admission at this store. */
  limits: (tx: Queryable, store: S) => Promise<SessionLimits>;
  /** Offers a guest may be shown now. */
  offersDue: (
    tx: Queryable,
    merchantId: string,
    holder: { guestId: string },
    now: number,
  ) => Promise<OfferCard[]>;
  /** Notes that these were seen. */
  markShown: (
    tx: Queryable,
    merchantId: string,
    voucherIds: readonly string[],
    now: number,
  ) => Promise<void>;
  /** Resolves when an offer for the guest was issued, when `ms` have passed, or when aborted. */
  waitForOffer: (guestId: string, ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** A longer wait would outlive what proxies and phones keep open. */
const LONGEST_WAIT_MS = 30_000;
const MOST_SHOWN = 20;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Download volume counts: that is what the quota of a guest limits. */
function viewOf(row: SessionRow): SessionView {
  const view: SessionView = {
    sessionId: row.id,
    guestId: row.guest_id,
    state: row.state,
    expiresAt: row.expires_at.getTime(),
  };
  if (row.down_quota_kb > 0) {
    view.bytesRemaining = Math.max(0, row.down_quota_kb * 1024 - row.bytes_in);
  }
  return view;
}

export function createDesk<S extends DeskStore>(deps: DeskDeps<S>) {
  const { db, clock } = deps;
  const key = clientKeys(deps.secret);
  const admitDeps = { clock, log: deps.log, key, limits: deps.limits };

  async function dueOffers(store: DeskStore, guestId: string): Promise<OfferCard[]> {
    return db.tx((tx) => deps.offersDue(tx, store.merchantId, { guestId }, clock()), {
      tenant: store.merchantId,
    });
  }

  async function guestAt(store: DeskStore, sessionId: string): Promise<string | null> {
    if (!UUID.test(sessionId)) return null;
    return db.tx((tx) => guestOfOpenSession(tx, store.merchantId, store.id, sessionId), {
      tenant: store.merchantId,
    });
  }

  return {
    store: (slug: string): Promise<S | null> => deps.storeBySlug(slug),

    /** Only a proved address says who is asking; a hardware address never does. */
    async mayAsk(
      store: DeskStore,
      proof: Proof,
      questionKey: string,
      mac: string,
    ): Promise<boolean> {
      const { merchantId } = store;
      if (proof.method !== 'sms-code' && proof.method !== 'email-code') {
        const since = clock() - REMEMBER_MS;
        const clientKey = clientKeyOf(key, store.id, mac);
        return db.tx(
          async (tx) => {
            const guest = await rememberedGuest(tx, merchantId, store.id, clientKey, since);
            const answers = guest === null ? [] : await answersOf(tx, merchantId, guest);
            return answers.every((answer) => answer.question_key !== questionKey);
          },
          { tenant: merchantId },
        );
      }
      const kind = proof.method === 'sms-code' ? 'phone' : 'email';
      const asked = await db.tx(
        (tx) => askedBefore(tx, merchantId, kind, proof.address, questionKey),
        { tenant: merchantId },
      );
      return !asked;
    },

    async admit(request: AdmitRequest<S>): Promise<Admission> {
      try {
        return await db.tx((tx) => admitOnce(tx, admitDeps, request), {
          tenant: request.store.merchantId,
        });
      } catch (error) {
        if (error instanceof Refusal) return { ok: false, reason: error.reason };
        throw error;
      }
    },

    async session(store: DeskStore, sessionId: string): Promise<SessionView | null> {
      if (!UUID.test(sessionId)) return null;
      const row = await db.tx((tx) => findSession(tx, store.merchantId, store.id, sessionId), {
        tenant: store.merchantId,
      });
      return row && viewOf(row);
    },

    async sessionByClientKey(store: DeskStore, clientKey: string): Promise<SessionView | null> {
      const row = await db.tx(
        (tx) => liveSessionOfClient(tx, store.merchantId, store.id, clientKey, clock()),
        { tenant: store.merchantId },
      );
      return row && viewOf(row);
    },

    clientKey: (store: DeskStore, mac: string): string => clientKeyOf(key, store.id, mac),

    async offers(
      store: DeskStore,
      sessionId: string,
      waitMs: number,
      known: string[] = [],
    ): Promise<OfferCard[]> {
      const guestId = await guestAt(store, sessionId);
      if (guestId === null) return [];
      const wait = Math.min(waitMs, LONGEST_WAIT_MS);
      if (!(wait > 0)) return dueOffers(store, guestId);
      // Listening starts before reading: an offer issued in between is not missed.
      const enough = new AbortController();
      const woken = deps.waitForOffer(guestId, wait, enough.signal).catch(() => undefined);
      try {
        const due = await dueOffers(store, guestId);
        if (due.some((card) => !known.includes(card.voucherId))) return due;
        await woken;
        return await dueOffers(store, guestId);
      } finally {
        enough.abort();
      }
    },

    /** Ids that are not this guest's are left alone. */
    async shown(store: DeskStore, sessionId: string, voucherIds: string[]): Promise<void> {
      const guestId = await guestAt(store, sessionId);
      if (guestId === null) return;
      const { merchantId } = store;
      const now = clock();
      await db.tx(
        async (tx) => {
          const due = await deps.offersDue(tx, merchantId, { guestId }, now);
          const own = due.map((card) => card.voucherId).filter((id) => voucherIds.includes(id));
          await deps.markShown(tx, merchantId, own.slice(0, MOST_SHOWN), now);
        },
        { tenant: merchantId },
      );
    },
  };
}
