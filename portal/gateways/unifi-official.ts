/** UniFi's published Network API: a key instead of a session, ids instead of names. */
import { setTimeout as pause } from 'node:timers/promises';
import type { UnifiSettings } from '../ports-store.ts';
import type { LiveClient } from '../ports-network.ts';
import type { ControllerCall, ControllerLine, Outcome } from './controller-http.ts';
import { normaliseMac } from './gateway.ts';
import type { UnifiApi } from './unifi-api.ts';
import { countOf, listOf, recordOf, textOf } from './unifi-api.ts';

const BASE = '/proxy/network/integration/v1';
const PAGE = 200;
const MAX_PAGES = 25;
const ID = /^[\w-]{1,64}$/;

export interface OfficialPace {
  /** A client that has just joined is listed a moment later. */
  tries: number;
  betweenMs: number;
}

export const OFFICIAL_PACE: OfficialPace = { tries: 6, betweenMs: 700 };

type Ask = (call: ControllerCall) => Promise<Outcome<unknown>>;

function createAsk(line: ControllerLine, settings: UnifiSettings): Ask {
  return async (call) => {
    const key = settings.apiKey ?? '';
    const answer = await line.call({
      ...call,
      path: BASE + call.path,
      headers: { 'X-API-KEY': key },
    });
    if (!answer.ok) return answer;
    const { status, json } = answer.value;
    if (status >= 200 && status < 300 && json !== undefined) return { ok: true, value: json };
    const code = textOf(recordOf(json)['code']).slice(0, 60);
    const detail = `status ${status}${code === '' ? '' : ` ${code}`}`;
    return {
      ok: false,
      trouble: status >= 500 || status < 400 ? 'unreachable' : 'refused',
      detail,
    };
  };
}

/** Every row of a paged list, up to a bound. */
async function pages(
  ask: Ask,
  path: string,
  signal?: AbortSignal,
): Promise<Outcome<Record<string, unknown>[]>> {
  const rows: Record<string, unknown>[] = [];
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const where = `${path}?offset=${page * PAGE}&limit=${PAGE}`;
    const got = await ask({ method: 'GET', path: where, signal });
    if (!got.ok) return got;
    const { data, totalCount } = recordOf(got.value);
    const batch = listOf(data);
    rows.push(...batch);
    if (batch.length === 0 || rows.length >= (countOf(totalCount) ?? 0)) break;
  }
  return { ok: true, value: rows };
}

/** What the API takes for a rate. */
const rateOf = (kbps: number) => Math.min(100_000, Math.max(2, Math.round(kbps)));

const isAdmitted = (client: Record<string, unknown>) =>
  recordOf(client['access'])['authorized'] === true;

function liveOf(client: Record<string, unknown>, now: number): LiveClient | null {
  const mac = normaliseMac(textOf(client['macAddress']));
  if (mac === null) return null;
  const ip = textOf(client['ipAddress']);
  const authorization = recordOf(recordOf(client['access'])['authorization']);
  const usage = recordOf(authorization['usage']);
  const [bytesIn, bytesOut] = [countOf(usage['rxBytes']), countOf(usage['txBytes'])];
  const since = Date.parse(textOf(authorization['authorizedAt']));
  const seconds = countOf(usage['durationSec']) ?? countOf((now - since) / 1000);
  return {
    mac,
    ...(ip === '' ? {} : { ip }),
    ...(bytesIn === undefined ? {} : { bytesIn }),
    ...(bytesOut === undefined ? {} : { bytesOut }),
    ...(seconds === undefined ? {} : { seconds }),
  };
}

/** Names into ids: the site once, the client each time anew (the id changes with its connection). */
function createFinder(ask: Ask, settings: UnifiSettings, pace: OfficialPace) {
  let siteId: string | null = null;

  async function site(signal?: AbortSignal): Promise<Outcome<string>> {
    if (siteId !== null) return { ok: true, value: siteId };
    const sites = await pages(ask, '/sites', signal);
    if (!sites.ok) return sites;
    const found = sites.value.find((row) => row['internalReference'] === settings.site);
    const id = textOf(found?.['id']);
    if (!ID.test(id)) return { ok: false, trouble: 'refused', detail: 'unknown site' };
    siteId = id;
    return { ok: true, value: id };
  }

  async function client(mac: string, signal?: AbortSignal) {
    const at = await site(signal);
    if (!at.ok) return at;
    const filter = encodeURIComponent(`macAddress.eq('${mac}')`);
    const path = `/sites/${at.value}/clients?limit=5&filter=${filter}`;
    const got = await ask({ method: 'GET', path, signal });
    if (!got.ok) return got;
    const rows = listOf(recordOf(got.value)['data']);
    // A filter that is not understood lists everybody.
    const found = rows.find((row) => normaliseMac(textOf(row['macAddress'])) === mac);
    const id = textOf(found?.['id']);
    const place = ID.test(id) ? `/sites/${at.value}/clients/${id}` : null;
    return { ok: true, value: { place, row: found ?? {} } } as const;
  }

  async function clientSoon(mac: string, signal?: AbortSignal): ReturnType<typeof client> {
    for (let tried = 1; ; tried += 1) {
      const found = await client(mac, signal);
      if (!found.ok || found.value.place !== null || tried >= pace.tries) return found;
      await pause(pace.betweenMs);
    }
  }
  return { site, client, clientSoon };
}

export function createOfficial(
  line: ControllerLine,
  settings: UnifiSettings,
  clock: () => number,
  pace: OfficialPace = OFFICIAL_PACE,
): UnifiApi {
  const ask = createAsk(line, settings);
  const find = createFinder(ask, settings, pace);
  const act = async (
    place: string,
    body: Record<string, unknown>,
    signal?: AbortSignal,
  ): Promise<Outcome<null>> => {
    const done = await ask({ method: 'POST', path: `${place}/actions`, body, signal });
    return done.ok ? { ok: true, value: null } : done;
  };
  return {
    async admit({ mac, minutes, upKbps, downKbps, megabytes }, signal) {
      const found = await find.clientSoon(mac, signal);
      if (!found.ok) return found;
      const { place } = found.value;
      if (place === null) return { ok: false, trouble: 'refused', detail: 'client not connected' };
      const body = {
        action: 'AUTHORIZE_GUEST_ACCESS',
        timeLimitMinutes: minutes,
        ...(megabytes === undefined ? {} : { dataUsageLimitMBytes: megabytes }),
        // Seen from the guest: received is what comes down.
        ...(downKbps === undefined ? {} : { rxRateLimitKbps: rateOf(downKbps) }),
        ...(upKbps === undefined ? {} : { txRateLimitKbps: rateOf(upKbps) }),
      };
      return act(place, body, signal);
    },
    async admitted(mac, signal) {
      const found = await find.client(mac, signal);
      return found.ok ? { ok: true, value: isAdmitted(found.value.row) } : found;
    },
    async dismiss(mac) {
      const found = await find.client(mac);
      if (!found.ok) return found;
      const { place } = found.value;
      if (place === null) return { ok: true, value: null };
      return act(place, { action: 'UNAUTHORIZE_GUEST_ACCESS' });
    },
    async list() {
      const at = await find.site();
      if (!at.ok) return at;
      const clients = await pages(ask, `/sites/${at.value}/clients`);
      if (!clients.ok) return clients;
      const live = clients.value.filter(isAdmitted).map((row) => liveOf(row, clock()));
      return { ok: true, value: live.filter((client) => client !== null) };
    },
  };
}
