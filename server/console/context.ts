/** Around every console page: policy headers, who is signed in, forged requests refused, store, language and look. */
import { randomBytes } from 'node:crypto';
import express from 'express';
import helmet from 'helmet';
import type { Request, RequestHandler, Response } from 'express';
import { problem } from '../errors.ts';
import { newToken } from '../ids.ts';
import { comesFromUs, csrfMatches, csrfToken, isUnsafe } from '../http/csrf.ts';
import { scopesOf } from '../staff/roles.ts';
import { whoIs } from '../staff/sign-in.ts';
import type { SignedIn } from '../staff/queries.ts';
import { storeChoices } from '../stores/queries.ts';
import type { StoreChoice } from '../stores/queries.ts';
import {
  cookieOf,
  setPreference,
  setSecret,
  signInCookie,
  visitorCookie,
} from '../http/cookies.ts';
import type { ConsoleDeps } from './deps.ts';
import { formatFor } from './format.ts';
import { sectionsFor } from './navigation.ts';
import type { Page } from './page.ts';
import { languageOf, translator } from './texts.ts';

/** Scripts and styles from our own files or with the page's nonce; tiles when configured; nothing else. */
export function policy(deps: ConsoleDeps): RequestHandler {
  const tiles = deps.tiles ? [tileSource(deps.tiles.url)] : [];
  return (_request, response, next) => {
    const nonce = randomBytes(16).toString('base64');
    response.locals['nonce'] = nonce;
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'", `'nonce-${nonce}'`],
          styleSrc: ["'self'", `'nonce-${nonce}'`],
          imgSrc: ["'self'", 'data:', ...tiles],
          connectSrc: ["'self'"],
          fontSrc: ["'self'"],
          frameSrc: ["'self'"],
          formAction: ["'self'"],
          baseUri: ["'none'"],
          frameAncestors: ["'none'"],
        },
      },
      referrerPolicy: { policy: 'same-origin' },
      strictTransportSecurity: deps.publicUrl.startsWith('https:')
        ? { maxAge: 31_536_000, includeSubDomains: false }
        : false,
    })(_request, response, next);
  };
}

function tileSource(url: string): string {
  return new URL(url.replaceAll(/[{}]/g, '')).origin.replace(/^(https?:\/\/)s\./, '$1*.');
}

/** Form bodies of at most 256 KiB; a rule or a wording is far smaller. */
export const formBody = express.urlencoded({
  extended: false,
  limit: 256 * 1024,
  parameterLimit: 1000,
});

/** Who asks, and that their unsafe requests come from our own pages. */
export function recognise(deps: ConsoleDeps): RequestHandler {
  return async (request, response, next) => {
    const staff = await whoIs(deps, cookieOf(request, signInCookie(deps.publicUrl)));
    const holder = staff?.tokenHash ?? visitorOf(deps, request, response);
    if (isUnsafe(request.method)) {
      const body = request.body as Record<string, unknown> | undefined;
      const given = request.headers['x-csrf-token'] ?? body?.['csrf'];
      const ours = comesFromUs(request.headers, deps.publicUrl);
      if (!ours || !csrfMatches(deps.csrfKey, holder, given)) throw problem('cross-site');
    }
    response.setHeader('Cache-Control', 'no-store');
    response.locals['page'] = await makePage(deps, request, response, staff, holder);
    next();
  };
}

/** Before there is a sign-in its form is bound to a random cookie: nobody can sign you in as themselves. */
function visitorOf(deps: ConsoleDeps, request: Request, response: Response): string {
  const name = visitorCookie(deps.publicUrl);
  const held = cookieOf(request, name);
  if (held && /^fv_[A-Za-z0-9_-]{32}$/.test(held)) return held;
  const fresh = newToken('fv');
  setSecret(response, deps.publicUrl, name, fresh, 3_600_000);
  return fresh;
}

async function makePage(
  deps: ConsoleDeps,
  request: Request,
  response: Response,
  staff: SignedIn | null,
  holder: Buffer | string,
): Promise<Page> {
  const locale = languageOf(request);
  if (request.query['lang'] === locale) setPreference(response, 'foyer_lang', locale);
  const stores = staff ? await storesOf(deps, staff.merchantId) : [];
  const store = chooseStore(request, response, stores);
  const scopes = staff ? scopesOf(staff.role) : [];
  return {
    staff,
    scopes,
    stores,
    store,
    csrf: csrfToken(deps.csrfKey, holder),
    locale,
    look: lookOf(request, response),
    t: translator(locale),
    f: formatFor(locale, store?.timezone ?? 'UTC'),
    nonce: response.locals['nonce'] as string,
    path: `${request.baseUrl}${request.path}`,
    now: new Date(deps.clock()),
    sections: sectionsFor(scopes),
    flash: flashOf(request, locale),
    can: (scope) => scopes.includes(scope),
    link: linkFrom(request),
    asset: (name) => deps.assets.url(name),
  };
}

function flashOf(request: Request, locale: Page['locale']): string {
  const key = request.query['done'];
  if (typeof key !== 'string' || !/^[a-z-]{1,40}$/.test(key)) return '';
  const text = translator(locale)(`flash.${key}`);
  return text === `flash.${key}` ? '' : text;
}

function linkFrom(request: Pick<Request, 'originalUrl'>): Page['link'] {
  return (changes) => {
    const url = new URL(request.originalUrl, 'http://local');
    url.searchParams.delete('done');
    for (const [name, value] of Object.entries(changes)) {
      if (value === '') url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    return `${url.pathname}${url.search}`;
  };
}

async function storesOf(deps: ConsoleDeps, merchantId: string): Promise<StoreChoice[]> {
  return deps.db.tx((tx) => storeChoices(tx, merchantId), { tenant: merchantId, readOnly: true });
}

/** The store picked just now, else the one picked last, else the first; never someone else's. */
function chooseStore(
  request: Request,
  response: Response,
  stores: StoreChoice[],
): StoreChoice | null {
  const asked = stores.find((store) => store.slug === request.query['store']);
  if (asked) setPreference(response, 'foyer_store', asked.slug);
  const last = cookieOf(request, 'foyer_store');
  return asked ?? stores.find((store) => store.slug === last) ?? stores[0] ?? null;
}

const looks = ['auto', 'light', 'dark'] as const;

function lookOf(request: Request, response: Response): Page['look'] {
  const asked = looks.find((look) => look === request.query['look']);
  if (asked) setPreference(response, 'foyer_look', asked);
  const last = cookieOf(request, 'foyer_look');
  return asked ?? looks.find((look) => look === last) ?? 'auto';
}

/** Sends strangers to the sign-in page, and back to where they wanted to go afterwards. */
export const signedInOnly: RequestHandler = (request, response, next) => {
  const { staff } = response.locals['page'] as Page;
  if (staff) {
    next();
    return;
  }
  if (isUnsafe(request.method)) throw problem('unauthenticated');
  response.redirect(303, `/console/sign-in?next=${encodeURIComponent(request.originalUrl)}`);
};
