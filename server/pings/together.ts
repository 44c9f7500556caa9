/** Batches of one device that wait behind each other are worked on as one: late ones rewind it once. */

/** Work on pings of one key: one answer for each ping, in the order given. */
export type Work<P, A> = (pings: readonly P[]) => Promise<A[]>;

export interface Together<P, A> {
  /**
   * Waits for its turn with `turn`, then does its own pings and those that wait behind it. A failure
   * of several together leaves the others to their own turns.
   */
  run(
    key: string,
    pings: readonly P[],
    work: Work<P, A>,
    turn: (task: () => Promise<A[]>) => Promise<A[]>,
  ): Promise<A[]>;
}

interface Batch<P, A> {
  pings: readonly P[];
  /** Set once somebody works on it. */
  answer: Promise<A[]> | null;
}

/** Pings worked on in one go, at most; a single batch is never cut. */
const AT_ONCE = 4_000;

export function createTogether<P, A>(atOnce = AT_ONCE): Together<P, A> {
  const waiting = new Map<string, Batch<P, A>[]>();

  function mates(key: string, first: Batch<P, A>): Batch<P, A>[] {
    const found = [first];
    let size = first.pings.length;
    for (const batch of waiting.get(key) ?? []) {
      if (batch === first || batch.answer) continue;
      size += batch.pings.length;
      if (size > atOnce) break;
      found.push(batch);
    }
    return found;
  }

  async function settle(key: string, own: Batch<P, A>, work: Work<P, A>): Promise<A[]> {
    if (own.answer) return own.answer;
    const all = mates(key, own);
    if (all.length > 1) {
      const answers = work(all.flatMap(({ pings }) => [...pings]));
      let from = 0;
      for (const batch of all) {
        const [start, end] = [from, (from += batch.pings.length)];
        batch.answer = answers.then((each) => each.slice(start, end));
        // Whoever waits for it hears of a failure in their own turn.
        batch.answer.catch(() => undefined);
      }
      try {
        return await (own.answer as unknown as Promise<A[]>);
      } catch {
        for (const batch of all) batch.answer = null;
      }
    }
    own.answer = work(own.pings);
    return own.answer;
  }

  return {
    async run(key, pings, work, turn) {
      const batch: Batch<P, A> = { pings, answer: null };
      const line = waiting.get(key) ?? [];
      waiting.set(key, line);
      line.push(batch);
      try {
        return await turn(() => settle(key, batch, work));
      } finally {
        line.splice(line.indexOf(batch), 1);
        if (line.length === 0) waiting.delete(key);
      }
    },
  };
}
