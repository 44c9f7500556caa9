/** PURE. Which words of the connection check tell a notice, and what fills them. */
import type { GatewayKind } from '../../stores/gateway-schema.ts';

type Detail = Record<string, string>;
interface Told {
  code: string;
  detail: Detail;
}

/** Refusals that the equipment, or how it is set up, is to blame for. */
const rejections = new Set([
  'eap',
  'no-name',
  'no-credentials',
  'two-credentials',
  'mac-auth-off',
  'mac-password',
  'unknown-user',
  'wrong-password',
  'wrong-mac',
  'ticket-old',
]);
/** The house’s own no to a guest: nothing is wrong with the gateway. */
const ordinary = new Set(['expired', 'quota', 'closed', 'blocked', 'ended']);

export const isOrdinary = ({ code, detail }: Told): boolean =>
  code === 'radius-rejected' && ordinary.has(detail['reason'] ?? '');

/** A refused certificate is told with its fingerprint, to be recognised and registered. */
const certificate = /^(another certificate|\S+) ([0-9a-f]{64})$/;

function unreachableKey({ says = '' }: Detail, kind: GatewayKind): string {
  if (says === 'address refused') return 'address-refused';
  if (kind === 'portal2') return 'ac-unreachable';
  const shown = certificate.exec(says)?.[1];
  if (shown === undefined) return 'controller-unreachable';
  return shown === 'another certificate' ? 'other-certificate' : 'unsigned-certificate';
}

/** What a program says of a connection, and the words below `gateway-check.causes` for it. */
const causes: Record<string, string> = {
  ECONNREFUSED: 'port',
  ENOTFOUND: 'name',
  EAI_AGAIN: 'name',
  EHOSTUNREACH: 'way',
  ENETUNREACH: 'way',
  ETIMEDOUT: 'late',
  'too late': 'late',
};

/** What the words and the line below them are filled with. */
export function valuesOf({ says, ...detail }: Detail, name: string): Record<string, string> {
  if (says === undefined) return { ...detail, name };
  const [, , fingerprint] = certificate.exec(says) ?? [];
  if (fingerprint !== undefined) return { ...detail, name, fingerprint };
  const cause = causes[says];
  return cause === undefined ? { ...detail, name, says } : { ...detail, name, cause };
}

function doorKey(detail: Detail, kind: GatewayKind): string {
  if (detail['why'] === 'wrong-secret') return 'door-wrong-secret';
  if (detail['reason'] === 'stale') return 'door-stale';
  return kind === 'portal2' ? 'door-refused' : 'door-failed';
}

/** The notice in words: some codes have several, by their detail. */
export function keyOf({ code, detail }: Told, kind: GatewayKind): string {
  if (code === 'radius-rejected') {
    return rejections.has(detail['reason'] ?? '') ? `rejected-${detail['reason']}` : code;
  }
  if (code === 'radius-no-message-authenticator') {
    return detail['dropped'] === 'true' ? code : 'radius-unsigned';
  }
  if (code === 'door-failed') return doorKey(detail, kind);
  if (code === 'redirect-malformed' && !detail['parameter']) return 'redirect-unreadable';
  if (code === 'controller-unreachable') return unreachableKey(detail, kind);
  return code;
}
