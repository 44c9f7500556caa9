/** A house in memory that RADIUS can be asked about: for benches, fuzzing and tests. */
import type {
  AccessDecision,
  AccessRequest,
  LiveDoors,
  Network,
  NoticeCode,
  Peer,
  SessionReport,
} from '../../portal/ports-network.ts';
import type { RadiusSettings, RegisteredGateway } from '../../portal/ports-store.ts';
import type { Grant, Log } from '../../portal/ports.ts';

/** A gateway as registered; usual settings where nothing else is said. */
export function nasPeer(id: string, settings: Partial<RadiusSettings> = {}): Peer {
  const radius: RadiusSettings = {
    secret: 'testing123',
    sources: ['127.0.0.1'],
    nasIds: [],
    profile: 'wispr',
    messageAuthenticator: 'require',
    interimSeconds: 300,
    ...settings,
  };
  const gateway: RegisteredGateway = { id, kind: 'radius', name: id, radius };
  return { store: { id: `store of ${id}`, merchantId: 'merchant' }, gateway };
}

export function grantOf(sessionId: string, more: Partial<Grant> = {}): Grant {
  return {
    sessionId,
    guestId: 'guest',
    minutes: 60,
    upKbps: 0,
    downKbps: 0,
    upQuotaKB: 0,
    downQuotaKB: 0,
    expiresAt: 0,
    ...more,
  };
}

export interface House {
  network: Network;
  doors: LiveDoors;
  log: Log;
  peers: Peer[];
  /** User name → password; a device that is known has none. */
  users: Map<string, string | null>;
  grant: Partial<Grant>;
  asked: Omit<AccessRequest, 'proves'>[];
  reports: (SessionReport & { gatewayId: string })[];
  restarts: { gatewayId: string; at: number }[];
  learnt: string[];
  notices: { gatewayId: string | null; code: NoticeCode }[];
  /** What the log was told. */
  said: string[];
  /** Set, storage is away: everything rejects. */
  away: boolean;
  /** Questions and reports that came, answered or not. */
  asking: number;
  /** Everything waits for this. */
  slow: Promise<void> | null;
  /** Nothing is recorded: benches ask millions of times. */
  forgetful: boolean;
}

const nothing = (): void => undefined;

export function createHouse(peers: Peer[], users: [string, string | null][] = []): House {
  const ready = async (): Promise<void> => {
    house.asking++;
    if (house.slow !== null) await house.slow;
    if (house.away) throw new Error('storage is away');
  };
  const say = (_facts: unknown, message: string): void => void house.said.push(message);
  const house: House = {
    peers,
    users: new Map(users),
    grant: {},
    asked: [],
    reports: [],
    restarts: [],
    learnt: [],
    notices: [],
    said: [],
    away: false,
    asking: 0,
    slow: null,
    forgetful: false,
    log: { info: nothing, warn: say, error: say },
    network: networkOf(() => house, ready),
    doors: {
      async report(_store, gatewayId, report) {
        await ready();
        if (!house.forgetful) house.reports.push({ gatewayId, ...report });
        return { allowed: true, sessionId: report.sessionId ?? '', expiresAt: 0 };
      },
      async noticed(_store, gatewayId, { code }) {
        if (!house.forgetful) house.notices.push({ gatewayId, code });
      },
    },
  };
  return house;
}

function networkOf(of: () => House, ready: () => Promise<void>): Network {
  return {
    async peersAt(address) {
      return of().peers.filter((peer) => peer.gateway.radius?.sources.includes(address));
    },
    async peerByCertificate(fingerprint) {
      const { peers } = of();
      return peers.find((peer) => peer.gateway.radius?.certificate === fingerprint) ?? null;
    },
    peersByAc: async () => [],
    async authorise(_peer, request): Promise<AccessDecision> {
      await ready();
      const house = of();
      if (!house.forgetful) {
        const facts: Partial<AccessRequest> = { ...request };
        delete facts.proves;
        house.asked.push(facts as Omit<AccessRequest, 'proves'>);
      }
      const password = house.users.get(request.userName);
      if (password === undefined)
        return { accept: false, reason: 'unknown', message: 'Not known.' };
      if (password !== null && !request.proves(password))
        return { accept: false, reason: 'password' };
      return { accept: true, grant: grantOf('s-1', house.grant) };
    },
    async learnt(peer) {
      of().learnt.push(peer.gateway.id);
    },
    async restarted(peer, at) {
      await ready();
      of().restarts.push({ gatewayId: peer.gateway.id, at });
    },
  };
}
