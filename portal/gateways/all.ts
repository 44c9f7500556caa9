/** Every gateway by its name; a new vendor is one file beside this one and one line here. */
import type { GatewayKind, RegisteredGateway, StoreView } from '../ports-store.ts';
import type { PortalPorts } from '../ports.ts';
import type { Refuses } from '../reach.ts';
import { neverEquipment } from '../reach.ts';
import type { Gateway, MachineCall, Reading, Visit } from './gateway.ts';
import { LINE_DEFAULTS } from './controller-http.ts';
import { createCoova } from './coova.ts';
import { meraki } from './meraki.ts';
import { createMikrotik } from './mikrotik.ts';
import { createOpenNds } from './opennds.ts';
import { createPortal2 } from './portal2.ts';
import { pretend } from './pretend.ts';
import { radiusOnly } from './radius.ts';
import { UNIFI_DEFAULTS } from './unifi-controllers.ts';
import { createUnifi } from './unifi.ts';
import { createWifidogs } from './wifidog.ts';

export interface Gateways {
  of(kind: GatewayKind): Gateway;
  all(): Gateway[];
  read(query: URLSearchParams, store: StoreView, visit: Visit): Reading;
  hear(call: MachineCall): Promise<{ status: number; text: string } | null>;
  /** A way back to the sign-in of a store's gateway for a guest who lost it. */
  knock(store: StoreView): string | null;
}

/** A gateway whose code is not there is a fault of ours, not of the guest's. */
export function createGateways(ports: PortalPorts, refuses: Refuses = neverEquipment): Gateways {
  const kinds: Partial<Record<GatewayKind, Gateway>> = {
    pretend,
    opennds: createOpenNds(),
    ...createWifidogs(ports),
    portal2: createPortal2(ports, { refuses }),
    coova: createCoova(() => ports.clock()),
    mikrotik: createMikrotik(() => ports.clock()),
    unifi: createUnifi(ports, { ...UNIFI_DEFAULTS, line: { ...LINE_DEFAULTS, refuses } }),
    meraki,
    radius: radiusOnly,
  };
  const all = Object.values(kinds);
  const of = (kind: GatewayKind): Gateway => {
    const found = kinds[kind];
    if (found === undefined) throw new Error(`no gateway of kind ${kind}`);
    return found;
  };
  const knockOf = (gateway: RegisteredGateway) => of(gateway.kind).capabilities(gateway).knock;
  return {
    of,
    all: () => all,
    read(query, store, visit) {
      for (const gateway of all) {
        const reading = gateway.read(query, store, visit);
        if (reading.kind !== 'absent') return reading;
      }
      return { kind: 'absent' };
    },
    async hear(call) {
      for (const gateway of all) {
        const answer = (await gateway.hear?.(call)) ?? null;
        if (answer !== null) return answer;
      }
      return null;
    },
    knock: (store) => store.gateways.map(knockOf).find((address) => address !== null) ?? null,
  };
}
