/** Whose devices a WiFi session vouches for. */
import type { Queryable } from '../db/database.ts';

export interface Companions {
  /** Ids of the guest's devices that may still ping. */
  devices: string[];
  /** The gateway of the session; null when it is not known any more. */
  gatewayId: string | null;
}

export async function companions(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  sessionId: string,
): Promise<Companions> {
  const { rows } = await tx.query<{ id: string; gateway_id: string | null }>(
    `select d.id, s.gateway_id
     from devices d
     left join sessions s on s.id = $3 and s.merchant_id = $1 and s.guest_id = $2
     where d.merchant_id = $1 and d.guest_id = $2 and d.revoked_at is null
       -- A hardware address alone, or one that two used at once, says nothing about a person.
       and not coalesce(s.method = 'mac' or s.twin_at is not null, false)
     order by d.id limit 20`,
    [merchantId, guestId, sessionId],
  );
  return { devices: rows.map((row) => row.id), gatewayId: rows[0]?.gateway_id ?? null };
}

/** Which of these guests, of whatever merchants, have a device that may still ping. */
export async function guestsWithDevices(
  db: Queryable,
  guestIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ guest_id: string }>(
    `select distinct guest_id from devices
     where guest_id = any ($1::uuid[]) and revoked_at is null`,
    [guestIds],
  );
  return new Set(rows.map((row) => row.guest_id));
}
