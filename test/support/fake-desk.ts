/** The desk in memory: who is admitted, refused, remembered and asked. */
import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { RegisteredGateway, StoreView } from '../../portal/ports-store.ts';
import type { Admission, AdmitRequest, Grant, PortalPorts } from '../../portal/ports.ts';
import type { FakeSession, State } from './fakes.ts';

/** Hex of a keyed hash: names that are the same each time and cannot be guessed from each other. */
export const named = (...parts: string[]) =>
  createHmac('sha256', 'fake').update(parts.join('|')).digest('hex');

function limitsOf(state: State, request: AdmitRequest): Omit<Grant, 'sessionId' | 'guestId'> {
  const { downQuotaKB, downKbps, upKbps } = state.settings;
  const grace = request.proof.method === 'grace';
  const minutes = grace ? (request.store.policy?.graceMinutes ?? 0) : state.settings.minutes;
  const expiresAt = state.now() + minutes * 60_000;
  return { minutes, upKbps, downKbps, upQuotaKB: 0, downQuotaKB, expiresAt };
}

/** A guest who proves more than before stays in the session of the grace, which grows. */
function admitIn(state: State, request: AdmitRequest): FakeSession {
  const { context, proof } = request;
  const grace = proof.method === 'grace';
  const client = context.hid ?? context.mac;
  const sessionId = `s-${named(client, JSON.stringify(proof)).slice(0, 12)}`;
  const known = state.sessions.get(sessionId);
  const runs = known !== undefined && known.state !== 'ended' && known.expiresAt > state.now();
  if (runs) return known;
  const guestId = `g-${sessionId}`;
  const limits = limitsOf(state, request);
  const grant = { sessionId, guestId, ...limits };
  const { mac } = context;
  const { expiresAt } = limits;
  const made = { sessionId, guestId, state: 'pending' as const, expiresAt, mac, grant, grace };
  state.sessions.set(sessionId, made);
  return made;
}

/** Why a proof that was fine a moment ago is not any more, or null. */
function refusal(state: State, { store, proof, context }: AdmitRequest) {
  if (state.blocked.has(context.mac)) return 'blocked';
  if (proof.method === 'voucher') {
    const known = state.vouchers.get(proof.code);
    if (known !== 'fresh') return known === 'used' ? 'voucher-used' : 'voucher-invalid';
    state.vouchers.set(proof.code, 'used');
  }
  if (proof.method === 'member-card' && !state.members.has(proof.number)) return 'member-unknown';
  if (proof.method === 'staff') {
    const asked = state.approvals.get(proof.requestId)?.state;
    if (asked !== 'granted') return asked === 'waiting' ? 'staff-waiting' : 'staff-denied';
  }
  if (proof.method === 'returning' && state.devices.get(proof.token) !== context.mac)
    return 'device-unknown';
  if (proof.method !== 'grace') return null;
  const used = [...state.sessions.values()].filter((one) => one.grace && one.mac === context.mac);
  return used.length < (store.policy?.gracePerDay ?? 0) ? null : 'grace-used';
}

function admitted(state: State, request: AdmitRequest): Admission {
  const reason = refusal(state, request);
  if (reason !== null) return { ok: false, reason };
  const { context, proof, answer, store } = request;
  if (answer !== undefined) state.settled.add(`${context.mac}|${answer.key}`);
  const before = state.sessions.size;
  const { grant } = admitIn(state, request);
  const returning = state.sessions.size === before || proof.method === 'returning';
  const remembered = (store.policy?.rememberDays ?? 0) > 0 && proof.method !== 'grace';
  if (!remembered) return { ok: true, grant, returning };
  const deviceToken = named('device', context.mac).slice(0, 43);
  state.devices.set(deviceToken, context.mac);
  return { ok: true, grant, returning, deviceToken };
}

function keyOf(store: StoreView, mac: string): string {
  return createHmac('sha256', store.id).update(mac).digest('hex').slice(0, 32);
}

export function fakeDesk(state: State): PortalPorts['desk'] {
  return {
    async store(slug) {
      state.note('desk.store', slug);
      return state.stores.find((store) => store.slug === slug) ?? null;
    },
    async storeByEntry({ kind, key, ap }) {
      state.note('desk.storeByEntry', { kind, key, ap });
      const fits = ({ kind: its, name, unifi }: RegisteredGateway) =>
        its === kind &&
        (unifi?.site ?? name) === key &&
        (ap === undefined || unifi?.aps === undefined || unifi.aps.includes(ap));
      return state.stores.find((store) => store.gateways.some(fits)) ?? null;
    },
    async question(store, proof, mac) {
      state.note('desk.question', { proof, mac });
      const due = store.questions.find(({ key }) => !state.settled.has(`${mac}|${key}`));
      return due?.key ?? null;
    },
    async knows(_store, mac, token) {
      state.note('desk.knows', { mac, token });
      return state.devices.get(token) === mac;
    },
    async slot(_store, slot, who) {
      state.note('desk.slot', { slot, ...who });
      if (state.settings.slotMs > 0) await delay(state.settings.slotMs, null, { ref: false });
      return state.slots[slot] ?? null;
    },
    async admit(request) {
      state.note('desk.admit', request);
      return admitted(state, request);
    },
    async session(_store, sessionId) {
      state.note('desk.session', sessionId);
      return state.sessions.get(sessionId) ?? null;
    },
    async sessionByClientKey(store, key) {
      const own = [...state.sessions.values()].find((one) => keyOf(store, one.mac) === key);
      return own ?? null;
    },
    clientKey: keyOf,
    async offers(_store, sessionId, waitMs, known = []) {
      state.note('desk.offers', { sessionId, waitMs, known });
      const fresh = () => state.offers.some((card) => !known.includes(card.voucherId));
      for (let waited = 0; waited < waitMs && !fresh(); waited += 25) await delay(25);
      return [...state.offers];
    },
    async shown(_store, sessionId, voucherIds) {
      state.note('desk.shown', { sessionId, voucherIds });
    },
  };
}
