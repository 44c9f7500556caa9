/** A store with one gateway of every kind, what was noticed of them, and guests online. */
import type { Database } from '../../server/db/database.ts';
import { keepNotice } from '../../server/sessions/notice-queries.ts';
import { uuidv7 } from '../../server/ids.ts';
import type { GatewayKind, GatewaySettings } from '../../server/stores/gateway-schema.ts';
import * as make from './make.ts';

const secret = '0123456789abcdef0123456789abcdef';
const radius: NonNullable<GatewaySettings['radius']> = {
  secret: 'fedcba9876543210fedcba9876543210',
  sources: ['192.0.2.0/28'],
  nasIds: [],
  profile: 'wispr',
  messageAuthenticator: 'require',
  coa: { host: '192.0.2.2', port: 3799 },
  interimSeconds: 300,
};

/** Settings with which each kind could work. */
export const settingsOf: Record<GatewayKind, GatewaySettings> = {
  pretend: { secret },
  opennds: { secret, level: 3 },
  wifidog: { secret, sources: ['192.0.2.7'] },
  apfree: { secret },
  coova: { secret, login: 'chap', radius: { ...radius, profile: 'coova' } },
  mikrotik: { login: 'chap', radius: { ...radius, profile: 'mikrotik' } },
  unifi: {
    unifi: {
      url: 'https://unifi.test:8443',
      api: 'legacy',
      site: 'default',
      username: 'foyer',
      password: 'a quiet harbour',
    },
  },
  meraki: {},
  portal2: {
    secret: secret.slice(0, 16),
    portal2: {
      host: '192.0.2.9',
      port: 2000,
      version: 2,
      auth: 'chap',
      sendChallenge: true,
      macBinding: false,
    },
    radius: { ...radius, profile: 'huawei' },
  },
  radius: { radius },
};

export interface NoticeAt {
  code: string;
  detail?: Record<string, string>;
  times?: number;
  /** Milliseconds before noon. */
  ago?: number;
}

export async function makeNotice(
  db: Database,
  at: { merchantId: string; storeId: string; gatewayId: string | null },
  { code, detail = {}, times = 1, ago = 60_000 }: NoticeAt,
): Promise<void> {
  const notice = { ...at, code, detail, times };
  await db.tx((tx) => keepNotice(tx, notice, make.NOON - ago), { tenant: at.merchantId });
}

/** A network session under a session: what a gateway counted. */
export async function makeLeg(
  db: Database,
  at: { merchantId: string; storeId: string; gatewayId: string; sessionId: string },
): Promise<void> {
  await db.query(
    `insert into session_legs (id, merchant_id, store_id, gateway_id, session_id, nas_session, mac, started_at, last_at)
     values ($1, $2, $3, $4, $5, 'leg-1', '02:00:00:00:00:01', $6, $6)`,
    [
      uuidv7(make.NOON),
      at.merchantId,
      at.storeId,
      at.gatewayId,
      at.sessionId,
      new Date(make.NOON - 60_000),
    ],
  );
}

export async function makeGatewayOf(
  db: Database,
  at: { merchantId: string; storeId: string },
  kind: GatewayKind,
  over: NonNullable<Parameters<typeof make.makeGateway>[3]> = {},
) {
  const base = { kind, name: `Door ${kind}`, settings: settingsOf[kind] };
  return make.makeGateway(db, at.merchantId, at.storeId, { ...base, ...over });
}
