/** The cookies of people who work here: the sign-in, the visitor before it, and preferences. */
import type { Request, Response } from 'express';

/** One cookie of the request, or undefined. */
export function cookieOf(request: Pick<Request, 'headers'>, name: string): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [key, ...rest] = part.split('=');
    if (key?.trim() === name) return rest.join('=').trim();
  }
  return undefined;
}

/** `__Host-` makes the browser itself refuse a cookie planted by a neighbour; it needs https. */
export function signInCookie(publicUrl: string): string {
  return publicUrl.startsWith('https:') ? '__Host-foyer' : 'foyer';
}

export function visitorCookie(publicUrl: string): string {
  return publicUrl.startsWith('https:') ? '__Host-foyer-visitor' : 'foyer_visitor';
}

export function setSecret(
  response: Response,
  publicUrl: string,
  name: string,
  value: string,
  maxAge: number,
): void {
  response.cookie(name, value, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: publicUrl.startsWith('https:'),
    maxAge,
  });
}

export function dropSecret(response: Response, publicUrl: string, name: string): void {
  response.clearCookie(name, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: publicUrl.startsWith('https:'),
  });
}

const year = 365 * 24 * 3_600_000;

/** Language, look, chosen store: nothing secret, kept for a year. */
export function setPreference(response: Response, name: string, value: string): void {
  response.cookie(name, value, { path: '/console', sameSite: 'lax', maxAge: year });
}
