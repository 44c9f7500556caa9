/** Refuses a guest at the portal, or welcomes them again. */
import type { Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { announceEnded } from '../sessions/announce.ts';
import { endSessionsOfGuest } from '../sessions/door-queries.ts';
import type { GuestRow } from './queries.ts';
import { setBlocked } from './queries.ts';

/** Blocking also ends the guest's sessions in our books, with their events. */
export async function blockGuest(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  blocked: boolean,
  now: number,
): Promise<GuestRow> {
  const guest = await setBlocked(tx, merchantId, guestId, blocked ? new Date(now) : null);
  if (!guest) throw problem('not-found');
  if (blocked) {
    const ended = await endSessionsOfGuest(tx, merchantId, guestId, 'blocked', now);
    await announceEnded(tx, ended, now);
  }
  return guest;
}
