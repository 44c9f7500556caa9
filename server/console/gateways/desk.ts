/** What the console asks about gateways; the portal answers, met in app.ts. */
import type { PortalGateway, PortalStore } from '../../stores/view.ts';
import type { Language } from '../texts.ts';

/** The shape of portal/help.ts GuidePart. */
export type GuidePart =
  | { kind: 'step' | 'warning'; text: string }
  | { kind: 'file'; text: string; name: string; content: string }
  | { kind: 'values'; text: string; rows: { label: string; value: string; secret: boolean }[] };

/** The shape of portal/help.ts Guide. */
export interface Guide {
  parts: GuidePart[];
  garden: string[];
  capport: { url: string; fits: boolean; dhcp4: number; dhcp6: number; ra: number };
}

/** The shape of portal/gateways/gateway.ts Capabilities. */
export interface Abilities {
  door: 'now' | 'browser' | 'poll';
  redirect: 'signed' | 'encrypted' | 'forgeable';
  limits: boolean;
  speed: boolean;
  accounting: boolean;
  kick: 'now' | 'next-report' | 'never';
  status: boolean;
  extend: boolean;
}

/** The shape of portal/radius/strangers.ts Stranger. */
export interface Stranger {
  address: string;
  packets: number;
  lastAt: number;
}

/** Which doors for equipment this server holds open beside its web pages. */
export interface OpenDoors {
  radius: boolean;
  radsec: boolean;
  portal2: boolean;
}

export interface GatewayDesk {
  guide(gateway: PortalGateway, store: PortalStore, language: Language): Guide;
  capabilities(gateway: PortalGateway): Abilities;
  /** Everybody its controller holds; rejects when it does not tell, null where there is none to ask. */
  poll(
    store: Pick<PortalStore, 'id' | 'merchantId'>,
    gateway: PortalGateway,
  ): Promise<readonly unknown[] | null>;
  doors: OpenDoors;
  /** Who sent RADIUS packets from addresses that no gateway names, heard last first. */
  strangers(): readonly Stranger[];
}
