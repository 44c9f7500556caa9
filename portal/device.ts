/** The cookies of a browser at one store: the token it is known again by, and marks of what it began itself. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Kit } from './kit.ts';
import { INSIDE_MS } from './context.ts';
import { basePath } from './kit.ts';
import type { StoreView } from './ports-store.ts';
import type { DeviceMemory } from './walk.ts';

const TOKEN = /^[\w.~-]{16,200}$/;
const DAY_S = 86_400;
const MAX_HEADER = 4_096;
/** As long as a journey waits for a provider. */
const AWAY_S = 15 * 60;

/** As long as a journey is kept for a browser that comes back by another redirect, its grace included. */
const BEGAN_S = 30 * 60;

/** `-in`: let into a session; `-away`: left for a provider; `-way`: began a journey. */
type Mark = '-in' | '-away' | '-way';

/** `__Secure-` where it can be: `__Host-` would send every store's token to every other store. */
function nameOf(kit: Kit): string {
  return kit.settings.publicUrl.startsWith('https:') ? '__Secure-foyer' : 'foyer';
}

function read(header: string | undefined, name: string): string | null {
  for (const part of (header ?? '').slice(0, MAX_HEADER).split(';')) {
    const cut = part.indexOf('=');
    if (part.slice(0, cut).trim() !== name) continue;
    const value = part.slice(cut + 1).trim();
    if (TOKEN.test(value)) return value;
  }
  return null;
}

function setCookie(
  kit: Kit,
  res: Response,
  { what, path }: { what: Mark | ''; path: string },
  value: string,
  seconds: number,
): void {
  const name = nameOf(kit);
  const parts = [`${name}${what}=${value}`, `Path=${path}`, `Max-Age=${seconds}`];
  const flags = ['HttpOnly', 'SameSite=Lax', ...(name.startsWith('__Secure-') ? ['Secure'] : [])];
  res.append('Set-Cookie', [...parts, ...flags].join('; '));
}

/** What only the browser that was let into this session, or began this journey, holds. */
function markOf(kit: Kit, store: StoreView, what: 'let in' | 'began', id: string): string {
  const said = `foyer ${what}\n${store.id}\n${id}`;
  return createHmac('sha256', kit.settings.secret).update(said).digest('base64url');
}

/**
 * Whether this is the browser that was let into the session. The address of a journey does not show it:
 * gateways hand it back over plain http, where everybody nearby can read it.
 */
export function wasLetIn(kit: Kit, store: StoreView, sessionId: string, req: Request): boolean {
  return shows(kit, req, '-in', markOf(kit, store, 'let in', sessionId));
}

function shows(kit: Kit, req: Request, what: Mark, mark: string): boolean {
  const shown = Buffer.from(read(req.headers.cookie, nameOf(kit) + what) ?? '');
  const meant = Buffer.from(mark);
  return shown.length === meant.length && timingSafeEqual(shown, meant);
}

const hashOf = (state: string): string => createHash('sha256').update(state).digest('base64url');

/** Notes in this browser that it leaves for a provider under this state. */
export function noteLeaving(kit: Kit, store: StoreView, state: string, res: Response): void {
  setCookie(kit, res, { what: '-away', path: `${basePath(store)}/oidc` }, hashOf(state), AWAY_S);
}

/**
 * Whether the browser that comes back is the one that left. Else whoever is made to follow a prepared
 * link would sign in for somebody else's device.
 */
export function leftHere(kit: Kit, state: string, req: Request): boolean {
  return shows(kit, req, '-away', hashOf(state));
}

/** Nothing of the journey depends on it: without cookies a guest is merely not recognised. */
export function deviceOf(kit: Kit, store: StoreView, req: Request, res: Response): DeviceMemory {
  const base = basePath(store);
  const set = (value: string, seconds: number) =>
    setCookie(kit, res, { what: '', path: base }, value, seconds);
  const inside = { what: '-in', path: base } as const;
  // Vendors' own addresses stand beside the store's, and lead there.
  const way = { what: '-way', path: '/' } as const;
  return {
    token: read(req.headers.cookie, nameOf(kit)),
    keep(token) {
      const days = store.policy?.rememberDays ?? 0;
      if (TOKEN.test(token) && days > 0) set(token, days * DAY_S);
    },
    drop: () => set('', 0),
    letIn(sessionId, claimable) {
      // Nothing else would ever read it.
      if (kit.ports.self === undefined && !claimable) return;
      setCookie(kit, res, inside, markOf(kit, store, 'let in', sessionId), INSIDE_MS / 1000);
    },
    wasLetIn: (sessionId) => wasLetIn(kit, store, sessionId, req),
    began: (binding) => setCookie(kit, res, way, markOf(kit, store, 'began', binding), BEGAN_S),
    holds: (binding) => shows(kit, req, '-way', markOf(kit, store, 'began', binding)),
  };
}
