/** PURE. What openNDS level 0 (and nodogsplash) says in clear: no key, no client address on the radio. */
import { createHash } from 'node:crypto';
import { bareGatewayName } from './opennds-fas.ts';

/** What a level 0 redirect tells, once its second question mark has been put right. */
export interface ClearQuery {
  /** `address:port` of the gateway. */
  address: string;
  /** Name of the door's directory. */
  authDir: string;
  ip: string;
  /** The gateway's name as the merchant gave it. */
  name: string;
  /** The client's token: shown back, it opens the door. */
  token: string;
  origin: string;
}

const DOOR = /^http:\/\/([^/?#@]{1,60})\/([\w-]{1,64})\/(?:\?(.*))?$/s;
const TOKEN = /^[0-9a-f]{8}$/i;

/**
 * `?authaction=http://gw/opennds_auth/?clientip=…&gatewayname=…&tok=…&redir=…`: nothing is escaped, so
 * the first field swallows the question mark and the field behind it.
 */
export function readClear(query: URLSearchParams): ClearQuery | null {
  const door = DOOR.exec(query.get('authaction') ?? '');
  if (door === null) return null;
  const [, address = '', authDir = '', swallowed = ''] = door;
  const inner = new URLSearchParams(swallowed);
  const field = (name: string) => inner.get(name) ?? query.get(name) ?? '';
  const token = field('tok').toLowerCase();
  if (!TOKEN.test(token)) return null;
  const ip = field('clientip').slice(0, 45);
  return {
    address,
    authDir,
    ip,
    name: bareGatewayName(field('gatewayname')),
    token,
    origin: field('redir'),
  };
}

/**
 * Level 0 never tells the client's MAC. A locally administered one made of the gateway and its token
 * stands in: the same while this client is known to the gateway, and never the one of a real card.
 */
export function standInMac(gatewayId: string, token: string): string {
  const hash = createHash('sha256').update(`${gatewayId} ${token}`).digest();
  const octets = [...hash.subarray(0, 6)];
  octets[0] = ((octets[0] ?? 0) & 0xfc) | 0x02;
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join(':');
}

/** sha256 hex of the token's text, as the higher levels send it. */
export function hidOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
