/** The cookie by which a browser is known again at one store: a token and nothing else. */
import type { Request, Response } from 'express';
import type { Kit } from './kit.ts';
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

/** Nothing of the journey depends on it: without cookies a guest is merely not recognised. */
export function deviceOf(kit: Kit, store: StoreView, req: Request, res: Response): DeviceMemory {
  const name = nameOf(kit);
  const secure = name.startsWith('__Secure-');
  const set = (value: string, seconds: number) => {
    const parts = [`${name}=${value}`, `Path=${basePath(store)}`, `Max-Age=${seconds}`];
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
  };
}
