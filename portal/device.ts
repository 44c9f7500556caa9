/** The cookies of a browser at one store: the token it is known again by, and the mark that it was let in here. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Kit } from './kit.ts';
import { INSIDE_MS } from './context.ts';
import { basePath } from './kit.ts';
import type { StoreView } from './ports-store.ts';
import type { DeviceMemory } from './walk.ts';

const TOKEN = /^[\w.~-]{16,200}$/;
const DAY_S = 86_400;
const MAX_HEADER = 4_096;

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

/** What only the browser that was let into this session holds. */
function markOf(kit: Kit, store: StoreView, sessionId: string): string {
  const said = `foyer let in\n${store.id}\n${sessionId}`;
  return createHmac('sha256', kit.settings.secret).update(said).digest('base64url');
}

/**
 * Whether this is the browser that was let into the session. The address of a journey does not show it:
 * gateways hand it back over plain http, where everybody nearby can read it.
 */
export function wasLetIn(kit: Kit, store: StoreView, sessionId: string, req: Request): boolean {
  const shown = Buffer.from(read(req.headers.cookie, `${nameOf(kit)}-in`) ?? '');
  const mark = Buffer.from(markOf(kit, store, sessionId));
  return shown.length === mark.length && timingSafeEqual(shown, mark);
}

/** Nothing of the journey depends on it: without cookies a guest is merely not recognised. */
export function deviceOf(kit: Kit, store: StoreView, req: Request, res: Response): DeviceMemory {
  const name = nameOf(kit);
  const secure = name.startsWith('__Secure-');
  const set = (value: string, seconds: number, what = '', under = '') => {
    const path = `Path=${basePath(store)}${under}`;
    const parts = [`${name}${what}=${value}`, path, `Max-Age=${seconds}`];
    const flags = ['HttpOnly', 'SameSite=Lax', ...(secure ? ['Secure'] : [])];
    res.append('Set-Cookie', [...parts, ...flags].join('; '));
  };
  return {
    token: read(req.headers.cookie, name),
    keep(token) {
      const days = store.policy?.rememberDays ?? 0;
      if (TOKEN.test(token) && days > 0) set(token, days * DAY_S);
    },
    drop: () => set('', 0),
    letIn: (sessionId) => set(markOf(kit, store, sessionId), INSIDE_MS / 1000, '-in', '/mine'),
  };
}
