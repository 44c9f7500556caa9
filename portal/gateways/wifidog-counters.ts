/** PURE. The JSON in which apfree-wifidog counts all its clients at once, in its new shape and the older one. */
import { z } from 'zod';
import { normaliseMac } from './gateway.ts';
import type { ClientCall, Code } from './wifidog-verdicts.ts';

const MOST_CLIENTS = 5_000;
const MOST_GATEWAYS = 64;

/** Numbers come as numbers or as text, by firmware. */
const octets = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).catch(0);
const text = z.string().max(100).catch('');

const Client = z.looseObject({
  id: z.union([z.number(), z.string().max(64)]).optional(),
  ip: text,
  mac: text,
  token: text,
  incoming: octets,
  outgoing: octets,
  incoming_bytes: octets,
  outgoing_bytes: octets,
  incoming_bytes_v6: octets,
  outgoing_bytes_v6: octets,
});
const Group = z.looseObject({
  gw_id: z.string().max(100),
  clients: z.array(Client).max(MOST_CLIENTS).catch([]),
});
const Newer = z.looseObject({ gateway: z.array(Group).max(MOST_GATEWAYS) });

type Client = z.infer<typeof Client>;

export interface Counted {
  /** How the answer must look. */
  shape: 'newer' | 'older';
  groups: { gwId: string; clients: { id: number | string; call: ClientCall }[] }[];
}

/** Whoever has no id is named by the place in the list. */
function counted(client: Client, place: number): { id: number | string; call: ClientCall } {
  const { token, ip } = client;
  return {
    id: client.id ?? place,
    call: {
      token,
      mac: normaliseMac(client.mac),
      ip: ip.slice(0, 45),
      bytesIn: client.incoming_bytes + client.incoming_bytes_v6 + client.incoming,
      bytesOut: client.outgoing_bytes + client.outgoing_bytes_v6 + client.outgoing,
    },
  };
}

export function readCounters(body: string): Counted | null {
  let said: unknown;
  try {
    said = JSON.parse(body);
  } catch {
    return null;
  }
  const group = ({ gw_id, clients }: z.infer<typeof Group>) => ({
    gwId: gw_id,
    clients: clients.map(counted),
  });
  const newer = Newer.safeParse(said);
  if (newer.success) return { shape: 'newer', groups: newer.data.gateway.map(group) };
  const older = Group.safeParse(said);
  return older.success ? { shape: 'older', groups: [group(older.data)] } : null;
}

export interface Answered {
  gwId: string;
  codes: { id: number | string; code: Code }[];
}

export function writeCounters(shape: Counted['shape'], answered: Answered[]): string {
  const results = answered.map(({ gwId, codes }) => ({
    gw_id: gwId,
    auth_op: codes.map(({ id, code }) => ({ id, auth_code: code })),
  }));
  return JSON.stringify(shape === 'newer' ? { result: results } : (results[0] ?? {}));
}
