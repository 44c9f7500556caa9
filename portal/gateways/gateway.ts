/** The one shape every gateway fits: read what it claims about a guest, then have it open the door. */
import type { DoorStyle } from '../journey.ts';
import type { Doors, GatewayContext, Grant, Log, RegisteredGateway, StoreView } from '../ports.ts';

/** What this gateway, as registered, can and cannot do; shown to the merchant, and steers the journey. */
export interface Capabilities {
  door: DoorStyle;
  /** Whether the redirect can be forged by a guest. */
  redirect: 'signed' | 'encrypted' | 'forgeable';
  /** Time and volume limits travel with the admission. */
  limits: boolean;
  /** The gateway reports when a guest left, and how much was used. */
  accounting: boolean;
  /** A session can be ended from here before its time. */
  kick: boolean;
  /** A plain-http address that the gateway itself catches: a way back to its sign-in. */
  knock: string | null;
}

/** `absent`: the request does not speak of this kind of gateway at all. */
export type Reading =
  | { kind: 'absent' }
  | { kind: 'refused'; reason: 'unknown-gateway' | 'forged' | 'malformed' }
  | {
      kind: 'known';
      gateway: RegisteredGateway;
      context: GatewayContext;
      /** Names under which its own calls will come, heard for the first time. */
      learnt?: string[];
    }
  | { kind: 'already-inside'; returnTo: string | null };

export type Opening =
  | { kind: 'open' }
  | { kind: 'waiting' }
  /** A page of ours must lead the browser there by a fresh navigation, never by the form's redirect chain. */
  | { kind: 'through'; url: string };

export interface OpenRequest {
  store: StoreView;
  gateway: RegisteredGateway;
  context: GatewayContext;
  grant: Pick<Grant, 'sessionId' | 'minutes' | 'upKbps' | 'downKbps' | 'upQuotaKB' | 'downQuotaKB'>;
  /** Our page to which the gateway returns the browser. */
  landingUrl: string;
  doors: Doors;
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

export interface Gateway {
  capabilities(gateway: RegisteredGateway): Capabilities;
  read(query: URLSearchParams, store: StoreView): Reading;
  open(request: OpenRequest): Promise<Opening>;
  /** Plain-text answer to a machine's call, or null when this is none. */
  hear?(call: MachineCall): Promise<{ status: number; text: string } | null>;
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
