/** One gateway before one store with its ports in memory: what tests of a single kind of door begin with. */
import type { Gateway, OpenRequest, Reading, Visit } from '../../portal/gateways/gateway.ts';
import type { RegisteredGateway } from '../../portal/ports-store.ts';
import type { GatewayContext, Grant, PortalPorts } from '../../portal/ports.ts';
import { fakeStore, makeFakes } from './fakes.ts';

const LIMITS = { minutes: 60, upKbps: 0, downKbps: 0, upQuotaKB: 0, downQuotaKB: 0 };
const GRANT: Grant = { sessionId: 's-1', guestId: 'g-1', expiresAt: 0, ...LIMITS };

export const LANDING = 'https://portal.example/p/harbour/landed?j=abc';

/** A gateway of this kind with what it was registered with, and how it is asked. */
export function doorBench(
  make: (ports: PortalPorts) => Gateway,
  gateway: RegisteredGateway,
  more: RegisteredGateway[] = [],
) {
  const store = fakeStore({ gateways: [gateway, ...more] });
  const fakes = makeFakes({ stores: [store] });
  const kind = make(fakes.ports);

  function readUrl(url: string): Reading {
    const visit: Visit = { url, method: 'GET', networkIp: '192.0.2.1' };
    return kind.read(new URL(url).searchParams, store, visit);
  }
  const read = (query: string) => readUrl(`https://portal.example/p/harbour?${query}`);

  const contextOf = (url: string): GatewayContext => {
    const reading = readUrl(url);
    if (reading.kind !== 'known') throw new Error(`not read: ${JSON.stringify(reading)}`);
    return reading.context;
  };

  const request = (context: GatewayContext, grant: Partial<Grant> = {}): OpenRequest => ({
    store,
    gateway,
    context,
    grant: { ...GRANT, ...grant },
    landingUrl: LANDING,
    doors: fakes.ports.doors,
    log: fakes.ports.log,
    now: fakes.ports.clock(),
  });

  return {
    fakes,
    store,
    kind,
    gateway,
    read,
    readUrl,
    contextOf,
    request,
    open: (context: GatewayContext, grant: Partial<Grant> = {}) =>
      kind.open(request(context, grant)),
    notices: () => fakes.of('doors.noticed') as { code: string; detail: Record<string, string> }[],
  };
}
