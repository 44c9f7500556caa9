/** What one network may ask of the pages "My data" in ten minutes; networks remembered are capped in number. */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { networkOf } from '../http/network.ts';

/** A shop's guests share one network, so this is wide; a guesser has few networks. */
const PER_NETWORK = { sends: 10, tries: 40, links: 60 } as const;
const WINDOW_S = 600;
const MOST_NETWORKS = 20_000;

/** Takes one; false when the network has to wait. */
export type Gate = (kind: keyof typeof PER_NETWORK, ip: string) => Promise<boolean>;

export function createGate(): Gate {
  const tables = {
    sends: createTable(PER_NETWORK.sends),
    tries: createTable(PER_NETWORK.tries),
    links: createTable(PER_NETWORK.links),
  };
  return (kind, ip) => tables[kind](networkOf(ip));
}

function createTable(points: number) {
  const limiter = new RateLimiterMemory({ points, duration: WINDOW_S });
  const remembered = new Set<string>();
  return async (network: string): Promise<boolean> => {
    remembered.delete(network);
    remembered.add(network);
    const oldest = remembered.values().next().value;
    if (oldest !== undefined && remembered.size > MOST_NETWORKS) {
      remembered.delete(oldest);
      await limiter.delete(oldest);
    }
    return limiter.consume(network).then(
      () => true,
      () => false,
    );
  };
}
