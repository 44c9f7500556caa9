/** What an emulated UniFi controller answers, in both of its languages. */
import type { UnifiGuest } from './unifi.ts';

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Record<string, string | string[] | undefined>;
  body: Record<string, unknown>;
}

export interface Told {
  status: number;
  json: unknown;
  headers?: Record<string, string>;
}

export interface Held {
  guests: Map<string, UnifiGuest>;
  site: string;
  /** Seconds since 1970. */
  now: () => number;
}

const ok = (data: unknown[] = []): Told => ({ status: 200, json: { meta: { rc: 'ok' }, data } });
export const no = (msg: string, status = 200): Told => ({
  status,
  json: { meta: { rc: 'error', msg }, data: [] },
});

const isIn = (guest: UnifiGuest, now: number) => guest.end > now;
const numberOf = (value: unknown) => (typeof value === 'number' ? value : 0);

/** How many more questions a new grant takes to show, as access points follow a moment later. */
function shows(guest: UnifiGuest, now: number): boolean {
  if (!isIn(guest, now)) return false;
  if (guest.slowly <= 0) return true;
  guest.slowly -= 1;
  return false;
}

function command({ guests, now }: Held, body: Record<string, unknown>): Told {
  const mac = typeof body['mac'] === 'string' ? body['mac'] : '';
  const guest = guests.get(mac);
  if (body['cmd'] === 'authorize-guest') {
    if (guest === undefined || mac !== mac.toLowerCase()) return no('api.err.Invalid');
    const minutes = numberOf(body['minutes']);
    const [start, end] = [now(), now() + minutes * 60];
    Object.assign(guest, { start, end, slowly: guest.slow, limits: { ...body } });
    return ok([{ authorized_by: 'api', mac, minutes }]);
  }
  if (body['cmd'] !== 'unauthorize-guest') return no('api.err.Invalid');
  if (guest === undefined) return no('api.err.UnknownStation');
  guest.end = 0;
  return ok();
}

const rowOf = (guest: UnifiGuest) => ({
  _id: guest.id,
  mac: guest.mac,
  ap_mac: guest.ap,
  start: guest.start,
  end: guest.end,
  expired: false,
  tx_bytes: guest.bytesIn,
  rx_bytes: guest.bytesOut,
});

/** Behind `/api/s/<site>`. */
export function legacyAnswer(held: Held, asked: Asked): Told {
  const { guests, now, site } = held;
  const [, at = '', rest = ''] = /^\/api\/s\/([^/]+)\/(.*)$/.exec(asked.path) ?? [];
  if (at !== site) return no('api.err.NoSiteContext', 401);
  if (asked.method === 'POST' && rest === 'cmd/stamgr') return command(held, asked.body);
  const mac = /^stat\/sta\/([0-9a-f:]+)$/.exec(rest)?.[1];
  if (mac !== undefined) {
    const guest = guests.get(mac);
    if (guest === undefined) return no('api.err.UnknownStation', 400);
    return ok([{ mac, is_guest: true, authorized: shows(guest, now()) }]);
  }
  const all = [...guests.values()];
  if (rest === 'stat/sta')
    return ok(
      all.map((guest) => ({
        mac: guest.mac,
        is_guest: true,
        authorized: isIn(guest, now()),
        tx_bytes: guest.bytesIn + 1_000_000,
        rx_bytes: guest.bytesOut,
      })),
    );
  if (rest === 'stat/guest') {
    const since = now() - Number(asked.query.get('within') ?? 24) * 3600;
    return ok(all.filter((guest) => isIn(guest, now()) && guest.start >= since).map(rowOf));
  }
  return no('api.err.NotFound', 404);
}

const trouble = (statusCode: number, code: string): Told => ({
  status: statusCode,
  json: { statusCode, statusName: code, code, message: code, requestId: 'r-1' },
});

const SITE_ID = '88f7af54-98f8-306a-a1c7-c9349722b1f6';

function page(rows: unknown[], query: URLSearchParams): Told {
  const [offset, limit] = [Number(query.get('offset') ?? 0), Number(query.get('limit') ?? 25)];
  const data = rows.slice(offset, offset + limit);
  const counts = { offset, limit, count: data.length, totalCount: rows.length };
  return { status: 200, json: { ...counts, data } };
}

const clientOf = (guest: UnifiGuest, now: number) => ({
  type: 'WIRELESS',
  id: guest.id,
  macAddress: guest.mac,
  ipAddress: guest.ip,
  access: {
    type: 'GUEST',
    authorized: shows(guest, now),
    ...(isIn(guest, now)
      ? {
          authorization: {
            authorizedAt: new Date(guest.start * 1000).toISOString(),
            expiresAt: new Date(guest.end * 1000).toISOString(),
            usage: { rxBytes: guest.bytesIn, txBytes: guest.bytesOut },
          },
        }
      : {}),
  },
});

function act({ now }: Held, guest: UnifiGuest, body: Record<string, unknown>): Told {
  const { action } = body;
  if (action === 'UNAUTHORIZE_GUEST_ACCESS') {
    guest.end = 0;
    return { status: 200, json: { action, revokedAuthorization: {} } };
  }
  if (action !== 'AUTHORIZE_GUEST_ACCESS') return trouble(400, 'api.request.argument-invalid');
  const minutes = numberOf(body['timeLimitMinutes']);
  const [start, end] = [now(), now() + minutes * 60];
  Object.assign(guest, { start, end, slowly: guest.slow, limits: { ...body } });
  const expiresAt = new Date(end * 1000).toISOString();
  const grantedAuthorization = { authorizedAt: new Date(start * 1000).toISOString(), expiresAt };
  return { status: 200, json: { action, grantedAuthorization } };
}

/** Behind `/proxy/network/integration/v1`. */
export function officialAnswer(held: Held, asked: Asked): Told {
  const { guests, now, site } = held;
  const { path, query, method } = asked;
  if (path === '/sites')
    return page([{ id: SITE_ID, internalReference: site, name: 'Shop' }], query);
  const inSite = `/sites/${SITE_ID}/clients`;
  const own = [...guests.values()].filter((guest) => guest.joined);
  if (method === 'GET' && path === inSite) {
    const mac = /^macAddress\.eq\('([0-9a-f:]+)'\)$/.exec(query.get('filter') ?? '')?.[1];
    const found = mac === undefined ? own : own.filter((guest) => guest.mac === mac);
    return page(
      found.map((guest) => clientOf(guest, now())),
      query,
    );
  }
  const id = path.startsWith(`${inSite}/`) ? path.slice(inSite.length + 1) : '';
  const guest = own.find((one) => `${one.id}/actions` === id);
  if (method !== 'POST' || guest === undefined) return trouble(404, 'api.not-found');
  return act(held, guest, asked.body);
}
