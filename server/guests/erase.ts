/** A guest's two requests: hand out everything held about me, and delete it. */
import type { Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { announceEnded } from '../sessions/announce.ts';
import { endSessionsOfGuest } from '../sessions/door-queries.ts';
import { noteRemoval } from '../stores/removal-queries.ts';
import { findGuest } from './queries.ts';
import type { GuestRow } from './queries.ts';
import type { Erased, Section } from './record-queries.ts';
import {
  MOST_ROWS,
  deleteGuest,
  lockDevicesOf,
  lockGuest,
  sectionOf,
  sections,
} from './record-queries.ts';
import { logBeforeErasure } from './session-log.ts';

export interface GuestRecord {
  guest: GuestRow;
  sections: Record<Section, Record<string, unknown>[]>;
  /** Sections longer than an export holds. */
  cutShort: Section[];
}

export async function exportGuest(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<GuestRecord> {
  const guest = await findGuest(tx, merchantId, guestId);
  if (!guest) throw problem('not-found');
  const record = {} as GuestRecord['sections'];
  for (const section of sections) {
    record[section] = await sectionOf(tx, merchantId, guestId, section);
  }
  const cutShort = sections.filter((section) => record[section].length === MOST_ROWS);
  return { guest, sections: record, cutShort };
}

/** Removes a guest who asked for it, and leaves a line that somebody was. */
export async function eraseGuest(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  now: number,
): Promise<Erased> {
  const erased = await removeGuest(tx, merchantId, guestId, now);
  await noteRemoval(tx, merchantId, { kind: 'erasure', before: now, removed: 1 }, now);
  return erased;
}

/**
 * Ends the guest's sessions (the gateways are asked to put them out), tells the house, and deletes the
 * guest with all that hangs on them; where a law demands a log of sessions, only that stays.
 */
export async function removeGuest(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  now: number,
): Promise<Erased> {
  const guest = await lockGuest(tx, merchantId, guestId);
  if (!guest) throw problem('not-found');
  const ended = await endSessionsOfGuest(tx, merchantId, guestId, 'erased', now);
  await announceEnded(tx, ended, now);
  await logBeforeErasure(tx, merchantId, guestId);
  await lockDevicesOf(tx, merchantId, guestId);
  return deleteGuest(tx, guest, merchantId);
}
