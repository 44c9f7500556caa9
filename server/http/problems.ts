/** The only place where thrown errors become replies: RFC 9457 problem+json, no stack, no personal data. */
import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Log } from '../log.ts';
import { ProblemError, problem } from '../errors.ts';

/** Answers whatever no route took. */
export const notFound: RequestHandler = () => {
  throw problem('not-found');
};

/** Express error handler: known problems as they are, the rest as `internal` and logged. */
export function problems(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const known = asProblem(error);
    if (known.status >= 500 && known.code !== 'draining') {
      log.error({ err: error, path: request.path, method: request.method }, 'request failed');
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

const connectionLost = /^(08|57P0[123]|53300|ECONN|ETIMEDOUT|EPIPE)/;

/** Maps what libraries throw (body-parser, database drivers) onto our own table. */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const { type, code } = (error ?? {}) as { type?: unknown; code?: unknown };
  if (type === 'entity.parse.failed') return problem('malformed-json');
  if (type === 'entity.too.large') return problem('body-too-large');
  if (typeof type === 'string' && /^(encoding|charset|request|entity|stream)\./.test(type)) {
    return problem('invalid-request', { detail: 'The body could not be read.' });
  }
  if (error instanceof URIError)
    return problem('invalid-request', { detail: 'The address is not valid.' });
  if (typeof code === 'string' && connectionLost.test(code)) {
    return problem('unavailable', { retryAfter: 5 });
  }
  return problem('internal');
}
