/** The names openNDS gateways call under: hashes over a suffix that only their redirects tell. */
import { createHash } from 'node:crypto';
import type { RegisteredGateway } from '../ports-store.ts';

/** Two hashes a name. */
const MAX_LEARNT = 4;
const MAX_SUSPECTED = 16;
const HEX64 = /^[0-9a-f]{64}$/;

/** The two hashes a gateway may introduce itself by: 9.10 hashes its name with the `%20` it ends in. */
export function gatewayHashes(encodedName: string): string[] {
  const bare = encodedName.replace(/(?:%20)+$/i, '');
  return [`${bare}%20`, bare].map((name) => createHash('sha256').update(name).digest('hex'));
}

export interface Names {
  /** From a redirect that only the holder of the key can have written: the hashes, when they are new. */
  learn(gateway: RegisteredGateway, encodedName: string): string[] | null;
  /** From a redirect that a guest may have written: believed once the gateway calls under it. */
  suspect(gateway: RegisteredGateway, encodedName: string): void;
  /** Whose call this is; `heardFirst` are hashes to keep that so far were only suspected. */
  find(
    gateways: RegisteredGateway[],
    hash: string,
  ): { gateway: RegisteredGateway; heardFirst: string[] | null } | null;
}

type ByGateway = Map<string, string[]>;

/** Newest first, bounded: forged names push out other forged names, never one that was heard. */
function remember(known: ByGateway, id: string, hashes: string[], most: number): void {
  const before = known.get(id) ?? [];
  known.set(id, [...new Set([...hashes, ...before])].slice(0, most));
}

export function createNames(): Names {
  const learnt: ByGateway = new Map();
  const suspected: ByGateway = new Map();
  const ofGateway = (gateway: RegisteredGateway) => [
    ...gatewayHashes(encodeURIComponent(gateway.name.trim())),
    ...(gateway.hashes ?? []),
    ...(learnt.get(gateway.id) ?? []),
  ];
  const learn: Names['learn'] = (gateway, encodedName) => {
    const hashes = gatewayHashes(encodedName);
    const before = learnt.get(gateway.id) ?? gateway.hashes ?? [];
    if (hashes.every((hash) => before.includes(hash))) return null;
    if (!learnt.has(gateway.id)) remember(learnt, gateway.id, before, MAX_LEARNT);
    remember(learnt, gateway.id, hashes, MAX_LEARNT);
    return hashes;
  };
  return {
    learn,
    suspect(gateway, encodedName) {
      remember(suspected, gateway.id, gatewayHashes(encodedName), MAX_SUSPECTED);
    },
    find(gateways, hash) {
      if (!HEX64.test(hash)) return null;
      const gateway = gateways.find((one) => ofGateway(one).includes(hash));
      if (gateway !== undefined) return { gateway, heardFirst: null };
      const likely = gateways.find(
        ({ id, level }) => level === 4 && (suspected.get(id) ?? []).includes(hash),
      );
      if (likely === undefined) return null;
      remember(learnt, likely.id, [hash], MAX_LEARNT);
      return { gateway: likely, heardFirst: [hash] };
    },
  };
}
