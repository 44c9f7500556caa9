/** Which gateways may speak from an address: looked up before there is a tenant. */
import type { Queryable, Row } from '../db/database.ts';
import type { GatewayKind, GatewaySettings } from '../stores/gateway-schema.ts';

export interface PeerRow extends Row {
  id: string;
  merchant_id: string;
  store_id: string;
  kind: GatewayKind;
  name: string;
  settings: GatewaySettings;
}

const PEER = 'g.id, g.merchant_id, g.store_id, g.kind, g.name, g.settings';
const MOST = 500;

/**
 * Gateways whose RADIUS packets, or whose Portal 2.0 door, are at this address; of several merchants in
 * turns, so that one who registers very many there leaves no other out.
 */
export async function gatewaysAt(
  db: Queryable,
  way: 'radius' | 'ac',
  address: string,
): Promise<PeerRow[]> {
  const { rows } = await db.query<PeerRow>(
    `select ${PEER} from gateways g
     where g.id in (
       select gateway_id from gateway_addresses where way = $1 and network >>= $2::inet)
     order by row_number() over (partition by g.merchant_id order by g.id), g.id limit ${MOST}`,
    [way, address],
  );
  return rows;
}

export async function gatewayByCertificate(
  db: Queryable,
  fingerprint: string,
): Promise<PeerRow | null> {
  const { rows } = await db.query<PeerRow>(
    `select ${PEER} from gateway_addresses a join gateways g on g.id = a.gateway_id
     where a.way = 'radsec' and a.certificate = $1 order by g.id limit 1`,
    [fingerprint],
  );
  return rows[0] ?? null;
}

/** Attribute 80 is demanded of this gateway from now on. */
export async function setLearnt(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
): Promise<void> {
  await tx.query(
    `update gateways set settings = jsonb_set(settings, '{radius,learnt}', 'true')
     where merchant_id = $1 and id = $2 and settings #>> '{radius,messageAuthenticator}' = 'learn'
       and settings #> '{radius,learnt}' is distinct from 'true'::jsonb`,
    [merchantId, gatewayId],
  );
}
