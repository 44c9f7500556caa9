/** What a WiFiDog gateway is told about one client: let in, keep, put out, or keep for want of an answer. */
import type { Doors, Log } from '../ports.ts';
import type { SessionReport, Verdict } from '../ports-network.ts';
import type { Caller } from './wifidog-callers.ts';
import type { Admitted, Tokens } from './wifidog-tokens.ts';
import { alive, isGrace, isToken } from './wifidog-tokens.ts';

/** -1 keep the client as it is; 0 denied; 1 allowed; 5 allowed for the time being. */
export type Code = -1 | 0 | 1 | 5;

export interface ClientCall {
  token: string;
  /** aa:bb:cc:dd:ee:ff, or null when it does not read so. */
  mac: string | null;
  ip: string;
  /** Octets towards the guest, so far. */
  bytesIn: number;
  /** Octets from the guest, so far. */
  bytesOut: number;
}

export interface Verdicts {
  login(caller: Caller, client: ClientCall): Promise<Code>;
  counters(caller: Caller, client: ClientCall): Promise<Code>;
  logout(caller: Caller, client: ClientCall): Promise<void>;
}

interface Parts {
  doors: Doors;
  tokens: Tokens;
  log: Log;
  clock: () => number;
  /** How long the house may take, ms: the guest's click waits for it. */
  patienceMs: number;
}

class Late extends Error {}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Late('the house did not answer in time')), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const codeOf = (token: string): Code => (isGrace(token) ? 5 : 1);

function reportOf(
  kind: SessionReport['kind'],
  { token, ip, bytesIn, bytesOut }: ClientCall,
  mac: string,
  known: Admitted | null,
  at: number,
): SessionReport {
  return {
    kind,
    mac,
    nasSession: token,
    bytesIn,
    bytesOut,
    at,
    ...(ip === '' ? {} : { ip }),
    ...(known === null ? {} : { sessionId: known.sessionId }),
  };
}

/** What the house would say by all this process knows; null when it knows nothing of this token. */
function fromMemory(known: Admitted | null, caller: Caller, mac: string, now: number): Code | null {
  if (known === null || known.gatewayId !== caller.gateway.id) return null;
  return known.mac === mac && alive(known, now) ? codeOf(known.token) : 0;
}

export function createVerdicts(parts: Parts): Verdicts {
  const { doors, tokens, log, clock, patienceMs } = parts;
  const away = (caller: Caller, error: unknown) =>
    log.warn(
      { gateway: caller.gateway.id, late: error instanceof Late },
      'a gateway was answered from memory',
    );
  const keep = (caller: Caller, client: ClientCall, mac: string, verdict: Verdict) => {
    if (!verdict.allowed) return;
    const known = tokens.get(client.token);
    tokens.put({
      token: client.token,
      gatewayId: caller.gateway.id,
      sessionId: verdict.sessionId,
      mac,
      ip: client.ip === '' ? (known?.ip ?? null) : client.ip,
      expiresAt: verdict.expiresAt,
      claimed: true,
      owed: false,
      grace: isGrace(client.token),
      landingUrl: known?.landingUrl ?? '',
      denials: 0,
    });
  };

  async function claim(caller: Caller, client: ClientCall, mac: string): Promise<Verdict> {
    const { store, gateway } = caller;
    const { token, ip } = client;
    if (doors.claim !== undefined) {
      const shown = { token, mac, ...(ip === '' ? {} : { ip }) };
      return within(patienceMs, doors.claim(store, gateway.id, shown));
    }
    const known = tokens.get(token);
    if (known?.gatewayId !== gateway.id || known.mac !== mac)
      return { allowed: false, reason: 'unknown' };
    await within(patienceMs, doors.confirmed(store, gateway.id, [token]));
    return { allowed: true, sessionId: known.sessionId, expiresAt: known.expiresAt };
  }

  async function login(caller: Caller, client: ClientCall): Promise<Code> {
    const { token, mac } = client;
    if (!isToken(token) || mac === null) return 0;
    const known = tokens.get(token);
    // A page reloaded by the guest; anybody else who shows a used token is turned away.
    const used = known?.claimed === true && !known.owed;
    if (used && (known.mac !== mac || known.gatewayId !== caller.gateway.id)) return 0;
    if (used && alive(known, clock())) return codeOf(token);
    try {
      const verdict = await claim(caller, client, mac);
      keep(caller, client, mac, verdict);
      return verdict.allowed ? codeOf(token) : 0;
    } catch (error) {
      away(caller, error);
      const code = fromMemory(known, caller, mac, clock());
      if (known !== null && code !== null && code > 0)
        tokens.put({ ...known, ip: client.ip || known.ip, claimed: true, owed: true });
      return code ?? -1;
    }
  }

  /** Denied is denied: the gateway removes the client and never logs it out. */
  async function close(caller: Caller, client: ClientCall, mac: string, verdict: Verdict) {
    const known = tokens.get(client.token);
    tokens.forget(client.token);
    if (verdict.allowed || verdict.reason === 'unknown' || verdict.reason === 'ended') return;
    const report = reportOf('stop', client, mac, known, clock());
    const reason = verdict.reason === 'expired' ? 'session-timeout' : verdict.reason;
    await doors.report?.(caller.store, caller.gateway.id, { ...report, reason });
  }

  async function ask(caller: Caller, client: ClientCall, mac: string): Promise<Verdict> {
    const known = tokens.get(client.token);
    if (known !== null && known.gatewayId === caller.gateway.id && (known.owed || !known.claimed))
      keep(caller, client, mac, await claim(caller, client, mac));
    const report = reportOf('interim', client, mac, tokens.get(client.token), clock());
    if (doors.report !== undefined)
      return within(patienceMs, doors.report(caller.store, caller.gateway.id, report));
    if (known === null || known.mac !== mac) return { allowed: false, reason: 'unknown' };
    const { sessionId, expiresAt } = known;
    if (!alive(known, clock())) return { allowed: false, reason: 'expired' };
    return { allowed: true, sessionId, expiresAt };
  }

  async function counters(caller: Caller, client: ClientCall): Promise<Code> {
    const { token, mac } = client;
    if (!isToken(token) || mac === null) return 0;
    try {
      const verdict = await ask(caller, client, mac);
      if (!verdict.allowed) {
        const closing = close(caller, client, mac, verdict);
        await within(patienceMs, closing).catch((error: unknown) => away(caller, error));
        return 0;
      }
      keep(caller, client, mac, verdict);
      return codeOf(token);
    } catch (error) {
      away(caller, error);
      return fromMemory(tokens.get(token), caller, mac, clock()) ?? -1;
    }
  }

  async function logout(caller: Caller, client: ClientCall): Promise<void> {
    const { token, mac } = client;
    if (!isToken(token) || mac === null) return;
    const known = tokens.get(token);
    tokens.forget(token);
    const { store, gateway } = caller;
    const now = clock();
    const report = { ...reportOf('stop', client, mac, known, now), reason: 'logout' };
    if (doors.report !== undefined) {
      await within(patienceMs, doors.report(store, gateway.id, report));
      return;
    }
    const { bytesIn, bytesOut } = client;
    await doors.ended(store, gateway.id, {
      mac,
      reason: 'logout',
      bytesIn,
      bytesOut,
      endedAt: now,
    });
  }

  return { login, counters, logout };
}
