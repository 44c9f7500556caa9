/** What every answer of the portal says about itself: nothing cached, nothing foreign, nothing framed. */
import type { Response } from 'express';

/** What a page may do beyond showing itself. */
export interface Allowed {
  scripted: boolean;
  /** The gateway's door to which the page's one form is sent. */
  formTo?: string;
}

/** Scheme, host and path of an address as a CSP source; anything that would end the source is encoded. */
function sourceOf(address: string): string {
  const { origin, pathname } = new URL(address);
  return origin + pathname.replaceAll(';', '%3B').replaceAll(',', '%2C');
}

/**
 * `form-action 'self'` is safe because no form of ours is ever answered with a redirect out of the
 * portal: browsers apply it to the whole chain, so the way to a gateway's door is a page of its own.
 * Where that page holds a form for the gateway, exactly its target is allowed besides, and ourselves
 * for the redirect by which the gateway sends the browser back.
 */
export function contentSecurityPolicy(nonce: string | null, allowed: Allowed): string {
  const parts = ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"];
  if (nonce !== null) {
    const target = allowed.formTo === undefined ? '' : ` ${sourceOf(allowed.formTo)}`;
    parts.push(`style-src 'nonce-${nonce}'`, "img-src 'self' data:", `form-action 'self'${target}`);
    if (allowed.scripted) parts.push(`script-src 'nonce-${nonce}'`, "connect-src 'self'");
  } else parts.push("form-action 'none'");
  return parts.join('; ');
}

const GUARDED = Object.entries({
  'Content-Security-Policy': contentSecurityPolicy(null, { scripted: false }),
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Cross-Origin-Opener-Policy': 'same-origin',
});

export function guard(res: Response): void {
  for (const [name, value] of GUARDED) res.setHeader(name, value);
}

/** On with a GET, to an address of our own making; nobody reads more of this answer than where it leads. */
export function seeOther(res: Response, location: string): void {
  res.statusCode = 303;
  res.setHeader('Location', location);
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.end('See other\n');
}
