/** The one shape every gateway fits: read what it claims about a guest, then have it open the door. */
import type { Server } from 'node:http';
import type { Request, Response, Router } from 'express';
import type { DoorStyle } from '../journey.ts';
import type { KickOutcome, KickTarget, LiveClient, StoreRef } from '../ports-network.ts';
import type { RegisteredGateway, StoreView } from '../ports-store.ts';
import type { Deposit, Doors, GatewayContext, Grant, Log, PortalPorts } from '../ports.ts';

/** What this gateway, as registered, can and cannot do; shown to the merchant, and steers the journey. */
export interface Capabilities {
  door: DoorStyle;
  /** Whether the redirect can be forged by a guest. */
  redirect: 'signed' | 'encrypted' | 'forgeable';
  /** Time and volume limits travel with the admission. */
  limits: boolean;
  /** Speed limits travel with the admission. */
  speed: boolean;
  /** The gateway reports when a guest left, and how much was used. */
  accounting: boolean;
  /** Whether a session can be ended from here: at once, when the gateway next asks, or not at all. */
  kick: 'now' | 'next-report' | 'never';
  /** The gateway says, or can be asked, whether a client is inside. */
  status: boolean;
  /** A guest who is inside can be given more time without being sent out first. */
  extend: boolean;
  /** A plain-http address that the gateway itself catches: a way back to its sign-in. */
  knock: string | null;
}

/** `absent`: the request does not speak of this kind of gateway at all. */
export type Reading =
  | { kind: 'absent' }
  | {
      kind: 'refused';
      reason: 'unknown-gateway' | 'forged' | 'malformed';
      /** What the merchant should know about it (`Notice.detail`): names of parameters, no personal data. */
      detail?: Record<string, string>;
    }
  | {
      kind: 'known';
      gateway: RegisteredGateway;
      context: GatewayContext;
      /** Names under which its own calls will come, heard for the first time. */
      learnt?: string[];
    }
  | { kind: 'already-inside'; returnTo: string | null };

/** What only the request itself tells: facts, unlike what the query says. */
export interface Visit {
  /** As the guest's browser asked for it, from the scheme on and byte for byte (checksums cover it). */
  url: string;
  method: 'GET' | 'POST';
  networkIp: string;
}

export type Opening =
  | { kind: 'open' }
  | { kind: 'waiting' }
  /** It refused or could not be reached; the guest may try again. `noted`: a notice already says why. */
  | { kind: 'shut'; reason: 'refused' | 'unreachable' | 'stale'; noted?: true }
  /** A page of ours must lead the browser there by a fresh navigation, never by the form's redirect chain. */
  | { kind: 'through'; url: string }
  /** The same by a form of its own page that the browser posts to the gateway. */
  | { kind: 'post'; url: string; fields: Record<string, string> };

export interface OpenRequest {
  store: StoreView;
  gateway: RegisteredGateway;
  context: GatewayContext;
  grant: Pick<Grant, 'sessionId' | 'minutes' | 'upKbps' | 'downKbps' | 'upQuotaKB' | 'downQuotaKB'>;
  /** A few minutes to fetch a code or to sign in elsewhere, not the admission itself. */
  grace?: boolean;
  /** Our page to which the gateway returns the browser. */
  landingUrl: string;
  doors: Doors;
  log: Log;
  /** Milliseconds since 1970. */
  now: number;
}

/** A call by the gateway itself, not by a guest's browser. */
export interface MachineCall {
  store: StoreView;
  fields: URLSearchParams;
  doors: Doors;
  log: Log;
  /** Milliseconds since 1970. */
  now: number;
}

/** Where a vendor's own addresses lead their guests. */
export interface Lobby {
  ports: PortalPorts;
  /** Scheme, host and port under which guests and gateways reach this portal. */
  publicUrl: string;
  /** Shows the first page to a guest whom a vendor's own address brought here. */
  receive(request: Request, response: Response, store: StoreView, reading: Reading): Promise<void>;
}

export interface PassRequest {
  store: StoreView;
  gateway: RegisteredGateway;
  context: GatewayContext;
  /** At most 900. */
  seconds: number;
  log: Log;
}

export interface Gateway {
  capabilities(gateway: RegisteredGateway): Capabilities;
  read(query: URLSearchParams, store: StoreView, visit: Visit): Reading;
  open(request: OpenRequest): Promise<Opening>;
  /** Ends a session by the strongest means this gateway has. */
  kick?(target: KickTarget): Promise<KickOutcome>;
  /** Everybody it holds authorised, from its controller. */
  poll?(store: StoreRef, gateway: RegisteredGateway): Promise<LiveClient[]>;
  /**
   * Lets a client through for some seconds without a session, to fetch a code; true when the gateway was
   * told. Only gateways with a line of their own can, and only while it is up: else grant a grace session.
   */
  pass?(request: PassRequest): Promise<boolean>;
  /** Addresses of its own outside `/p/:store`. */
  mount?(router: Router, lobby: Lobby): void;
  /** Connections of its own beside HTTP requests (WebSocket upgrades). Gives what closes them. */
  attach?(server: Server, lobby: Lobby): () => Promise<void>;
  /** Opens a UDP door for what its equipment says unasked. */
  listen?(host: string, port: number): Promise<{ port: number; close(): Promise<void> }>;
  /** Plain-text answer to a machine's call, or null when this is none. */
  hear?(call: MachineCall): Promise<{ status: number; text: string } | null>;
}

/** The door opened as it was asked: in one word to the house, where it knows that word. */
export async function openedAtOnce(
  doors: Doors,
  store: StoreView,
  gatewayId: string,
  deposit: Deposit,
): Promise<void> {
  if (doors.opened !== undefined) return doors.opened(store, gatewayId, deposit);
  await doors.deposit(store, gatewayId, deposit);
  await doors.confirmed(store, gatewayId, [deposit.rhid]);
}

const LONGEST_NAME = 60;

/** A redirect of a gateway that nobody registered, with what it calls itself. */
export function stranger(called: string | null | undefined): Reading {
  const name = (called ?? '').replaceAll(/\p{Cc}|\p{Cs}/gu, '').slice(0, LONGEST_NAME);
  const detail = name === '' ? {} : { detail: { called: name } };
  return { kind: 'refused', reason: 'unknown-gateway', ...detail };
}

const MAC = /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i;

/** aa:bb:cc:dd:ee:ff, or null. */
export function normaliseMac(text: string): string | null {
  return MAC.test(text) ? text.toLowerCase().replaceAll('-', ':') : null;
}

/** An http(s) address worth remembering; anything else is dropped rather than refused. */
export function tidyOrigin(text: string): string | null {
  if (text.length === 0 || text.length > 300 || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
}
