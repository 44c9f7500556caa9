/** From a request to the shop and the journey it speaks of, and from a page to the answer. */
import type { Request, Response } from 'express';
import type { Journey } from './context.ts';
import { deviceOf } from './device.ts';
import { contentSecurityPolicy, guard } from './headers.ts';
import type { Kit } from './kit.ts';
import { inLanguage } from './kit.ts';
import type { Language, StoreView } from './ports-store.ts';
import type { Shown } from './render.ts';
import type { SorryFor } from './sorry.ts';
import { slipOf } from './slip.ts';
import { sorryPage } from './sorry.ts';
import { languageFromHeader, languagesOf, offered } from './texts.ts';
import type { Walker } from './walk.ts';

/** Who asks, before anything about a journey is known. */
export interface Guest {
  store: StoreView;
  language: Language;
}

type GuestHandler = (guest: Guest, req: Request, res: Response) => unknown;

const SLUG = /^[\w-]{1,64}$/;

/** A request's fields are looked at from several places. */
const fieldsRead = new WeakMap<Request, URLSearchParams>();

/** The query as it was sent: gateways' base64 does not survive a parser that knows better. Not to be changed. */
export function fieldsOf(req: Request): URLSearchParams {
  const known = fieldsRead.get(req);
  if (known !== undefined) return known;
  const cut = req.originalUrl.indexOf('?');
  const fields = new URLSearchParams(cut < 0 ? '' : req.originalUrl.slice(cut + 1));
  fieldsRead.set(req, fields);
  return fields;
}

/** Asked for in the address, else by the browser, else the shop's own. */
export function languageOf(req: Request, store: StoreView | null): Language {
  const languages = languagesOf(store);
  const wished = offered(languages, fieldsOf(req).get('lang'));
  const [first = 'en'] = languages;
  const otherwise = offered(languages, store?.defaultLanguage) ?? first;
  return wished ?? languageFromHeader(req.headers['accept-language'], otherwise, languages);
}

/** What only this request tells, beside the journey it speaks of. */
export function walkerOf(
  kit: Kit,
  store: StoreView,
  journey: Journey,
  req: Request,
  res: Response,
): Walker {
  const userAgent = (req.headers['user-agent'] ?? '').slice(0, 400);
  const device = deviceOf(kit, store, req, res);
  return { store, journey, networkIp: req.ip ?? '', userAgent, device, slip: slipOf(req) };
}

export function show(kit: Kit, res: Response, { page, status }: Shown): void {
  const { html, nonce } = kit.renderer.page(page);
  guard(res);
  const scripted = page.poll !== undefined || page.formTo !== undefined;
  const formTo = page.formTo === undefined ? {} : { formTo: page.formTo };
  res.setHeader('Content-Security-Policy', contentSecurityPolicy(nonce, { scripted, ...formTo }));
  res.setHeader('Content-Language', page.language);
  res.setHeader('Content-Type', 'text/html; charset=utf-8');
  res.statusCode = status;
  // Sent as it is: what nobody may keep needs no tag to be recognised by.
  res.end(html);
}

export function showSorry(kit: Kit, res: Response, sorry: SorryFor): void {
  show(kit, res, sorryPage(kit, sorry));
}

/** Resolves the shop of the URL once; without one there is nothing to do but say so. */
export function withStore(kit: Kit, handle: GuestHandler) {
  return async (req: Request, res: Response): Promise<void> => {
    guard(res);
    const slug = String(req.params['store']);
    const store = SLUG.test(slug) ? await kit.ports.desk.store(slug) : null;
    const language = languageOf(req, store);
    if (store === null) {
      const here = req.method === 'GET' ? { here: req.originalUrl } : {};
      return showSorry(kit, res, { kind: 'unknown-store', store, language, ...here });
    }
    await handle({ store, language }, req, res);
  };
}

/** The journey of a sealed link, or null when the answer has been given: start again, calmly. */
export function opened(
  kit: Kit,
  { store, language }: Guest,
  sealed: string | null,
  req: Request,
  res: Response,
): Journey | null {
  const wished = offered(languagesOf(store), fieldsOf(req).get('lang'));
  const read = kit.seal.open(sealed ?? '', store);
  if (read.ok) return inLanguage(read.journey, wished);
  const here = req.method === 'GET' ? { here: req.originalUrl } : {};
  if (read.reason === 'forged') {
    showSorry(kit, res, { kind: 'broken', store, language, ...here });
    return null;
  }
  const { journey } = read;
  showSorry(kit, res, {
    kind: journey.session === undefined ? 'expired' : 'ended',
    store,
    journey,
    language: wished ?? journey.language,
    ...here,
  });
  return null;
}
