/** The calls a level 3 gateway makes by itself: which guests to let in, who is in, who left. */
import type { RegisteredGateway } from '../ports-store.ts';
import type { Deposit } from '../ports.ts';
import type { MachineCall } from './gateway.ts';
import { parseItems, unplus } from './opennds-fas.ts';

/** It handles four guests a call, and its shell reads only the first 1024 characters. */
const MAX_LINES = 4;
const MAX_ACKS = 64;
const RHID = /^[0-9a-f]{64}$/;
/** Its line must end in a free text; ours says who sent it. */
const CUSTOM = Buffer.from('foyer').toString('base64');

/** One guest to admit, as one percent-encoded word; 0 is "no limit". */
export function depositLine(deposit: Deposit): string {
  const { rhid, minutes, upKbps, downKbps, upQuotaKB, downQuotaKB } = deposit;
  const limits = [minutes, upKbps, downKbps, upQuotaKB, downQuotaKB].map((n) =>
    String(Math.max(0, Math.round(n))),
  );
  return encodeURIComponent([rhid, ...limits, CUSTOM].join(' '));
}

function listOf(deposits: Deposit[]): string {
  return ['*', ...deposits.slice(0, MAX_LINES).map(depositLine)].join(' ');
}

/** `* rhid rhid …`: these were let in. Anything that is not a rhid is skipped. */
export function acknowledged(payload: string): string[] {
  const words = payload.replace(/^\*/, '').split(/\s+/);
  return words.filter((word) => RHID.test(word)).slice(0, MAX_ACKS);
}

function count(text: string | undefined): number {
  const number = Number(text ?? '');
  return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}

async function ended(call: MachineCall, gateway: RegisteredGateway, text: string) {
  const { store, doors, log, now } = call;
  const items = parseItems(text.trim());
  const mac = (items.get('clientmac') ?? '').toLowerCase();
  if (!/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(mac)) {
    log.warn({ gateway: gateway.id }, 'a gateway reported a departure that cannot be read');
    return;
  }
  await doors.ended(store, gateway.id, {
    mac,
    reason: (items.get('method') ?? 'unknown').slice(0, 40),
    bytesIn: count(items.get('bytes_incoming')),
    bytesOut: count(items.get('bytes_outgoing')),
    endedAt: count(items.get('session_end')) * 1000 || now,
  });
}

/** The plain-text answer; a list must begin with `*` or the gateway takes it for an error. */
export async function hearAuthmon(call: MachineCall, gateway: RegisteredGateway): Promise<string> {
  const { store, fields, doors, log } = call;
  const payload = Buffer.from(unplus(fields.get('payload') ?? ''), 'base64')
    .toString('utf8')
    .trim();
  switch (fields.get('auth_get')) {
    case 'clear':
      await doors.cleared(store, gateway.id);
      return '';
    case 'view': {
      if (!payload.startsWith('*'))
        return listOf(await doors.pending(store, gateway.id, MAX_LINES));
      const rhids = acknowledged(payload);
      if (rhids.length > 0) await doors.confirmed(store, gateway.id, rhids);
      return 'ack';
    }
    case 'list': {
      // The gateway admits what it is given here and never acknowledges it.
      const deposits = await doors.pending(store, gateway.id, MAX_LINES);
      if (deposits.length > 0)
        await doors.confirmed(
          store,
          gateway.id,
          deposits.map((deposit) => deposit.rhid),
        );
      return listOf(deposits);
    }
    case 'deauthed':
      await ended(call, gateway, payload);
      return 'ack';
    case 'custom':
      log.info({ gateway: gateway.id, length: payload.length }, 'a gateway sent a custom message');
      return 'ack';
    default:
      return 'unknown request\n';
  }
}
