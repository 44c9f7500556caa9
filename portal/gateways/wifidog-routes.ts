/** The addresses a WiFiDog gateway and its guests call: `/wd/:store/:secret/login`, `portal`, `auth`, `ping`. */
import express from 'express';
import type { ErrorRequestHandler, Request, Response, Router } from 'express';
import type { StoreView } from '../ports-store.ts';
import type { Doors, Log } from '../ports.ts';
import type { Lobby, Reading } from './gateway.ts';
import { normaliseMac } from './gateway.ts';
import { readCounters, writeCounters } from './wifidog-counters.ts';
import type { Answered, Counted } from './wifidog-counters.ts';
import type { Caller, Callers } from './wifidog-callers.ts';
import { plainAddress } from './wifidog-callers.ts';
import type { Tokens } from './wifidog-tokens.ts';
import type { ClientCall, Code, Verdicts } from './wifidog-verdicts.ts';

export interface RouteParts {
  callers: Callers;
  verdicts: Verdicts;
  tokens: Tokens;
  doors: Doors;
  log: Log;
  /** What a redirect of these gateways claims. */
  read: (query: URLSearchParams, store: StoreView) => Reading;
}

const MOST_OCTETS = '2mb';
const AT_ONCE = 8;
const MOST_DENIALS = 2;

function fieldsOf(req: Request): URLSearchParams {
  const cut = req.originalUrl.indexOf('?');
  return new URLSearchParams(cut < 0 ? '' : req.originalUrl.slice(cut + 1));
}

/**
 * The gateway looks for `Auth: ` in the whole answer, headers included, reads 4 kB at most and waits for
 * the end of the connection: nothing but what it needs is sent.
 */
function say(res: Response, status: number, body: string, type = 'text/plain'): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  const octets = Buffer.from(body);
  res.writeHead(status, {
    'Content-Type': type,
    'Content-Length': octets.length,
    'Cache-Control': 'no-store',
    Connection: 'close',
  });
  res.end(octets);
}

const sayCode = (res: Response, code: Code) => say(res, 200, `Auth: ${code}`);

function octetsOf(text: string | null): number {
  const number = Number(text ?? '');
  return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}

function clientOf(fields: URLSearchParams): ClientCall {
  return {
    token: fields.get('token') ?? '',
    mac: normaliseMac(fields.get('mac') ?? ''),
    ip: (fields.get('ip') ?? '').slice(0, 45),
    bytesIn: octetsOf(fields.get('incoming')),
    bytesOut: octetsOf(fields.get('outgoing')),
  };
}

/** By its secret, and by the name it gives itself where it gives one. */
async function callersOf(parts: RouteParts, req: Request): Promise<Caller[]> {
  const { store, secret } = req.params;
  return parts.callers.find(String(store), String(secret), plainAddress(req.ip ?? ''));
}

function named(found: Caller[], gwId: string | null): Caller | null {
  const fits = gwId === null ? found : found.filter(({ gateway }) => gateway.name.trim() === gwId);
  return fits[0] ?? null;
}

/** For the connection check: the right secret under a name nobody registered. */
async function misnamed({ doors }: RouteParts, found: Caller[], gwId: string | null) {
  const [first] = found;
  if (first === undefined || gwId === null) return;
  await doors.noticed?.(first.store, first.gateway.id, {
    code: 'redirect-unknown-gateway',
    detail: { called: gwId.slice(0, 60) },
  });
}

async function oneCaller(parts: RouteParts, req: Request, res: Response): Promise<Caller | null> {
  const gwId = fieldsOf(req).get('gw_id');
  const found = await callersOf(parts, req);
  const caller = named(found, gwId);
  if (caller !== null) return caller;
  await misnamed(parts, found, gwId).catch(() => undefined);
  say(res, 403, 'unknown gateway\n');
  return null;
}

function ping(parts: RouteParts) {
  return async (req: Request, res: Response) => {
    const caller = await oneCaller(parts, req, res);
    if (caller === null) return;
    say(res, 200, 'Pong');
    if (parts.callers.mayCall(caller.gateway))
      await parts.doors.heard?.(caller.store, caller.gateway.id).catch(() => undefined);
  };
}

function auth(parts: RouteParts) {
  const { verdicts, log } = parts;
  return async (req: Request, res: Response) => {
    const caller = await oneCaller(parts, req, res);
    if (caller === null) return;
    if (!parts.callers.mayCall(caller.gateway)) return sayCode(res, -1);
    const fields = fieldsOf(req);
    const client = clientOf(fields);
    switch (fields.get('stage')) {
      case 'login':
        return sayCode(res, await verdicts.login(caller, client));
      case 'counters':
        return sayCode(res, await verdicts.counters(caller, client));
      case 'logout':
        await verdicts.logout(caller, client).catch(() => {
          log.warn({ gateway: caller.gateway.id }, 'a departure could not be kept');
        });
        return sayCode(res, 0);
      default:
        return sayCode(res, -1);
    }
  };
}

async function countAll(parts: RouteParts, caller: Caller, group: Counted['groups'][number]) {
  const codes: Answered['codes'] = [];
  let next = 0;
  const lane = async () => {
    for (let at = next++; at < group.clients.length; at = next++) {
      const { id, call } = group.clients[at] ?? {};
      if (id === undefined || call === undefined) continue;
      codes[at] = { id, code: await parts.verdicts.counters(caller, call) };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return { gwId: group.gwId, codes };
}

/** All clients of a device in one call (apfree-wifidog). */
function countersV2(parts: RouteParts) {
  return async (req: Request, res: Response) => {
    const found = await callersOf(parts, req);
    if (found.length === 0) return say(res, 403, 'unknown gateway\n');
    const said = readCounters(typeof req.body === 'string' ? req.body : '');
    if (said === null) return say(res, 400, 'unreadable\n');
    const answered: Answered[] = [];
    for (const group of said.groups) {
      const caller = named(found, group.gwId);
      if (caller === null) await misnamed(parts, found, group.gwId).catch(() => undefined);
      else if (parts.callers.mayCall(caller.gateway))
        answered.push(await countAll(parts, caller, group));
    }
    say(res, 200, writeCounters(said.shape, answered), 'application/json');
  };
}

/** A host that cannot look up the store is asked again by the portal's own page, which says so calmly. */
function login({ callers, read }: RouteParts, lobby: Lobby) {
  return async (req: Request, res: Response) => {
    const slug = String(req.params['store']);
    const fields = fieldsOf(req);
    const store = await callers.store(slug).catch(() => null);
    const away = `/p/${encodeURIComponent(slug)}?${fields.toString()}`;
    if (store === null) return res.redirect(303, away);
    await lobby.receive(req, res, store, read(fields, store));
  };
}

/** The gateway let its guest in and hands the browser back. */
function portal({ callers, tokens }: RouteParts, lobby: Lobby) {
  return async (req: Request, res: Response) => {
    const slug = String(req.params['store']);
    const known = tokens.get(fieldsOf(req).get('token') ?? '');
    if (known?.claimed === true && known.landingUrl !== '')
      return res.redirect(303, known.landingUrl);
    const store = await callers.store(slug).catch(() => null);
    if (store === null) return res.redirect(303, `/p/${encodeURIComponent(slug)}`);
    await lobby.receive(req, res, store, { kind: 'already-inside', returnTo: null });
  };
}

/** The journey's own page instead of its landing: it shows how things stand and confirms nothing. */
const pageOf = (landingUrl: string) => landingUrl.replace('/landed?', '/go?');

/**
 * The gateway did not let its guest in: back to the journey, which may try once more, and the next time
 * to the page that says to join again. `activate` is good news: a few minutes of grace.
 */
function message(parts: RouteParts, lobby: Lobby) {
  const { tokens } = parts;
  return async (req: Request, res: Response) => {
    const fields = fieldsOf(req);
    const known = tokens.get(fields.get('token') ?? '');
    if (fields.get('message') === 'activate') return portal(parts, lobby)(req, res);
    const slug = encodeURIComponent(String(req.params['store']));
    if (known === null || known.landingUrl === '' || known.denials >= MOST_DENIALS - 1) {
      if (known !== null) tokens.forget(known.token);
      return res.redirect(303, `/p/${slug}/go`);
    }
    tokens.put({ ...known, denials: known.denials + 1 });
    res.redirect(303, pageOf(known.landingUrl));
  };
}

/** A gateway must never take a failure of ours for a verdict: no `Auth: ` in it. */
function failed(log: Log): ErrorRequestHandler {
  return (error: unknown, _req, res, next) => {
    if (res.headersSent) return next(error);
    const status = Number((error as { status?: unknown }).status ?? 503);
    const theirs = status >= 400 && status < 500;
    if (!theirs)
      log.error(
        { error: error instanceof Error ? error.name : 'unknown' },
        'a gateway’s call failed',
      );
    say(res, theirs ? status : 503, theirs ? 'bad request\n' : 'later\n');
  };
}

/** With the secret for the gateway's own calls; guests' pages also without, so that they never see it. */
export function mountWifidog(router: Router, lobby: Lobby, parts: RouteParts): void {
  const body = express.text({ type: () => true, limit: MOST_OCTETS });
  for (const base of ['/wd/:store', '/wd/:store/:secret']) {
    router.get(`${base}/login`, login(parts, lobby));
    router.get(`${base}/portal`, portal(parts, lobby));
    router.get(`${base}/gw_message.php`, message(parts, lobby));
  }
  router.get('/wd/:store/:secret/ping', ping(parts));
  router.get('/wd/:store/:secret/auth', auth(parts));
  router.post('/wd/:store/:secret/auth', body, countersV2(parts));
  router.use('/wd', failed(parts.log));
}
