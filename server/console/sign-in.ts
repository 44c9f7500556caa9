/** The pages before and around signing in: sign in, sign out, the first owner's link. */
import express from 'express';
import type { Request, Response, Router } from 'express';
import { ProblemError } from '../errors.ts';
import { weakness } from '../staff/passwords.ts';
import {
  absoluteMs,
  createFirstOwner,
  normaliseEmail,
  ownerLinkIsOpen,
  signIn,
  signOut,
  signOutEverywhere,
} from '../staff/sign-in.ts';
import { cookieOf, dropSecret, setSecret, signInCookie, visitorCookie } from '../http/cookies.ts';
import type { ConsoleDeps } from './deps.ts';
import { field, pageOf, query, renderPage, staffOf } from './page.ts';

const emailShape = /^[^\s@]+@[^\s@]+$/;

export function signInPages(deps: ConsoleDeps): Router {
  const router = express.Router();
  router.get('/sign-in', async (request, response) => {
    if (pageOf(response).staff) {
      response.redirect(303, '/console');
      return;
    }
    await renderPage(response, 'sign-in', { next: query(request, 'next'), email: '', refused: '' });
  });
  router.post('/sign-in', (request, response) => enter(deps, request, response));
  router.post('/sign-out', async (request, response) => {
    const token = cookieOf(request, signInCookie(deps.publicUrl));
    if (token) await signOut(deps, token);
    leave(deps, response);
  });
  router.post('/sign-out-everywhere', async (_request, response) => {
    await signOutEverywhere(deps, staffOf(response));
    leave(deps, response);
  });
  router.get('/start/:link', async (request, response) => {
    const open = await ownerLinkIsOpen(deps, request.params.link);
    await renderPage(response, 'welcome', { open, typed: {}, refused: {} }, open ? 200 : 404);
  });
  router.post('/start/:link', (request, response) => begin(deps, request, response));
  return router;
}

async function enter(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const email = field(request, 'email', 254);
  const password = (request.body as { password?: unknown } | undefined)?.password;
  const next = localPath(field(request, 'next', 2000));
  const held = cookieOf(request, signInCookie(deps.publicUrl));
  try {
    const token = await signIn(
      deps,
      {
        email,
        password: typeof password === 'string' ? password.slice(0, 1000) : '',
        ip: request.ip ?? '',
        userAgent: request.headers['user-agent'] ?? '',
      },
      held,
    );
    admit(deps, response, token);
    response.redirect(303, next);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    const { retryAfter } = error.extras;
    if (error.code === 'unauthenticated') {
      deps.log.warn({ event: 'sign-in-refused' }, 'sign-in refused');
    } else if (error.code === 'too-many-requests') {
      deps.log.warn({ event: 'sign-in-throttled' }, 'sign-in throttled');
    } else throw error;
    if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter));
    await renderPage(
      response,
      'sign-in',
      { next, email, refused: error.code, minutes: Math.ceil((retryAfter ?? 0) / 60) },
      error.status,
    );
  }
}

async function begin(
  deps: ConsoleDeps,
  request: Request<{ link: string }>,
  response: Response,
): Promise<void> {
  const typed = {
    merchantName: field(request, 'merchantName', 120),
    name: field(request, 'name', 120),
    email: normaliseEmail(field(request, 'email', 254)),
  };
  const password = (request.body as { password?: unknown } | undefined)?.password;
  const secret = typeof password === 'string' ? password.slice(0, 1000) : '';
  const weak = weakness(secret, [typed.email.split('@')[0] ?? '', typed.name, typed.merchantName]);
  const refused: Record<string, string> = {
    ...(typed.merchantName ? {} : { merchantName: 'missing' }),
    ...(typed.name ? {} : { name: 'missing' }),
    ...(emailShape.test(typed.email) ? {} : { email: 'not-mail' }),
    ...(weak ? { password: weak } : {}),
  };
  const open = await ownerLinkIsOpen(deps, request.params.link);
  if (!open || Object.keys(refused).length > 0) {
    await renderPage(response, 'welcome', { open, typed, refused }, open ? 422 : 404);
    return;
  }
  const userAgent = request.headers['user-agent'] ?? '';
  const token = await createFirstOwner(deps, request.params.link, {
    ...typed,
    password: secret,
    userAgent,
  }).catch((error: unknown) => {
    if ((error as { code?: unknown }).code === '23505') return null;
    throw error;
  });
  if (token === null) {
    await renderPage(response, 'welcome', { open, typed, refused: { email: 'mail-taken' } }, 422);
    return;
  }
  deps.log.info({ event: 'owner-created' }, 'the first owner was created');
  admit(deps, response, token);
  response.redirect(303, '/console');
}

function admit(deps: ConsoleDeps, response: Response, token: string): void {
  setSecret(response, deps.publicUrl, signInCookie(deps.publicUrl), token, absoluteMs);
  dropSecret(response, deps.publicUrl, visitorCookie(deps.publicUrl));
}

function leave(deps: ConsoleDeps, response: Response): void {
  dropSecret(response, deps.publicUrl, signInCookie(deps.publicUrl));
  response.setHeader('Clear-Site-Data', '"cache"');
  response.redirect(303, '/console/sign-in');
}

/** PURE. Where to go after signing in: one of our own pages, or the front one. */
export function localPath(next: string): string {
  const base = 'http://local';
  if (!next.startsWith('/console') || !URL.canParse(next, base)) return '/console';
  const url = new URL(next, base);
  const ours = url.origin === base && /^\/console(\/|$)/.test(url.pathname);
  return ours && !url.pathname.startsWith('/console/sign-')
    ? `${url.pathname}${url.search}`
    : '/console';
}
