/** What gateways and their RADIUS packets meet, in memory: deposits, tickets, claims and reports. */
import type { RegisteredGateway } from '../../portal/ports-store.ts';
import type { PortalPorts, SessionView } from '../../portal/ports.ts';
import type { Peer, SessionReport, Verdict } from '../../portal/ports-network.ts';
import { named } from './fake-desk.ts';
import type { FakeSession, State } from './fakes.ts';

export function fakeDoors(state: State): PortalPorts['doors'] {
  const set = (sessionId: string, to: SessionView['state']) => {
    const session = state.sessions.get(sessionId);
    if (session !== undefined && session.state !== 'ended') session.state = to;
  };
  return {
    async pending(_store, gatewayId, limit) {
      state.note('doors.pending', { gatewayId, limit });
      const own = [...state.deposits.values()].filter((one) => one.gatewayId === gatewayId);
      return own.slice(0, limit);
    },
    async deposit(_store, gatewayId, deposit) {
      state.note('doors.deposit', { gatewayId, ...deposit });
      state.deposits.set(deposit.rhid, { ...deposit, gatewayId });
    },
    async confirmed(_store, gatewayId, rhids) {
      state.note('doors.confirmed', { gatewayId, rhids });
      for (const rhid of rhids) {
        const deposit = state.deposits.get(rhid);
        if (deposit?.gatewayId !== gatewayId) continue;
        state.deposits.delete(rhid);
        set(deposit.sessionId, 'active');
      }
    },
    async landed(_store, sessionId) {
      state.note('doors.landed', sessionId);
      set(sessionId, 'active');
    },
    async cleared(_store, gatewayId) {
      state.note('doors.cleared', gatewayId);
      for (const [rhid, deposit] of state.deposits)
        if (deposit.gatewayId === gatewayId) state.deposits.delete(rhid);
    },
    async learned(_store, gatewayId, hashes) {
      state.note('doors.learned', { gatewayId, hashes });
    },
    async ended(_store, gatewayId, report) {
      state.note('doors.ended', { gatewayId, ...report });
      for (const session of state.sessions.values())
        if (session.mac === report.mac) session.state = 'ended';
    },
    ...fakeLiveDoors(state),
  };
}

function verdictOf(state: State, session: FakeSession | undefined): Verdict {
  if (session === undefined) return { allowed: false, reason: 'unknown' };
  if (state.blocked.has(session.mac)) return { allowed: false, reason: 'blocked' };
  if (session.state === 'ended') return { allowed: false, reason: 'ended' };
  const { sessionId, expiresAt } = session;
  if (expiresAt !== 0 && expiresAt <= state.now()) return { allowed: false, reason: 'expired' };
  return { allowed: true, sessionId, expiresAt };
}

/** The session a report speaks of: by its own name, else the newest of the device. */
function reported(state: State, report: SessionReport): FakeSession | undefined {
  if (report.sessionId !== undefined) return state.sessions.get(report.sessionId);
  return [...state.sessions.values()].findLast((session) => session.mac === report.mac);
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const base32 = (hex: string, length: number) =>
  [...Buffer.from(hex, 'hex').subarray(0, length)].map((octet) => BASE32[octet % 32]).join('');

function fakeLiveDoors(state: State): Partial<PortalPorts['doors']> {
  return {
    async ticket(_store, gatewayId, sessionId) {
      state.note('doors.ticket', { gatewayId, sessionId });
      const username = `g.${base32(named('user', sessionId), 24)}`;
      const known = state.tickets.get(username);
      if (known !== undefined && known.until > state.now()) return known;
      const password = base32(named('password', sessionId), 16);
      const until = state.now() + 3 * 60_000;
      const ticket = { username, password, until };
      state.tickets.set(username, { ...ticket, sessionId, gatewayId });
      return ticket;
    },
    async claim(_store, gatewayId, shown) {
      state.note('doors.claim', { gatewayId, ...shown });
      const deposit = state.deposits.get(shown.token);
      const session = deposit && state.sessions.get(deposit.sessionId);
      const own = deposit?.gatewayId === gatewayId && session?.mac === shown.mac;
      const verdict = verdictOf(state, own ? session : undefined);
      if (verdict.allowed && session !== undefined) session.state = 'active';
      return verdict;
    },
    async report(_store, gatewayId, report) {
      state.note('doors.report', { gatewayId, ...report });
      const session = reported(state, report);
      const verdict = verdictOf(state, session);
      if (session !== undefined && verdict.allowed)
        session.state = report.kind === 'stop' ? 'ended' : 'active';
      return verdict;
    },
    async heard(_store, gatewayId) {
      state.note('doors.heard', gatewayId);
    },
    async noticed(_store, gatewayId, notice) {
      state.note('doors.noticed', { gatewayId, ...notice });
    },
  };
}

/** Every gateway of every store, found by where its packets come from. */
export function fakeNetwork(state: State): NonNullable<PortalPorts['network']> {
  const peers = (fits: (gateway: RegisteredGateway) => boolean): Peer[] =>
    state.stores.flatMap((store) =>
      store.gateways.filter(fits).map((gateway) => ({ store, gateway })),
    );
  return {
    async peersAt(address) {
      state.note('network.peersAt', address);
      return peers(({ radius }) => radius?.sources.includes(address) ?? false);
    },
    async peerByCertificate(fingerprint) {
      state.note('network.peerByCertificate', fingerprint);
      return peers(({ radius }) => radius?.certificate === fingerprint)[0] ?? null;
    },
    async peersByAc(address) {
      state.note('network.peersByAc', address);
      return peers(({ portal2 }) => portal2?.host === address);
    },
    async authorise(peer, request) {
      const { userName, mac, byMac } = request;
      state.note('network.authorise', { gatewayId: peer.gateway.id, userName, mac, byMac });
      const ticket = state.tickets.get(userName);
      const session = ticket && state.sessions.get(ticket.sessionId);
      if (ticket === undefined || session === undefined || ticket.until < state.now())
        return { accept: false, reason: 'unknown' };
      if (!request.proves(ticket.password)) return { accept: false, reason: 'password' };
      if (mac !== null && mac !== session.mac) return { accept: false, reason: 'other-device' };
      session.state = 'active';
      return { accept: true, grant: session.grant };
    },
    async learnt(peer) {
      state.note('network.learnt', peer.gateway.id);
    },
    async restarted(peer, at) {
      state.note('network.restarted', { gatewayId: peer.gateway.id, at });
    },
  };
}
