/** Who is in a store right now: devices with an open visit that the engine believes at least a little. */
import type { Queryable, Row } from '../db/database.ts';

interface OccupancyRow extends Row {
  devices: number;
}

/** Devices inside any fence of the store. */
export async function devicesInside(
  tx: Queryable,
  merchantId: string,
  storeId: string,
): Promise<number> {
  const { rows } = await tx.query<OccupancyRow>(
    `select count(distinct device_id) as devices from visits
     where merchant_id = $1 and store_id = $2 and status = 'open' and band <> 'none'`,
    [merchantId, storeId],
  );
  return rows[0]?.devices ?? 0;
}
