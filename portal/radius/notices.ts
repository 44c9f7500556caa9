/** Tells the house what its merchants should know of a gateway's RADIUS: seldom, and never in the way of an answer. */
import type { LiveDoors, NoticeCode, Peer } from '../ports-network.ts';
import type { Clock, Log } from '../ports.ts';
import { createOnceIn } from './pace.ts';

const NOTICE_MS = 60_000;

export interface Notices {
  heard(peer: Peer): void;
  noticed(peer: Peer, code: NoticeCode, detail?: Record<string, string>): void;
}

export function createNotices(doors: LiveDoors, clock: Clock, log: Log): Notices {
  const due = createOnceIn(NOTICE_MS);
  const failed = (error: unknown): void => {
    // Storage that is away has been said louder elsewhere.
    if (due('failed', clock())) log.warn({ err: error }, 'a notice about RADIUS was not kept');
  };
  const soon = (work: () => Promise<void> | undefined): void => {
    Promise.resolve().then(work).catch(failed);
  };
  return {
    heard({ store, gateway }) {
      if (due(`${gateway.id} heard`, clock())) soon(() => doors.heard?.(store, gateway.id));
    },
    noticed({ store, gateway }, code, detail) {
      if (!due(`${gateway.id} ${code}`, clock())) return;
      soon(() =>
        doors.noticed?.(store, gateway.id, detail === undefined ? { code } : { code, detail }),
      );
    },
  };
}
