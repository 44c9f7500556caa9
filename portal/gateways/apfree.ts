/** apfree-wifidog beside what it shares with WiFiDog: a line of its own, over which guests are put out at once. */
import type { KickOutcome, KickTarget } from '../ports-network.ts';
import type { PortalPorts } from '../ports.ts';
import { createLines } from './apfree-lines.ts';
import type { Lines } from './apfree-lines.ts';
import type { Capabilities, Gateway, PassRequest } from './gateway.ts';
import type { Caller, Callers } from './wifidog-callers.ts';
import type { Tokens } from './wifidog-tokens.ts';

export interface ApfreeParts {
  ports: PortalPorts;
  callers: Callers;
  tokens: Tokens;
  base: Capabilities;
  read: Gateway['read'];
  open: Gateway['open'];
}

const LONGEST_PASS_S = 900;

/**
 * A device that connects may have restarted with nobody inside: those whom it had let in, and whose time
 * runs on, are let in again. Only devices that it named itself: what a redirect claims is never pushed.
 * `once_auth` stays false, for true would open the gateway to everybody.
 */
function letInAgain({ gateway }: Caller, tokens: Tokens, lines: Lines): void {
  for (const { token, mac, ip, owed } of tokens.inside(gateway.id)) {
    if (ip === null || owed) continue;
    lines.tell(gateway.id, {
      type: 'auth',
      token,
      client_ip: ip,
      client_mac: mac,
      gw_id: gateway.name,
      once_auth: false,
    });
  }
}

/** A device that came in anew with another token must not be put out for what its old one did. */
function replaced({ gateway, mac, token, nasSessions }: KickTarget, tokens: Tokens): boolean {
  const current = tokens.current(gateway.id, mac);
  if (current === null) return false;
  return token !== current.token && !nasSessions.includes(current.token);
}

async function kickOff(target: KickTarget, tokens: Tokens, lines: Lines): Promise<KickOutcome> {
  const { gateway, mac } = target;
  if (replaced(target, tokens)) return 'done';
  const ip = tokens.current(gateway.id, mac)?.ip ?? target.ip;
  for (const name of [target.token ?? '', ...target.nasSessions]) tokens.end(name);
  const deviceId = lines.deviceId(gateway.id);
  if (deviceId === null || ip === null) return 'later';
  const answer = await lines.ask(
    gateway.id,
    { type: 'kickoff', client_ip: ip, client_mac: mac, device_id: deviceId, gw_id: gateway.name },
    { types: ['kickoff_response', 'kickoff_error'], mac },
  );
  if (answer?.type === 'kickoff_response') return 'done';
  return answer?.['error'] === 'Client not found' ? 'done' : 'later';
}

export function createApfree({ ports, callers, tokens, base, read, open }: ApfreeParts): Gateway {
  const lines = createLines({
    ports,
    callers,
    joined: (caller, own) => letInAgain(caller, tokens, own),
  });
  return {
    capabilities: ({ id }) => ({ ...base, kick: lines.isOpen(id) ? 'now' : base.kick }),
    read,
    open,
    kick: (target) => kickOff(target, tokens, lines),
    async pass({ gateway, context, seconds }: PassRequest) {
      const timeout = Math.min(LONGEST_PASS_S, Math.max(1, Math.round(seconds)));
      return lines.tell(gateway.id, { type: 'tmp_pass', client_mac: context.mac, timeout });
    },
    attach: (server) => lines.attach(server),
  };
}
