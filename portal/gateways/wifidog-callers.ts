/** Which registered gateway a call at `/wd/:store/:secret/` comes from, and how many calls it may make. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import type { RegisteredGateway, StoreView } from '../ports-store.ts';
import type { Clock, PortalPorts } from '../ports.ts';

export interface Caller {
  store: StoreView;
  gateway: RegisteredGateway;
}

export interface Callers {
  /** Null for a slug that leads nowhere; from memory when storage is away. */
  store(slug: string): Promise<StoreView | null>;
  /** Every gateway this secret belongs to that may call from this address; a wrong secret is counted. */
  find(slug: string, secret: string, address: string): Promise<Caller[]>;
  /** False when this gateway calls more than any real one would. */
  mayCall(gateway: RegisteredGateway): boolean;
}

const SLUG = /^[\w-]{1,64}$/;
const SECRET = /^[\w-]{8,64}$/;
const MINUTE = 60_000;
/** A reload of all 1,000 clients of a large gateway, with room. */
const CALLS_A_MINUTE = 6_000;
const WRONG_A_MINUTE = 60;
const LOOKUPS_A_MINUTE = 6;
const MOST_KEYS = 5_000;
const MOST_STORES = 1_000;

/** Same time for every secret, right or wrong, whatever its length. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** IPv4 seen through an IPv6 socket counts as IPv4. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Addresses and CIDR blocks; an empty list means anywhere. */
export function comesFrom(sources: readonly string[] | undefined, address: string): boolean {
  if (sources === undefined || sources.length === 0) return true;
  const plain = plainAddress(address);
  const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(plain) === 0) return false;
  const allowed = new BlockList();
  for (const source of sources) {
    const [net = '', bits] = source.split('/');
    const kind = isIP(net) === 6 ? 'ipv6' : 'ipv4';
    if (isIP(net) === 0) continue;
    if (bits === undefined) allowed.addAddress(net, kind);
    else if (/^\d{1,3}$/.test(bits) && Number(bits) <= (kind === 'ipv6' ? 128 : 32))
      allowed.addSubnet(net, Number(bits), kind);
  }
  return allowed.check(plain, family);
}

/** Counts per key and minute; the oldest key makes room. */
function createWindow(clock: Clock, most: number) {
  const counts = new Map<string, { until: number; count: number }>();
  const at = (key: string) => {
    const found = counts.get(key);
    return found !== undefined && found.until > clock() ? found : null;
  };
  return {
    full: (key: string) => (at(key)?.count ?? 0) >= most,
    count(key: string): void {
      const found = at(key);
      if (found !== null) found.count += 1;
      else {
        counts.delete(key);
        counts.set(key, { until: clock() + MINUTE, count: 1 });
      }
      const oldest = counts.keys().next().value;
      if (counts.size > MOST_KEYS && oldest !== undefined) counts.delete(oldest);
    },
  };
}

const speaks = ({ kind }: RegisteredGateway) => kind === 'wifidog' || kind === 'apfree';

export function createCallers(ports: Pick<PortalPorts, 'desk' | 'clock'>): Callers {
  const wrong = createWindow(ports.clock, WRONG_A_MINUTE);
  const calls = createWindow(ports.clock, CALLS_A_MINUTE);
  const lookups = createWindow(ports.clock, LOOKUPS_A_MINUTE);
  const seen = new Map<string, { store: StoreView; at: number }>();
  const remember = (store: StoreView) => {
    seen.delete(store.slug);
    seen.set(store.slug, { store, at: ports.clock() });
    const oldest = seen.keys().next().value;
    if (seen.size > MOST_STORES && oldest !== undefined) seen.delete(oldest);
  };
  const storeOf: Callers['store'] = async (slug) => {
    if (!SLUG.test(slug)) return null;
    try {
      const store = await ports.desk.store(slug);
      if (store === null) seen.delete(slug);
      else remember(store);
      return store;
    } catch (error) {
      const kept = seen.get(slug);
      if (kept === undefined) throw error;
      return kept.store;
    }
  };
  /**
   * For an address that guesses. Guests share theirs with the gateway behind one router, so the right
   * secret must go on working; what guessing must not do is to keep the house busy.
   */
  const sparingly: Callers['store'] = async (slug) => {
    const kept = seen.get(slug);
    if (kept !== undefined && ports.clock() - kept.at < MINUTE) return kept.store;
    if (lookups.full(slug)) return null;
    lookups.count(slug);
    return storeOf(slug);
  };
  return {
    store: storeOf,
    async find(slug, secret, address) {
      if (!SECRET.test(secret)) return [];
      const store = await (wrong.full(address) ? sparingly(slug) : storeOf(slug));
      const own = (store?.gateways ?? []).filter(
        (gateway) => speaks(gateway) && sameText(gateway.secret ?? '', secret),
      );
      if (own.length === 0) wrong.count(address);
      if (store === null) return [];
      return own
        .filter(({ sources }) => comesFrom(sources, address))
        .map((gateway) => ({ store, gateway }));
    },
    mayCall(gateway) {
      if (calls.full(gateway.id)) return false;
      calls.count(gateway.id);
      return true;
    },
  };
}
