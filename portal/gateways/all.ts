/** Every gateway by its name; a new vendor is one file beside this one and one line here. */
import type { GatewayKind, RegisteredGateway, StoreView } from '../ports.ts';
import type { Gateway, MachineCall, Reading } from './gateway.ts';
import { createOpenNds } from './opennds.ts';
import { pretend } from './pretend.ts';

export interface Gateways {
  of(kind: GatewayKind): Gateway;
  read(query: URLSearchParams, store: StoreView): Reading;
  hear(call: MachineCall): Promise<{ status: number; text: string } | null>;
  /** A way back to the sign-in of a store's gateway for a guest who lost it. */
  knock(store: StoreView): string | null;
}

export function createGateways(): Gateways {
  const all: Record<GatewayKind, Gateway> = { pretend, opennds: createOpenNds() };
  const knockOf = (gateway: RegisteredGateway) => all[gateway.kind].capabilities(gateway).knock;
  return {
    of: (kind) => all[kind],
    read(query, store) {
      for (const gateway of Object.values(all)) {
        const reading = gateway.read(query, store);
        if (reading.kind !== 'absent') return reading;
      }
      return { kind: 'absent' };
    },
    async hear(call) {
      for (const gateway of Object.values(all)) {
        const answer = (await gateway.hear?.(call)) ?? null;
        if (answer !== null) return answer;
      }
      return null;
    },
    knock: (store) => store.gateways.map(knockOf).find((address) => address !== null) ?? null,
  };
}
