/** Renders one console page: EJS inside the layout, everything escaped, under a strict policy. */
import path from 'node:path';
import ejs from 'ejs';
import type { Request, RequestHandler, Response } from 'express';
import type { Database, Queryable } from '../db/database.ts';
import type { Scope } from '../http/route.ts';
import { problem } from '../errors.ts';
import type { SignedIn } from '../staff/queries.ts';
import type { StoreChoice } from '../stores/queries.ts';
import type { Format } from './format.ts';
import type { Section } from './navigation.ts';
import type { Language, Translate } from './texts.ts';

/** What every page knows about who asks and how they like it; made by context.ts. */
export interface Page {
  /** Null only on the pages before signing in. */
  staff: SignedIn | null;
  scopes: readonly Scope[];
  /** The merchant's stores and the chosen one; null when there is none yet. */
  stores: StoreChoice[];
  store: StoreChoice | null;
  /** For the hidden field `csrf` of every form, or the header `x-csrf-token`. */
  csrf: string;
  locale: Language;
  look: 'auto' | 'light' | 'dark';
  t: Translate;
  /** In the chosen store's time zone. */
  f: Format;
  nonce: string;
  /** Address without its query, for `aria-current` and the language switch. */
  path: string;
  now: Date;
  sections: Section[];
  /** One line about what the last form did, or ''. */
  flash: string;
  /** Whether this person's role grants a scope. */
  can(scope: Scope): boolean;
  /** This very page with some query parameters changed; '' removes one. */
  link(changes: Record<string, string>): string;
  asset(name: string): string;
}

export function pageOf(response: Response): Page {
  return response.locals['page'] as Page;
}

/** The person signed in; only behind the sign-in wall. */
export function staffOf(response: Response): SignedIn {
  const { staff } = pageOf(response);
  if (!staff) throw problem('unauthenticated');
  return staff;
}

/** Works in a transaction as the merchant of whoever is signed in. */
export function within<T>(
  { db }: { db: Database },
  response: Response,
  work: (tx: Queryable, merchantId: string) => Promise<T>,
): Promise<T> {
  const { merchantId } = staffOf(response);
  return db.tx((tx) => work(tx, merchantId), { tenant: merchantId });
}

/** Lets a page's routes through only for people whose role grants `scope`. */
export function needs(scope: Scope): RequestHandler {
  return (_request, response, next) => {
    next(pageOf(response).can(scope) ? undefined : problem('forbidden'));
  };
}

const views = path.join(import.meta.dirname, 'views');

/** Sends `views/<view>.ejs` with the page's context and `data`. The view includes layout/header and layout/footer. */
export async function renderPage(
  response: Response,
  view: string,
  data: Record<string, unknown> = {},
  status = 200,
): Promise<void> {
  const page = pageOf(response);
  const html = await ejs.renderFile(
    path.join(views, `${view}.ejs`),
    { ...page, title: page.t(`${view}.title`), scripts: [], styles: [], section: '', ...data },
    { cache: !import.meta.filename.endsWith('.ts'), async: false, root: views },
  );
  response.status(status).type('html').send(html);
}

/** Sends the browser on after a form, with one line that the next page shows (a key below `flash.`). */
export function done(response: Response, to: string, flash?: string): void {
  const url = new URL(to, 'http://local');
  if (flash) url.searchParams.set('done', flash);
  response.redirect(303, `${url.pathname}${url.search}${url.hash}`);
}

/** One field of a form as text, trimmed and bounded; absent or repeated is ''. */
export function field(request: Request, name: string, max = 500): string {
  const value = (request.body as Record<string, unknown> | undefined)?.[name];
  return typeof value === 'string' ? value.trim().slice(0, max) : '';
}

/** A field that may be ticked several times. */
export function fields(request: Request, name: string): string[] {
  const value = (request.body as Record<string, unknown> | undefined)?.[name];
  const list = Array.isArray(value) ? value : [value];
  return list.filter((item): item is string => typeof item === 'string').slice(0, 200);
}

/** A row's id from the address; anything else is nobody's. */
export function isId(value: unknown): string {
  if (typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) {
    return value.toLowerCase();
  }
  throw problem('not-found');
}

/** One query parameter as bounded text. */
export function query(request: Request, name: string, max = 200): string {
  const value = request.query[name];
  return typeof value === 'string' ? value.trim().slice(0, max) : '';
}
