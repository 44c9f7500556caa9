/** The reception: what the guest portal asks of the house, answered from storage. */
import { approvalClients } from '../approvals/approvals.ts';
import type { Database, Queryable } from '../db/database.ts';
import type { Log } from '../log.ts';
import { clientKeyOf, clientKeys } from '../sessions/client-key.ts';
import { knows } from '../sessions/known-devices.ts';
import type { SessionLimits, SessionRow } from '../sessions/queries.ts';
import { guestOfOpenSession, liveSessionOfClient, shownSession } from '../sessions/queries.ts';
import type { Language } from '../stores/words.ts';
import type { Admission, AdmitRequest, DeskStore, Proof } from './admission.ts';
import { Refusal } from './admission.ts';
import { admitOnce } from './admit.ts';
import type { Entry } from './entry.ts';
import { slugOfEntry } from './entry.ts';
import { createJustSeen, createMemory } from './memory.ts';
import { accessVersion, whose } from './proofs.ts';
import { answersOf } from './queries.ts';
import type { SlotContent, SlotName, SlotStore } from './slots.ts';
import { fillSlot } from './slots.ts';

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
  /** Scheme and host that mailed links lead to. */
  publicUrl?: string;
  /** Resolves when an offer for the guest was issued, when `ms` have passed, or when aborted. */
  waitForOffer: (guestId: string, ms: number, signal: AbortSignal) => Promise<unknown>;
  /** Told who is being let in: rules may have something for them in a moment. */
  expectOffer?: (guestId: string) => void;
  /** Resolves when the rules have heard of an admission just made; null when there is none to hear of. */
  rulesHeard?: (guestId: string) => Promise<void> | null;
}

/** A longer wait would outlive what proxies and phones keep open. */
const LONGEST_WAIT_MS = 30_000;
/** A wait this short is a page's own: only for what the admission itself may bring. */
const GLANCE_MS = 150;
/** A page goes on without what takes longer to read. */
const LOOK_MS = 400;
const MOST_SHOWN = 20;
/** So long a page may still be shown from memory while storage is away. */
const AWAY_MS = 60_000;
const MOST_SESSIONS_KEPT = 5_000;
const MOST_STORES_KEPT = 1_000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface Look {
  guestId: string | null;
  /** Resolves when the rules have heard of the admission; null when there is nothing to wait for. */
  heard: Promise<void> | null;
  cards: OfferCard[];
}

const NEVER = new Promise<void>(() => {});

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

/** A session that ran out meanwhile is over, whoever remembers it. */
function asOf(view: SessionView | null, now: number): SessionView | null {
  return view && view.state !== 'ended' && view.expiresAt <= now
    ? { ...view, state: 'ended' }
    : view;
}

export function createDesk<S extends DeskStore & SlotStore>(deps: DeskDeps<S>) {
  const { db, clock } = deps;
  const key = clientKeys(deps.secret);
  const admitDeps = { ...deps, key, approvalClient: approvalClients(deps.secret) };
  const sessions = createMemory<SessionView | null>({
    clock,
    keepMs: AWAY_MS,
    most: MOST_SESSIONS_KEPT,
    worth: (view) => view !== null && view.state !== 'ended',
  });
  const stores = createMemory<S | null>({
    clock,
    keepMs: AWAY_MS,
    most: MOST_STORES_KEPT,
    worth: (store) => store !== null,
  });

  async function dueOffers(
    store: Pick<DeskStore, 'merchantId'>,
    guestId: string,
  ): Promise<OfferCard[]> {
    return db.tx((tx) => deps.offersDue(tx, store.merchantId, { guestId }, clock()), {
      tenant: store.merchantId,
      alone: true,
      statementTimeout: LOOK_MS,
    });
  }

  /** Whose offers a page may show that asked about its session just now. */
  const justSeen = createJustSeen();

  async function guestAt(
    store: Pick<DeskStore, 'id' | 'merchantId'>,
    sessionId: string,
  ): Promise<string | null> {
    if (!UUID.test(sessionId)) return null;
    const seen = justSeen.take(`${store.id} ${sessionId}`);
    if (seen !== undefined) return seen;
    return db.tx((tx) => guestOfOpenSession(tx, store.merchantId, store.id, sessionId), {
      tenant: store.merchantId,
      alone: true,
      statementTimeout: LOOK_MS,
    });
  }

  /** Two places of one page ask at the same moment: one look serves both. */
  const looks = new Map<string, Promise<Look>>();

  function look(store: Pick<DeskStore, 'id' | 'merchantId'>, sessionId: string): Promise<Look> {
    const name = `${store.merchantId} ${store.id} ${sessionId}`;
    const known = looks.get(name);
    if (known) return known;
    const asked = lookOnce(store, sessionId).finally(() => looks.delete(name));
    looks.set(name, asked);
    return asked;
  }

  async function lookOnce(
    store: Pick<DeskStore, 'id' | 'merchantId'>,
    sessionId: string,
  ): Promise<Look> {
    const guestId = await guestAt(store, sessionId);
    if (guestId === null) return { guestId, heard: null, cards: [] };
    // Asked before reading: what is decided in between is read again.
    const heard = deps.rulesHeard ? deps.rulesHeard(guestId) : NEVER;
    return { guestId, heard, cards: await dueOffers(store, guestId) };
  }

  const storeBySlug = (slug: string): Promise<S | null> =>
    stores.through(slug, () => deps.storeBySlug(slug));

  /** The first question this proof was not asked yet. Only a proof says who is asking; a hardware address never does. */
  async function question(store: DeskStore, proof: Proof, mac: string): Promise<string | null> {
    const { merchantId } = store;
    const [first] = store.questions;
    if (first === undefined || proof.method === 'grace') return null;
    const clientKey = clientKeyOf(key, store.id, mac);
    const asked = await db.tx(
      async (tx) => {
        const guest = await whose(tx, store, proof, clientKey, clock());
        return guest === null ? [] : answersOf(tx, merchantId, guest);
      },
      { tenant: merchantId, readOnly: true },
    );
    const known = new Set(asked.map((answer) => answer.question_key));
    return store.questions.find((one) => !known.has(one.key))?.key ?? null;
  }

  return {
    store: storeBySlug,

    async storeByEntry(entry: Entry): Promise<S | null> {
      const name = [entry.kind, entry.key, entry.ap ?? ''].join(' ');
      return stores.through(`entry ${name}`, async () => {
        const slug = await slugOfEntry(db, entry);
        return slug === null ? null : deps.storeBySlug(slug);
      });
    },

    question,

    /** Whether one tap would let this device in: its token and address are known, under the terms of today. */
    async knows(store: DeskStore, mac: string, token: string): Promise<boolean> {
      if (!store.policy || store.policy.rememberDays <= 0) return false;
      const { merchantId, id: storeId } = store;
      const at = { merchantId, storeId, clientKey: clientKeyOf(key, storeId, mac) };
      const known = await db.tx((tx) => knows(tx, at, token, clock()), {
        tenant: merchantId,
        alone: true,
      });
      return known !== null && known.termsVersion === accessVersion(store);
    },

    slot: (
      store: SlotStore,
      slot: SlotName,
      who: { sessionId?: string; language: Language },
    ): Promise<SlotContent<OfferCard> | null> =>
      fillSlot(
        { log: deps.log, due: async (sessionId) => (await look(store, sessionId)).cards },
        store,
        slot,
        who,
      ),

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

    /** Of a known live session also while storage is away, for a minute. */
    async session(store: DeskStore, sessionId: string): Promise<SessionView | null> {
      if (!UUID.test(sessionId)) return null;
      const name = `${store.id} ${sessionId}`;
      const view = await sessions.through(name, async () => {
        const row = await db.tx((tx) => shownSession(tx, store.merchantId, store.id, sessionId), {
          tenant: store.merchantId,
          alone: true,
        });
        justSeen.keep(name, row?.shows ?? null);
        return row && viewOf(row);
      });
      return asOf(view, clock());
    },

    async sessionByClientKey(store: DeskStore, clientKey: string): Promise<SessionView | null> {
      const row = await db.tx(
        (tx) => liveSessionOfClient(tx, store.merchantId, store.id, clientKey, clock()),
        { tenant: store.merchantId, alone: true },
      );
      return row && viewOf(row);
    },

    clientKey: (store: Pick<DeskStore, 'id'>, mac: string): string =>
      clientKeyOf(key, store.id, mac),

    async offers(
      store: DeskStore,
      sessionId: string,
      waitMs: number,
      known: string[] = [],
    ): Promise<OfferCard[]> {
      const wait = Math.min(waitMs, LONGEST_WAIT_MS);
      const isNew = (card: OfferCard): boolean => !known.includes(card.voucherId);
      const { guestId, heard, cards } = await look(store, sessionId);
      const hopeless = wait <= GLANCE_MS && heard === null;
      if (guestId === null || !(wait > 0) || hopeless || cards.some(isNew)) return cards;
      const enough = new AbortController();
      const woken = deps.waitForOffer(guestId, wait, enough.signal).catch(() => undefined);
      try {
        if (wait <= GLANCE_MS) {
          await Promise.race([woken, heard]);
          return await dueOffers(store, guestId);
        }
        // Listening starts before reading: an offer issued in between is not missed.
        const due = await dueOffers(store, guestId);
        if (due.some(isNew)) return due;
        await woken;
        return await dueOffers(store, guestId);
      } finally {
        // The usual reason is an exception with a stack, and nobody reads it.
        enough.abort(null);
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
