/** SQL of the datum check: positions of guests' devices at the very time their sign-in is confirmed. */
import type { Queryable, Row } from '../db/database.ts';

export interface SignInPing extends Row {
  device_id: string;
  lon: number;
  lat: number;
}

/**
 * Good fixes (30 m or better, as a 68 % radius) within two minutes of a confirmed session at the
 * store, of devices linked to its guest; the newest sign-ins, at most three fixes of each and twenty
 * of a device, so that nobody who is there every day speaks for all. Nobody who refused statistics, and no session that
 * a hardware address alone opened. The house's own evidence pings stand on the fence by their making
 * and say nothing.
 */
export async function signInPings(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  since: Date,
  limit: number,
): Promise<SignInPing[]> {
  const { rows } = await tx.query<SignInPing>(
    `with sign_ins as (
       select d.id as device_id, s.confirmed_at as at
       from sessions s join devices d on d.guest_id = s.guest_id and d.merchant_id = s.merchant_id
       where s.merchant_id = $1 and s.store_id = $2 and s.confirmed_at >= $3
         and s.method <> 'mac' and s.twin_at is null
         and coalesce((select c.granted from consents c where c.merchant_id = $1
           and c.guest_id = s.guest_id and c.purpose = 'analytics' order by c.seq desc limit 1), true)
       order by s.confirmed_at desc, d.id limit $4),
     fixes as (
       select p.device_id, p.at, p.ping_key, p.lon, p.lat, i.at as signed_at,
         row_number() over (partition by p.device_id order by i.at desc, p.judged_at, p.ping_key) as nth
       from sign_ins i cross join lateral (
         select p.device_id, p.at, p.ping_key, p.judged_at, p.lon, p.lat from pings p
         where p.merchant_id = $1 and p.device_id = i.device_id
           and p.judged_at between i.at - interval '2 minutes' and i.at + interval '2 minutes'
           and p.source not in ('portal', 'session') and not p.mock and p.accepted
           and p.accuracy_m > 0 and p.accuracy_m
             * case p.accuracy_kind when 'p95' then 0.617 when 'rms' then 1.067 else 1 end <= 30
         order by abs(extract(epoch from p.judged_at - i.at)), p.ping_key limit 3) p)
     select distinct on (device_id, at, ping_key) device_id, lon, lat from fixes where nth <= 20
     order by device_id, at, ping_key`,
    [merchantId, storeId, since, limit],
  );
  return rows;
}
