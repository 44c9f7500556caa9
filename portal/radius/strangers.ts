/** Who sends RADIUS packets from an address that no gateway names: met with silence, and remembered for who looks. */

export interface Stranger {
  address: string;
  packets: number;
  /** ms since 1970. */
  lastAt: number;
}

export interface Strangers {
  heard(address: string, now: number): void;
  /** Heard last first. */
  list(): Stranger[];
}

/** Those heard of longest ago are forgotten first, so that a flood of made-up addresses passes. */
export function createStrangers(most = 256): Strangers {
  const known = new Map<string, Stranger>();
  return {
    heard(address, now) {
      const packets = (known.get(address)?.packets ?? 0) + 1;
      known.delete(address);
      if (known.size >= most) known.delete(known.keys().next().value!);
      known.set(address, { address, packets, lastAt: now });
    },
    list: () => [...known.values()].toReversed(),
  };
}
