/** PURE. Packets out of a stream: each begins with its own length (RFC 6614 section 2.1). */

export interface Frames {
  /** Packets that are whole now. After `broken` nothing more comes. */
  push(chunk: Buffer): Buffer[];
  /** A length that no packet has was read: the stream cannot be followed any further. */
  broken(): boolean;
}

export function createFrames(): Frames {
  let rest: Buffer = Buffer.alloc(0);
  let broken = false;
  return {
    push(chunk) {
      if (broken) return [];
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const whole: Buffer[] = [];
      while (rest.length >= 4) {
        const length = rest.readUInt16BE(2);
        if (length < 20 || length > 4096) {
          broken = true;
          rest = Buffer.alloc(0);
          return whole;
        }
        if (rest.length < length) break;
        whole.push(rest.subarray(0, length));
        rest = rest.subarray(length);
      }
      return whole;
    },
    broken: () => broken,
  };
}
