/** What every answer of the portal says about itself: nothing cached, nothing foreign, nothing framed. */
import type { Response } from 'express';

/**
 * `form-action 'self'` is safe because no form of ours is ever answered with a redirect out of the
 * portal: browsers apply it to the whole chain, so the way to a gateway's door is a page of its own.
 */
export function contentSecurityPolicy(nonce: string | null, scripted: boolean): string {
  const parts = ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"];
  if (nonce !== null) {
    parts.push(`style-src 'nonce-${nonce}'`, "img-src 'self' data:", "form-action 'self'");
    if (scripted) parts.push(`script-src 'nonce-${nonce}'`, "connect-src 'self'");
  } else parts.push("form-action 'none'");
  return parts.join('; ');
}

export function guard(res: Response): void {
  res.set({
    'Content-Security-Policy': contentSecurityPolicy(null, false),
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
    'Cross-Origin-Opener-Policy': 'same-origin',
  });
}
