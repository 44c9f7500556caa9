/** My data: what a guest asks of the house about themselves, as portal/ports-self.ts declares it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { createCodes } from '../codes/codes.ts';
import { confirmByMail, requestBehind } from '../consents/confirm.ts';
import type { ConsentProof } from '../consents/record.ts';
import type { Database, Queryable } from '../db/database.ts';
import { eraseGuest, exportGuest } from '../guests/erase.ts';
import { hashToken } from '../ids.ts';
import { logBeforeErasure } from '../guests/session-log.ts';
import type { Log } from '../log.ts';
import { forget } from '../sessions/known-devices.ts';
import type { Language } from '../stores/words.ts';
import { languages } from '../stores/words.ts';
import type { Choice } from './choices.ts';
import { choose, correct } from './choices.ts';
import { downloadOf } from './download.ts';
import { createGate } from './gate.ts';
import { heldLook, lookFromSession, startLook } from './look.ts';
import type { LookRow } from './look-queries.ts';
import { deleteLook, dropLooks } from './look-queries.ts';
import { forgetClientsOf, guestOfAddress, saveAddress } from './queries.ts';
import type { SelfStore } from './record.ts';
import { recordOf } from './record.ts';

type Channel = 'sms' | 'email';

export interface SelfDeps {
  db: Database;
  clock: () => number;
  log: Pick<Log, 'info' | 'warn'>;
  codes: Pick<ReturnType<typeof createCodes>, 'send' | 'verify'>;
  /** Scheme and host of mailed links. */
  publicUrl: string;
  /** Told after the commit that a message waits. */
  wake?: () => void;
}

interface AddressAsked {
  store: SelfStore;
  channel: Channel;
  address: string;
  binding: string;
}

/** Every answer to "send me a code" takes at least this long, whether somebody was found or not. */
const FLOOR_MS = 300;

/** A code of this realm, not bound to a device: there may be none on the shop's network. */
function asCode({ store, channel, address, binding }: AddressAsked) {
  return { store, channel, address, binding, realm: 'self' as const };
}

export function createSelfService(deps: SelfDeps) {
  const { db, clock, codes, log } = deps;
  const allow = createGate();

  const inside = <T>(store: SelfStore, work: (tx: Queryable) => Promise<T>): Promise<T> =>
    db.tx(work, { tenant: store.merchantId });

  /** Work within a look that is still open; null when it is over. */
  const within = <T>(
    store: SelfStore,
    key: string,
    work: (tx: Queryable, look: LookRow, now: number) => Promise<T>,
  ): Promise<T | null> =>
    inside(store, async (tx) => {
      const now = clock();
      const look = await heldLook(tx, store, key, now);
      return look === null ? null : work(tx, look, now);
    });

  async function send(asked: AddressAsked & { ip: string; language: Language }) {
    const { ip, language, address } = asked;
    return codes.send({ ...asCode(asked), mac: `self ${address}`, ip, language });
  }

  return {
    openBySession: (store: SelfStore, sessionId: string, own: boolean): Promise<string | null> =>
      inside(store, (tx) => lookFromSession(tx, store, { sessionId, own }, clock())),

    async sendCode(
      asked: AddressAsked & { ip: string; language: Language },
    ): Promise<'sent' | 'busy'> {
      if (!(await allow('sends', asked.ip))) return 'busy';
      const { store, channel, address } = asked;
      const attempt = async () => {
        const known = await inside(store, (tx) =>
          guestOfAddress(tx, store.merchantId, channel, address),
        );
        // Whatever becomes of it: the answer is the same, or it would tell who is known.
        if (known !== null) await send(asked);
      };
      await Promise.all([attempt(), pause(FLOOR_MS)]);
      return 'sent';
    },

    async openByCode(asked: AddressAsked & { code: string; ip: string }): Promise<string | null> {
      if (!(await allow('tries', asked.ip))) return null;
      const { store, channel, address, code } = asked;
      const { ok } = await codes.verify({ ...asCode(asked), code });
      if (!ok) return null;
      return inside(store, async (tx) => {
        const guestId = await guestOfAddress(tx, store.merchantId, channel, address);
        const of = { guestId: guestId ?? '', sessionId: null, limited: false };
        return guestId === null ? null : startLook(tx, store, of, clock());
      });
    },

    record: (store: SelfStore, key: string, language: Language = 'en') =>
      within(store, key, (tx, look, now) => recordOf(tx, store, look, language, now)),

    async choose(store: SelfStore, key: string, choice: Choice, proof: ConsentProof) {
      const outcome = await within(store, key, (tx, look, now) =>
        choose(tx, store, look.guest_id, choice, proof, deps.publicUrl, now),
      );
      if (outcome === 'mailed') deps.wake?.();
      return outcome;
    },

    async correct(
      store: SelfStore,
      key: string,
      change: { name: string; answers: Record<string, string> },
    ): Promise<boolean> {
      const done = await within(store, key, async (tx, look, now) => {
        if (look.limited) return false;
        await correct(tx, store, look.guest_id, change, now);
        return true;
      });
      return done ?? false;
    },

    async sendToNew(asked: AddressAsked & { key: string; ip: string; language: Language }) {
      const look = await within(asked.store, asked.key, (_tx, held) => Promise.resolve(held));
      if (look === null || look.limited) return null;
      if (!(await allow('sends', asked.ip))) return 'busy' as const;
      const sent = await send(asked);
      if (sent.ok) return 'sent' as const;
      return sent.reason === 'destination-refused' ? ('refused' as const) : ('busy' as const);
    },

    async proveNew(asked: AddressAsked & { key: string; code: string }) {
      const { store, key, channel, address, code } = asked;
      const held = await within(store, key, (_tx, look) => Promise.resolve(!look.limited));
      if (held !== true) return null;
      if (!(await codes.verify({ ...asCode(asked), code })).ok) return 'wrong' as const;
      return within(store, key, async (tx, look) =>
        (await saveAddress(tx, store.merchantId, look.guest_id, channel, address))
          ? ('done' as const)
          : ('taken' as const),
      );
    },

    download: (store: SelfStore, key: string, as: 'json' | 'csv') =>
      within(store, key, async (tx, look, now) =>
        look.limited
          ? null
          : downloadOf(await exportGuest(tx, store.merchantId, look.guest_id), as, now),
      ),

    async forgetDevices(store: SelfStore, key: string): Promise<boolean> {
      const done = await within(store, key, async (tx, look, now) => {
        await forget(tx, store.merchantId, look.guest_id, now);
        await logBeforeErasure(tx, store.merchantId, look.guest_id);
        await forgetClientsOf(tx, store.merchantId, look.guest_id);
        return true;
      });
      return done ?? false;
    },

    async forgetMe(store: SelfStore, key: string): Promise<boolean> {
      const { merchantId } = store;
      const done = await within(store, key, async (tx, look, now) => {
        await eraseGuest(tx, merchantId, look.guest_id, now);
        return look.guest_id;
      });
      if (done !== null) log.info({ guestId: done, merchantId }, 'a guest had themselves erased');
      return done !== null;
    },

    leave: (store: SelfStore, key: string): Promise<void> =>
      inside(store, (tx) => deleteLook(tx, store.merchantId, hashToken(key))),

    async confirmation(store: SelfStore, token: string, ip: string) {
      if (!(await allow('links', ip))) return null;
      const asked = await inside(store, (tx) => requestBehind(tx, store, token, clock()));
      if (asked === null) return null;
      const language = languages.find((one) => one === asked.language) ?? ('en' as const);
      return { text: asked.text, language };
    },

    async confirm(
      store: SelfStore,
      token: string,
      from: { ip: string; userAgent: string },
    ): Promise<boolean> {
      if (!(await allow('links', from.ip))) return false;
      return inside(store, (tx) => confirmByMail(tx, store, token, from, clock()));
    },
  };
}

/** Drops looks that ran out. For the timed jobs. */
export async function forgetLooks(db: Queryable, now: number): Promise<number> {
  return dropLooks(db, now);
}
