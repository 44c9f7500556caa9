/** What equipment asks of the house beside its pages: who may come in by RADIUS, and what sessions do. */
import type { RegisteredGateway, StoreView } from './ports-store.ts';
import type { Grant } from './ports.ts';

/** The part of a store that equipment needs. */
export type StoreRef = Pick<StoreView, 'id' | 'merchantId'>;

/** Credentials minted for one admission; the password is derived, never stored. */
export interface Ticket {
  /** `g.` and 24 characters of a-z2-7. */
  username: string;
  /** 16 characters of a-z2-7. */
  password: string;
  /** ms since 1970: three minutes on. Answerable 30 s after its first use, for retransmissions. */
  until: number;
}

/**
 * What a gateway says about a client's session, whatever its language: RADIUS accounting, authmon,
 * WiFiDog counters, a controller's list. Counters are totals of this network session so far.
 */
export interface SessionReport {
  kind: 'start' | 'interim' | 'stop';
  /** aa:bb:cc:dd:ee:ff */
  mac: string;
  ip?: string;
  /** Name of the network session at the gateway: Acct-Session-Id, WiFiDog token, the controller's id. */
  nasSession: string;
  /** Joins network sessions of one association across access points (RFC 2866 section 5.11). */
  multiSession?: string;
  /** Our session, when the gateway carried it back (RADIUS Class, a token). */
  sessionId?: string;
  /** Octets towards the guest. */
  bytesIn?: number;
  /** Octets from the guest. */
  bytesOut?: number;
  /** Seconds the network session has lasted, by the gateway. */
  seconds?: number;
  /** Access point, aa:bb:cc:dd:ee:ff. */
  ap?: string;
  ssid?: string;
  /** Why it ended: `idle-timeout`, `user-request`, … lower case, at most 40 characters. */
  reason?: string;
  /** When it happened by the gateway's clock (ms since 1970). */
  at: number;
}

/** Whether the client may stay; a gateway that asks acts upon it. */
export type Verdict =
  | { allowed: true; sessionId: string; expiresAt: number }
  | { allowed: false; reason: 'unknown' | 'expired' | 'quota' | 'closed' | 'blocked' | 'ended' };

/** The session part of `Doors`. All idempotent: the same report again changes nothing. */
export interface LiveDoors {
  /** Credentials for this admission at its gateway; asked again they are the same while they live. */
  ticket?(store: StoreRef, gatewayId: string, sessionId: string): Promise<Ticket>;
  /**
   * A gateway shows the token of a deposit (`Deposit.rhid`) that a client of this MAC brought along:
   * confirms the session, once, and only for the MAC it was granted to.
   */
  claim?(
    store: StoreRef,
    gatewayId: string,
    shown: { token: string; mac: string; ip?: string },
  ): Promise<Verdict>;
  /** Keeps a report and says whether the client may stay. */
  report?(store: StoreRef, gatewayId: string, report: SessionReport): Promise<Verdict>;
  /** The gateway is alive. */
  heard?(store: StoreRef, gatewayId: string): Promise<void>;
  /**
   * Something the merchant should know when a connection does not work; bounded and counted, shown by
   * the connection check. `detail` holds no personal data: addresses of equipment, names of parameters.
   */
  noticed?(
    store: StoreRef,
    gatewayId: string | null,
    notice: { code: NoticeCode; detail?: Record<string, string> },
  ): Promise<void>;
}

export type NoticeCode =
  | 'redirect-ok'
  | 'redirect-forged'
  | 'redirect-unknown-gateway'
  | 'redirect-malformed'
  | 'door-opened'
  | 'door-failed'
  | 'door-slow'
  | 'radius-ok'
  | 'radius-wrong-secret'
  /** Several gateways of one address could have sent it, and it is not signed. */
  | 'radius-shared-address'
  /** Its NAS-Identifier is not one that is registered. */
  | 'radius-unknown-nas'
  | 'radius-no-message-authenticator'
  | 'radius-rejected'
  | 'accounting-ok'
  | 'controller-refused'
  | 'controller-unreachable'
  | 'kick-failed'
  /** One hardware address was in use at two distant stores at once. */
  | 'mac-at-two-stores';

/** A gateway whose RADIUS packets are expected, with the store it stands in. */
export interface Peer {
  store: StoreRef;
  gateway: RegisteredGateway;
}

export interface AccessRequest {
  userName: string;
  /** aa:bb:cc:dd:ee:ff of Calling-Station-Id, when it reads so. */
  mac: string | null;
  /**
   * The user name is the MAC, or the service is Call-Check; the gateway may ask so, and showed the password
   * that it is set up to ask with. Who answers for the house does not look at that password again.
   */
  byMac: boolean;
  nasSession?: string;
  ip?: string;
  ssid?: string;
  ap?: string;
  /** Whether this is the password that PAP or CHAP proves knowledge of, in constant time. */
  proves(password: string): boolean;
}

export type AccessDecision =
  | { accept: true; grant: Grant }
  /** `message` is short and fit for a guest. */
  | { accept: false; reason: string; message?: string };

export interface Network {
  /**
   * Gateways whose packets may come from this address (IPv4 or IPv6, unmapped), of any merchant. May be
   * answered from memory when storage is away. `anew`: none of those told before fits, so what is
   * remembered is looked up again, unless that was done moments ago.
   */
  peersAt(address: string, anew?: boolean): Promise<Peer[]>;
  /** RadSec: by SHA-256 of the client certificate, lower-case hex. */
  peerByCertificate(fingerprint: string): Promise<Peer | null>;
  /** Every gateway that has a Portal 2.0 AC at this address. */
  peersByAc(address: string, anew?: boolean): Promise<Peer[]>;
  /** Rejects only when storage is away and memory does not know the grant. */
  authorise(peer: Peer, request: AccessRequest): Promise<AccessDecision>;
  /** Attribute 80 arrived for the first time from a gateway that learns. */
  learnt(peer: Peer): Promise<void>;
  /** Accounting-On or -Off: the gateway restarted, nobody of its network sessions is inside. */
  restarted(peer: Peer, at: number): Promise<void>;
}

/** Whom to put out, with every name the gateway may know them by. */
export interface KickTarget {
  store: StoreRef;
  gateway: RegisteredGateway;
  sessionId: string;
  mac: string;
  ip: string | null;
  /** User name of its ticket, when it had one. */
  userName: string | null;
  /** Token of its deposit. */
  token: string | null;
  /** Its live network sessions. */
  nasSessions: string[];
  reason: 'expired' | 'quota' | 'closed' | 'blocked' | 'erased' | 'staff' | 'replaced';
}

/**
 * `done`: the gateway says so (or knows nobody by that name). `later`: it will be refused when the
 * gateway next asks. `unable`: this gateway has no means; only its own time limit ends the session.
 */
export type KickOutcome = 'done' | 'later' | 'unable' | 'failed';

/** A client as a controller lists it. */
export interface LiveClient {
  mac: string;
  nasSession?: string;
  ip?: string;
  ap?: string;
  bytesIn?: number;
  bytesOut?: number;
  seconds?: number;
}

/** What the house may ask of equipment; made by the portal, handed to the reconciler in app.ts. */
export interface Equipment {
  kick(target: KickTarget): Promise<KickOutcome>;
  /**
   * Everybody a controller holds authorised, or null where there is none to ask. Rejects when it does not
   * tell, and has noticed why.
   */
  poll(store: StoreRef, gateway: RegisteredGateway): Promise<LiveClient[] | null>;
}
