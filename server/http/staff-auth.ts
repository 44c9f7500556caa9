/** How a merchant's system or person says who they are: an API key, or the sign-in cookie of our own pages. */
import type { Request } from 'express';
import { problem } from '../errors.ts';
import type { MerchantCaller, Scope } from './route.ts';
import { cookieOf, signInCookie } from './cookies.ts';
import { comesFromUs, csrfMatches, isUnsafe } from './csrf.ts';

export interface StaffCallers {
  /** The system behind an API key, or null. */
  byKey(key: string): Promise<MerchantCaller | null>;
  /** The person behind a sign-in token, with the hash their CSRF token is made from. */
  bySignIn(token: string): Promise<{ caller: MerchantCaller; tokenHash: Buffer } | null>;
}

export interface MerchantGuardDeps {
  callers: StaffCallers;
  csrfKey: Buffer;
  /** How staff reach this server, without a slash at the end. */
  publicUrl: string;
}

/**
 * The guard of routes with a scope. A request with an Authorization header is judged by that alone;
 * the cookie counts only without one, and an unsafe request by cookie must come from our own pages.
 */
export function merchantGuard(
  deps: MerchantGuardDeps,
): (request: Request, scope: Scope) => Promise<MerchantCaller> {
  return async (request, scope) => {
    const caller =
      request.headers.authorization === undefined
        ? await byCookie(deps, request)
        : await byHeader(deps, request.headers.authorization);
    if (!caller) throw problem('unauthenticated');
    if (!caller.scopes.includes(scope)) {
      throw problem('forbidden', { detail: `The scope ${scope} is needed.` });
    }
    return caller;
  };
}

async function byHeader(
  deps: MerchantGuardDeps,
  authorization: string,
): Promise<MerchantCaller | null> {
  const key = /^Bearer\s+(fk_[\w-]{1,120})\s*$/i.exec(authorization)?.[1];
  return key === undefined ? null : deps.callers.byKey(key);
}

async function byCookie(deps: MerchantGuardDeps, request: Request): Promise<MerchantCaller | null> {
  const token = cookieOf(request, signInCookie(deps.publicUrl));
  const found = token === undefined ? null : await deps.callers.bySignIn(token);
  if (!found) return null;
  if (isUnsafe(request.method)) {
    const fits = csrfMatches(deps.csrfKey, found.tokenHash, request.headers['x-csrf-token']);
    if (!fits || !comesFromUs(request.headers, deps.publicUrl)) throw problem('cross-site');
  }
  return found.caller;
}
