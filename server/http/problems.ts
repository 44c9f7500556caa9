/** The only place where thrown errors become replies: RFC 9457 problem+json, no stack, no personal data. */
import type { ErrorRequestHandler, Request, RequestHandler } from 'express';
import type { Log } from '../log.ts';
import { ProblemError, problem } from '../errors.ts';

/** Answers whatever no route took. */
export const notFound: RequestHandler = () => {
  throw problem('not-found');
};

/** The pattern of the address, for logs: the address itself may hold a code or a one-time link. */
export function routeOf(request: Pick<Request, 'route'>): string {
  return (request.route as { path?: string } | undefined)?.path ?? 'none';
}

/** Express error handler: known problems as they are, the rest as `internal` and logged. */
export function problems(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const known = asProblem(error);
    if (known.status >= 500 && known.code !== 'draining') {
      log.error({ err: error, route: routeOf(request), method: request.method }, 'request failed');
    }
    if (known.extras.retryAfter !== undefined) {
      response.setHeader('Retry-After', String(Math.ceil(known.extras.retryAfter)));
    }
    if (known.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    response
      .status(known.status)
      .type('application/problem+json')
      .setHeader('Cache-Control', 'no-store')
      .send(JSON.stringify(body(known)));
  };
}

/** The problem document of `error`. */
export function body(error: ProblemError): Record<string, unknown> {
  const { retryAfter: _, ...extras } = error.extras;
  return {
    type: `urn:foyer:problem:${error.code}`,
    title: error.title,
    status: error.status,
    code: error.code,
    ...extras,
  };
}

/** A text with NUL, in a column or inside a document: only the client can have sent it. */
const unstorable = new Set(['22021', '22P05']);
const connectionLost = /^(08|57P0[123]|53300|ECONN|ETIMEDOUT|EPIPE)/;

const unreadable = /^(encoding|charset|request|entity|stream)\./;

/** Maps what libraries throw (body-parser, database drivers) onto our own table. */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const { type, code, status } = (error ?? {}) as Record<'type' | 'code' | 'status', unknown>;
  if (type === 'entity.parse.failed') return problem('malformed-json');
  if (type === 'entity.too.large') return problem('body-too-large');
  if (error instanceof URIError)
    return problem('invalid-request', { detail: 'The address is not valid.' });
  // Compressed bodies that are broken carry no type, only a status.
  const theirs = typeof status === 'number' && status >= 400 && status < 500;
  if (theirs || (typeof type === 'string' && unreadable.test(type))) {
    return problem('invalid-request', { detail: 'The body could not be read.' });
  }
  if (typeof code === 'string' && unstorable.has(code)) {
    return problem('invalid-request', { detail: 'A text holds a sign that cannot be stored.' });
  }
  if (typeof code === 'string' && connectionLost.test(code)) {
    return problem('unavailable', { retryAfter: 5 });
  }
  return problem('internal');
}
