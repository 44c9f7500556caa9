/** Which statements a connection keeps prepared: those that come again and again, and no more than it can hold. */

/** From here on preparing is worth its memory; what is asked seldom is planned each time. */
const OFTEN = 5;
const MOST_NAMED = 300;
const MOST_COUNTED = 2_000;

export interface Names {
  /**
   * The name this statement is kept under, or undefined when it is sent as it is. `bound` says whether it
   * runs as a merchant: row-level security makes that another plan.
   */
  of(text: string, bound: boolean): string | undefined;
}

/** One for a pool: the same statement has the same name on each of its connections. */
export function statementNames(): Names {
  const counts = new Map<string, number>();
  const names = { true: new Map<string, string>(), false: new Map<string, string>() };
  let named = 0;

  return {
    of(text, bound) {
      const kept = names[`${bound}`];
      const known = kept.get(text);
      if (known !== undefined || named >= MOST_NAMED) return known;
      const times = (counts.get(text) ?? 0) + 1;
      if (times < OFTEN) {
        // Texts put together by hand would fill it: whoever is asked often is soon counted again.
        if (counts.size >= MOST_COUNTED) counts.clear();
        counts.set(text, times);
        return undefined;
      }
      counts.delete(text);
      named += 1;
      const name = `foyer_${named}`;
      kept.set(text, name);
      return name;
    },
  };
}

/**
 * So long a plan stays in use. One made for a table of ten rows is a poor one for ten thousand, and on the
 * first busy day a table grows faster than the database counts it.
 */
const PLAN_MS = 15_000;

/** Says for a client that keeps statements, once in a while, that it should forget its plans. `now` in ms. */
export function plansToForget<C extends object>(
  keeps: (client: C) => boolean,
  now: () => number = () => performance.now(),
): (client: C) => boolean {
  const since = new WeakMap<C, number>();
  return (client) => {
    if (!keeps(client)) return false;
    const at = now();
    const from = since.get(client);
    if (from !== undefined && at - from < PLAN_MS) return false;
    since.set(client, at);
    return from !== undefined;
  };
}
