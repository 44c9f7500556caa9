/** The code of a printed slip whose QR a guest scanned: it waits in the browser for the field that asks for it. */
import type { Request, Response } from 'express';
import type { Kit } from './kit.ts';
import { basePath } from './kit.ts';
import type { StoreView } from './ports-store.ts';

const NAME = 'foyer-slip';
/** Upper case, with the dashes it is printed with; nothing that a cookie or a page would read as its own. */
const CODE = /^[A-Z0-9](?:-?[A-Z0-9]){3,39}$/;
/** Long enough to find the WiFi in the phone's settings. */
const KEPT_S = 30 * 60;
const MAX_HEADER = 4_096;

/** The code in the address of a slip, where the store takes codes. */
export function scannedSlip(store: StoreView, fields: URLSearchParams): string | null {
  const code = fields.get('code') ?? '';
  return store.methods.includes('voucher') && CODE.test(code) ? code : null;
}

export function keepSlip(kit: Kit, store: StoreView, code: string, res: Response): void {
  const secure = kit.settings.publicUrl.startsWith('https:') ? '; Secure' : '';
  const flags = `Path=${basePath(store)}; Max-Age=${KEPT_S}; HttpOnly; SameSite=Lax${secure}`;
  res.append('Set-Cookie', `${NAME}=${code}; ${flags}`);
}

/** What stands in the field until the guest types something else; never sent by itself. */
export function slipOf(req: Request): string {
  for (const part of (req.headers.cookie ?? '').slice(0, MAX_HEADER).split(';')) {
    const [name, value = ''] = part.trim().split('=');
    if (name === NAME && CODE.test(value)) return value;
  }
  return '';
}
