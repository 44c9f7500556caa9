/** UniFi's own web interface as an API: one signed-in session per controller, classic or UniFi OS. */
import type { UnifiSettings } from '../ports-store.ts';
import type { LiveClient } from '../ports-network.ts';
import type {
  ControllerCall,
  ControllerLine,
  ControllerReply,
  Outcome,
} from './controller-http.ts';
import { normaliseMac } from './gateway.ts';
import type { Admittance, UnifiApi } from './unifi-api.ts';
import { countOf, listOf, recordOf, textOf } from './unifi-api.ts';

interface Session {
  /** UniFi OS puts the Network application behind a prefix and wants a token against forgery. */
  os: boolean;
  cookie: string;
  csrf: string | null;
}

type Refusal = Extract<Outcome<never>, { ok: false }>;

const refused = (detail: string): Refusal => ({ ok: false, trouble: 'refused', detail });

/** A wrong password asked again and again locks the account. */
const REST_MS = 30_000;

function cookiesOf(reply: ControllerReply): string {
  const lines = reply.headers['set-cookie'] ?? [];
  return lines.map((line) => line.split(';', 1)[0] ?? '').join('; ');
}

/** The payload of the TOKEN cookie (a JWT) holds the token; newer consoles say it in a header as well. */
export function csrfOf(cookie: string, header: unknown): string | null {
  if (typeof header === 'string' && header !== '') return header;
  const payload = /(?:^|; )TOKEN=[^.;]+\.([^.;]+)\./.exec(cookie)?.[1];
  if (payload === undefined) return null;
  try {
    const read = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as unknown;
    const token = textOf(recordOf(read)['csrfToken']);
    return token === '' ? null : token;
  } catch {
    return null;
  }
}

/** It may say no with status 200: only `meta.rc` counts. Null when all is well. */
function complaintOf({ status, json }: ControllerReply): string | null {
  const meta = recordOf(recordOf(json)['meta']);
  if (status === 200 && meta['rc'] === 'ok') return null;
  const said = textOf(meta['msg']).slice(0, 60);
  return said === '' ? `status ${status}` : said;
}

function signedOut(reply: ControllerReply): boolean {
  const complaint = complaintOf(reply);
  return reply.status === 401 || reply.status === 403 || complaint === 'api.err.LoginRequired';
}

function guestsOf(rows: Record<string, unknown>[], now: number): LiveClient[] {
  const newest = new Map<string, { end: number; client: LiveClient }>();
  for (const row of rows.slice(0, 20_000)) {
    const mac = normaliseMac(textOf(row['mac']));
    const end = countOf(row['end']) ?? 0;
    // Its own word first: its clock need not be ours.
    const said = row['expired'];
    const over = said === true || (said !== false && end > 0 && end * 1000 <= now);
    if (mac === null || over || (newest.get(mac)?.end ?? -1) >= end) continue;
    const [nasSession, ap] = [textOf(row['_id']), normaliseMac(textOf(row['ap_mac']))];
    const start = countOf(row['start']);
    // The access point's view: what it sent is what the guest received.
    const [bytesIn, bytesOut] = [countOf(row['tx_bytes']), countOf(row['rx_bytes'])];
    const client: LiveClient = {
      mac,
      ...(nasSession === '' ? {} : { nasSession }),
      ...(ap === null ? {} : { ap }),
      ...(bytesIn === undefined ? {} : { bytesIn }),
      ...(bytesOut === undefined ? {} : { bytesOut }),
      ...(start === undefined ? {} : { seconds: Math.max(0, Math.floor(now / 1000) - start) }),
    };
    newest.set(mac, { end, client });
  }
  return [...newest.values()].map(({ client }) => client);
}

/**
 * Of those connected, who is let through: grants older than the list of guests goes back. Their counters
 * are of another kind and would be added to those of the grant, so only their presence is told.
 */
function admittedOf(rows: Record<string, unknown>[]): string[] {
  return rows
    .slice(0, 20_000)
    .filter((row) => row['authorized'] === true && row['is_guest'] === true)
    .map((row) => normaliseMac(textOf(row['mac'])))
    .filter((mac) => mac !== null);
}

type Sender = (call: ControllerCall) => Promise<Outcome<Record<string, unknown>[]>>;

async function signIn(line: ControllerLine, settings: UnifiSettings): Promise<Outcome<Session>> {
  const home = await line.call({ method: 'GET', path: '/' });
  if (!home.ok) return home;
  const os = home.value.status === 200;
  const { username = '', password = '' } = settings;
  const path = os ? '/api/auth/login' : '/api/login';
  const answer = await line.call({ method: 'POST', path, body: { username, password } });
  if (!answer.ok) return answer;
  const { status, headers } = answer.value;
  const cookie = cookiesOf(answer.value);
  if (status >= 500) return { ok: false, trouble: 'unreachable', detail: `status ${status}` };
  if (status !== 200 || cookie === '') return refused(`signing in: status ${status}`);
  const csrf = os ? csrfOf(cookie, headers['x-csrf-token']) : null;
  return { ok: true, value: { os, cookie, csrf } };
}

/** Signs in once for everybody, again when the controller has forgotten us; gives the rows of a reply. */
function createSender(line: ControllerLine, settings: UnifiSettings, clock: () => number): Sender {
  let session: Promise<Outcome<Session>> | null = null;
  let restUntil = 0;

  async function attempt(): Promise<Outcome<Session>> {
    if (clock() < restUntil) return refused('signing in was refused a moment ago');
    const outcome = await signIn(line, settings);
    if (!outcome.ok && outcome.trouble === 'refused') restUntil = clock() + REST_MS;
    return outcome;
  }

  /** A failed attempt is not kept: the next guest tries anew. */
  async function signedIn(): Promise<Outcome<Session>> {
    session ??= attempt();
    const current = session;
    const outcome = await current;
    if (!outcome.ok && session === current) session = null;
    return outcome;
  }

  async function once(call: ControllerCall, again: boolean): ReturnType<Sender> {
    const mine = signedIn();
    const used = session;
    const who = await mine;
    if (!who.ok) return who;
    const { os, cookie, csrf } = who.value;
    const answer = await line.call({
      ...call,
      path: `${os ? '/proxy/network' : ''}${call.path}`,
      headers: {
        Cookie: cookie,
        ...(csrf === null || call.method === 'GET' ? {} : { 'X-CSRF-Token': csrf }),
      },
    });
    if (!answer.ok) return answer;
    const reply = answer.value;
    const fresh = reply.headers['x-updated-csrf-token'];
    if (typeof fresh === 'string') who.value.csrf = fresh;
    if (again && signedOut(reply)) {
      if (session === used) session = null;
      return once(call, false);
    }
    if (reply.status >= 500)
      return { ok: false, trouble: 'unreachable', detail: `status ${reply.status}` };
    const complaint = complaintOf(reply);
    if (complaint !== null) return refused(complaint);
    return { ok: true, value: listOf(recordOf(reply.json)['data']) };
  }
  return (call) => once(call, true);
}

/** A week of guests of a busy site is some megabytes. */
const WITHIN_HOURS = 168;

const UNKNOWN_CLIENT = /Unknown|NotFound|status 404/i;

export function createLegacy(
  line: ControllerLine,
  settings: UnifiSettings,
  clock: () => number,
): UnifiApi {
  const send = createSender(line, settings, clock);
  const site = `/api/s/${encodeURIComponent(settings.site)}`;
  const command = async (
    body: Record<string, unknown>,
    signal?: AbortSignal,
  ): Promise<Outcome<null>> => {
    const done = await send({ method: 'POST', path: `${site}/cmd/stamgr`, body, signal });
    return done.ok ? { ok: true, value: null } : done;
  };
  const admit = (
    { mac, ap, minutes, upKbps, downKbps, megabytes }: Admittance,
    signal?: AbortSignal,
  ) =>
    command(
      {
        cmd: 'authorize-guest',
        mac,
        minutes,
        ...(upKbps === undefined ? {} : { up: upKbps }),
        ...(downKbps === undefined ? {} : { down: downKbps }),
        ...(megabytes === undefined ? {} : { bytes: megabytes }),
        ...(ap === undefined ? {} : { ap_mac: ap }),
      },
      signal,
    );
  return {
    admit,
    async admitted(mac, signal) {
      const found = await send({ method: 'GET', path: `${site}/stat/sta/${mac}`, signal });
      if (found.ok) return { ok: true, value: found.value[0]?.['authorized'] === true };
      return found.trouble === 'refused' ? { ok: true, value: false } : found;
    },
    async dismiss(mac) {
      const done = await command({ cmd: 'unauthorize-guest', mac });
      const nobody = !done.ok && done.trouble === 'refused' && UNKNOWN_CLIENT.test(done.detail);
      return nobody ? { ok: true, value: null } : done;
    },
    async list() {
      const found = await send({
        method: 'GET',
        path: `${site}/stat/guest?within=${WITHIN_HOURS}`,
      });
      if (!found.ok) return found;
      const guests = guestsOf(found.value, clock());
      const inside = await send({ method: 'GET', path: `${site}/stat/sta` });
      const listed = new Set(guests.map(({ mac }) => mac));
      const others = inside.ok ? admittedOf(inside.value).filter((mac) => !listed.has(mac)) : [];
      return { ok: true, value: [...guests, ...others.map((mac) => ({ mac }))] };
    },
  };
}
