/** What went wrong on a console page, in words: what happened and what to do. */
import type { ErrorRequestHandler, Request } from 'express';
import { asProblem, routeOf } from '../http/problems.ts';
import type { ConsoleDeps } from './deps.ts';
import { formatFor } from './format.ts';
import { pageOf, renderPage } from './page.ts';
import type { Page } from './page.ts';
import { languageOf, translator } from './texts.ts';

/** Codes with their own words; anything else reads as "went wrong on our side". */
const worded = new Set([
  'not-found',
  'forbidden',
  'cross-site',
  'unauthenticated',
  'too-many-requests',
  'invalid-request',
  'body-too-large',
  'unavailable',
  'conflict',
]);

export function consoleFailures(deps: ConsoleDeps): ErrorRequestHandler {
  return async (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const known = asProblem(error);
    if (known.status >= 500 && known.code !== 'draining') {
      deps.log.error(
        { err: error, route: routeOf(request), method: request.method },
        'page failed',
      );
    }
    if (known.extras.retryAfter !== undefined) {
      response.setHeader('Retry-After', String(Math.ceil(known.extras.retryAfter)));
    }
    const page = (response.locals['page'] as Page | undefined) ?? strangerPage(deps, request);
    response.locals['page'] = page;
    const words = worded.has(known.code) ? known.code : 'internal';
    await renderPage(
      response,
      'failure',
      {
        title: pageOf(response).t(`failure.${words}.title`),
        words,
        detail: known.status < 500 ? known.extras.detail : undefined,
      },
      known.status,
    );
  };
}

/** A page for when not even the context could be made (the database is away, the cookie unreadable). */
function strangerPage(deps: ConsoleDeps, request: Request): Page {
  const locale = languageOf(request);
  return {
    staff: null,
    scopes: [],
    stores: [],
    store: null,
    csrf: '',
    locale,
    look: 'auto',
    t: translator(locale),
    f: formatFor(locale, 'UTC'),
    nonce: '',
    path: request.originalUrl.split('?')[0] ?? '',
    now: new Date(deps.clock()),
    sections: [],
    flash: '',
    can: () => false,
    link: () => '/console',
    asset: (name) => deps.assets.url(name),
  };
}
