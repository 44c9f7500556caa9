/** Sessions as they are compared with a controller's list. */
import type { Queryable, Row } from '../db/database.ts';
import type { PeerRow } from './peer-queries.ts';

/** Gateways that hold, or held within the last hour, somebody whom a controller might list. */
export async function gatewaysInUse(
  db: Queryable,
  since: number,
  limit: number,
): Promise<PeerRow[]> {
  const { rows } = await db.query<PeerRow>(
    `select g.id, g.merchant_id, g.store_id, g.kind, g.name, g.settings from gateways g
     where exists (select 1 from sessions s where s.gateway_id = g.id and s.ended_at > $1)
       or exists (select 1 from sessions s where s.gateway_id = g.id and s.ended_at is null and s.state = 'active')
     order by g.id limit $2`,
    [new Date(since), limit],
  );
  return rows;
}

export interface HeldSession extends Row {
  id: string;
  mac: string;
  state: 'pending' | 'active' | 'ended';
  end_reason: string | null;
  confirmed_at: Date | null;
  expires_at: Date;
}

/** The newest session of each client at a gateway: those inside, and those that ended since. */
export async function heldAt(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  since: number,
): Promise<HeldSession[]> {
  const { rows } = await tx.query<HeldSession>(
    `select distinct on (mac) id, mac, state, end_reason, confirmed_at, expires_at from sessions
     where merchant_id = $1 and gateway_id = $2 and mac <> ''
       and ((state = 'active' and ended_at is null) or (state = 'ended' and ended_at > $3))
     order by mac, state = 'active' desc, granted_at desc`,
    [merchantId, gatewayId, new Date(since)],
  );
  return rows;
}
