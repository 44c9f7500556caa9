/** Credentials of one admission, for equipment that asks by name and password. */
import { randomBytes } from 'node:crypto';
import type { Database } from '../db/database.ts';
import { problem } from '../errors.ts';
import { deriveKey, keyedHash } from '../ids.ts';
import type { GrantMemory } from './memory.ts';
import { takeTicket } from './ticket-queries.ts';

/** The shape of portal/ports-network.ts Ticket. */
export interface Ticket {
  username: string;
  password: string;
  until: number;
}

export interface TicketDeps {
  db: Database;
  clock: () => number;
  /** The installation's secret. */
  secret: Buffer;
  memory: GrantMemory;
}

const TICKET_MS = 3 * 60_000;
/** After its first use a ticket is only answered again to repeated requests. */
const REPEAT_MS = 30_000;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648 base 32, lower case, without padding; five octets are eight characters. */
function base32(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at + 5 <= bytes.length; at += 5) {
    let bits = BigInt(bytes.readUIntBE(at, 5));
    let part = '';
    for (let i = 0; i < 8; i++) {
      part = ALPHABET[Number(bits & 31n)]! + part;
      bits >>= 5n;
    }
    text += part;
  }
  return text;
}

export const USER_NAME = /^g\.[a-z2-7]{24}$/;

/** The key that passwords are derived with. */
export function ticketKey(secret: Buffer): Buffer {
  return deriveKey(secret, 'tickets');
}

/** The password of a user name: 80 bits, never stored. */
export function passwordOf(key: Buffer, username: string): string {
  return base32(keyedHash(key, 'ticket', username).subarray(0, 10));
}

/** Whether a ticket is still answered: not too old, and used just now or not at all. */
export function answerable(ticket: { until: number; usedAt: number | null }, now: number): boolean {
  return ticket.usedAt === null ? now < ticket.until : now < ticket.usedAt + REPEAT_MS;
}

export function createTickets({ db, clock, secret, memory }: TicketDeps) {
  const key = ticketKey(secret);
  return {
    /** Credentials for this admission at its gateway; asked again they are the same while they live. */
    async ticket(
      store: { id: string; merchantId: string },
      gatewayId: string,
      sessionId: string,
    ): Promise<Ticket> {
      const now = clock();
      const fresh = `g.${base32(randomBytes(15))}`;
      const row = await db.tx(
        (tx) =>
          takeTicket(tx, store, gatewayId, sessionId, {
            userName: fresh,
            until: now + TICKET_MS,
            usedAfter: now - REPEAT_MS,
            now,
          }),
        { tenant: store.merchantId },
      );
      if (!row) throw problem('not-found', { detail: 'There is no such admission any more.' });
      const until = row.ticket_until.getTime();
      memory.keep({
        sessionId: row.id,
        guestId: row.guest_id,
        merchantId: store.merchantId,
        storeId: store.id,
        gatewayId,
        mac: row.mac,
        userName: row.user_name,
        ticketUntil: until,
        ticketUsedAt: row.ticket_used_at?.getTime() ?? null,
        confirmed: row.state === 'active' && row.confirmed_at !== null,
        expiresAt: row.expires_at.getTime(),
        minutes: row.minutes,
        upKbps: row.up_kbps,
        downKbps: row.down_kbps,
        upQuotaKB: row.up_quota_kb,
        downQuotaKB: row.down_quota_kb,
      });
      return { username: row.user_name, password: passwordOf(key, row.user_name), until };
    },
  };
}
