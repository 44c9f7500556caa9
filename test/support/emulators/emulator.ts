/** What every emulated gateway offers: the equipment's side of its protocol, for tests and by hand. */
import type { RegisteredGateway } from '../../../portal/ports-store.ts';

export interface EmulatorOptions {
  /** `http://127.0.0.1:8080`: where the portal stands. */
  portal: string;
  /** The store's slug. */
  slug: string;
  /** As it is registered; its secrets are the ones the equipment holds. */
  gateway: RegisteredGateway;
  /** RADIUS of the portal, for equipment that asks it. */
  radius?: { host: string; authPort: number; acctPort: number };
  /** UDP port where gateways behind RADIUS take Disconnect requests; any free one unless told. */
  coaPort?: number;
  /** Port of the equipment's own door; 0 or absent takes any free one. */
  port?: number;
  /** What happened, one line each. */
  say?: (line: string) => void;
}

export interface EmulatedClient {
  /** aa:bb:cc:dd:ee:ff */
  mac: string;
  ip: string;
  /** What the guest wanted to see. */
  url?: string;
}

export interface Emulator {
  /** The equipment's own address. */
  url: string;
  /** UDP port that takes Disconnect requests; absent or 0 where there is none. */
  coaPort?: number;
  /** A client joins: the address its browser is sent to. */
  join(client: EmulatedClient): Promise<string>;
  /** Whether the client is through. */
  inside(mac: string): boolean;
  /** The client is gone; the equipment says so as it would. */
  leave(mac: string): Promise<void>;
  /** Bytes flow; the equipment reports them at its next turn. */
  traffic(mac: string, bytesIn: number, bytesOut: number): void;
  /** The equipment's periodic work, now (polls, counters, pings, interim updates). */
  tick(): Promise<void>;
  close(): Promise<void>;
}

export type StartEmulator = (options: EmulatorOptions) => Promise<Emulator>;
