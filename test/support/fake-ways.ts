/** Ways in, in memory: codes, vouchers, member cards, the staff, and links that are kept. */
import type { PortalPorts } from '../../portal/ports.ts';
import { named } from './fake-desk.ts';
import type { State } from './fakes.ts';

/** Addresses ending in 0000 or @refused.example are refused, as a real sender would. */
export function fakeCodes(state: State): PortalPorts['codes'] {
  let next = 100_000;
  return {
    normalise(_store, channel, typed) {
      if (channel === 'email')
        return /^[^\s@<>]+@[^\s@<>]+\.[a-z]{2,}$/i.test(typed) ? typed.toLowerCase() : null;
      const digits = typed.replaceAll(/[\s()-]/g, '');
      if (/^\+\d{8,15}$/.test(digits)) return digits;
      return /^0\d{9,10}$/.test(digits) ? `+44${digits.slice(1)}` : null;
    },
    async send(request) {
      state.note('codes.send', request);
      const { address, binding } = request;
      if (address.endsWith('0000') || address.endsWith('@refused.example'))
        return { ok: false, reason: 'destination-refused' };
      next += 1;
      const until = state.now() + 5 * 60_000;
      const entry = { code: String(next), tries: 5, used: false, until };
      state.codes.set(`${binding}|${address}`, entry);
      return { ok: true, resendAt: state.now() + 30_000, expiresAt: until };
    },
    async verify(request) {
      state.note('codes.verify', request);
      const entry = state.codes.get(`${request.binding}|${request.address}`);
      if (entry === undefined || entry.until < state.now()) return { ok: false, reason: 'expired' };
      if (entry.used) return { ok: false, reason: 'used' };
      if (entry.tries === 0) return { ok: false, reason: 'locked' };
      if (entry.code !== request.code) {
        entry.tries -= 1;
        if (entry.tries === 0) return { ok: false, reason: 'locked' };
        return { ok: false, reason: 'wrong', triesLeft: entry.tries };
      }
      entry.used = true;
      return { ok: true };
    },
  };
}

const MEMBER_TRIES = 5;

export function fakeMembers(state: State): NonNullable<PortalPorts['members']> {
  return {
    async check(_store, typed, mac, ip) {
      state.note('members.check', { ...typed, mac, ip });
      const number = typed.number.replaceAll(/[\s-]/g, '').toUpperCase();
      const tries = (state.memberTries.get(mac) ?? 0) + 1;
      if (tries > MEMBER_TRIES) return { ok: false, reason: 'too-many-tries' };
      if (state.blocked.has(number)) return { ok: false, reason: 'blocked' };
      if (state.members.get(number) === typed.factor) return { ok: true, number };
      state.memberTries.set(mac, tries);
      return { ok: false, reason: 'unknown' };
    },
  };
}

export function fakeApprovals(state: State): NonNullable<PortalPorts['approvals']> {
  return {
    async ask(_store, { name, mac }) {
      state.note('approvals.ask', { name, mac });
      for (const [requestId, asked] of state.approvals)
        if (asked.mac === mac && asked.state === 'waiting') return { requestId };
      const requestId = `ask-${state.approvals.size + 1}`;
      state.approvals.set(requestId, { name, mac, state: 'waiting' });
      return { requestId };
    },
    async state(_store, requestId) {
      return state.approvals.get(requestId)?.state ?? 'expired';
    },
  };
}

const NO_LOOKALIKES = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';

export function fakeLinks(state: State): NonNullable<PortalPorts['links']> {
  let made = 0;
  return {
    async keep(store, sealed, { ttlMs, kind }) {
      state.note('links.keep', { kind, ttlMs });
      made += 1;
      const bytes = Buffer.from(named('link', String(made), sealed), 'hex');
      const short = [...bytes.subarray(0, 8)].map((octet) => NO_LOOKALIKES[octet % 31]).join('');
      const key = kind === 'short' ? short : bytes.toString('base64url').padEnd(43, '0');
      state.links.set(key, { sealed, storeId: store.id, kind, until: state.now() + ttlMs });
      return key;
    },
    async find(store, key) {
      state.note('links.find', key);
      const kept = state.links.get(key);
      if (kept?.storeId !== store.id || kept.until < state.now()) return null;
      if (kept.kind === 'state') state.links.delete(key);
      return kept.sealed;
    },
  };
}

export function fakeVouchers(state: State): PortalPorts['vouchers'] {
  return {
    async check(_store, code, mac, ip) {
      state.note('vouchers.check', { code, mac, ip });
      const known = state.vouchers.get(code);
      if (known === 'fresh') return { ok: true };
      return { ok: false, reason: known ?? 'unknown' };
    },
  };
}
