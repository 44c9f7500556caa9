/** Routes as data: `route()` declares one, `mount()` serves a list, http/openapi.ts documents it. */
import express from 'express';
import type { Request, Response, Router } from 'express';
import { z } from 'zod';
import { problem } from '../errors.ts';

export const scopes = [
  'stores:read',
  'stores:write',
  'fences:read',
  'fences:write',
  'devices:read',
  'devices:write',
  'visits:read',
  'guests:read',
  'guests:write',
  'rules:read',
  'rules:write',
  'offers:read',
  'offers:write',
  'vouchers:redeem',
  'events:read',
] as const;
export type Scope = (typeof scopes)[number];

/** An app that sends pings, known by its token. */
export interface DeviceCaller {
  kind: 'device';
  merchantId: string;
  deviceId: string;
  guestId: string | null;
  /** It has a passphrase to encrypt its messages with. */
  encrypted?: true;
  /** It wants the fences around it as its own regions. */
  waypoints?: true;
}

/** A merchant's system (API key) or person (sign-in). */
export interface MerchantCaller {
  kind: 'key' | 'staff';
  merchantId: string;
  /** API key id or staff id. */
  id: string;
  scopes: readonly Scope[];
}

export type Access = 'public' | 'device' | Scope;
export type CallerFor<A extends Access> = A extends 'public'
  ? null
  : A extends 'device'
    ? DeviceCaller
    : MerchantCaller;

type Infer<S> = S extends z.ZodType ? z.output<S> : undefined;

export interface RouteInput<A extends Access, P, Q, B> {
  caller: CallerFor<A>;
  params: Infer<P>;
  query: Infer<Q>;
  body: Infer<B>;
  /** Lower-case request headers, for the few routes that read one (Idempotency-Key, X-Limit-D). */
  headers: Request['headers'];
  ip: string;
}

/** A request before it was checked; `body` is undefined until it was read. */
export interface SentParts {
  params: Readonly<Record<string, unknown>>;
  query: Readonly<Record<string, unknown>>;
  body: unknown;
}

export interface RouteSpec<
  A extends Access,
  P extends z.ZodType | undefined,
  Q extends z.ZodType | undefined,
  B extends z.ZodType | undefined,
  R extends z.ZodType,
> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Express path, e.g. `/v1/fences/:id`. */
  path: string;
  summary: string;
  /** Longer text for the API document: formats, protocols, retry rules. */
  description?: string;
  tag: string;
  /** Who may call: everyone, a device token, or a merchant with this scope. */
  access: A;
  params?: P;
  query?: Q;
  body?: B;
  /** Bytes of body accepted; 64 KiB unless said. */
  bodyLimit?: number;
  /**
   * For protocols that must never see a 4xx for an unusable message: an empty or malformed body
   * reaches the handler as `undefined`, any content type is read as JSON.
   */
  lenientBody?: boolean;
  /** For apps that send forms or anything else: the body reaches the handler as the text it is. */
  textBody?: boolean;
  /**
   * For apps that write their token into the message or the address: found by this when no header
   * has one. Asked before the body is read and, when that gave nothing, once more after: so set a
   * small `bodyLimit`, since strangers may fill it.
   */
  tokenIn?: (sent: SentParts) => string | null;
  /** How the reply is written: apps want nothing, or text, at times. As text and html it is a string. */
  replyAs?: 'json' | 'text' | 'html' | 'empty';
  status?: 200 | 201 | 202 | 204;
  /** Reply schema: anything not in it is stripped, so an extra column never leaks. */
  reply: R;
  /** An example reply and, where there is a body, an example body, for the document. */
  example: { body?: unknown; reply: unknown };
  handler: (input: RouteInput<A, P, Q, B>) => Promise<z.input<R>>;
}

export type AnyRoute = Omit<
  RouteSpec<Access, z.ZodType | undefined, z.ZodType | undefined, z.ZodType | undefined, z.ZodType>,
  'handler'
> & { handler: (input: never) => Promise<unknown> };

/** Declares a route; the handler's argument types come from the schemas. */
export function route<
  A extends Access,
  R extends z.ZodType,
  P extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(spec: RouteSpec<A, P, Q, B, R>): AnyRoute {
  return spec;
}

/** How callers are recognised; each throws a problem when it refuses. */
export interface Guards {
  /** `token` is what the route found elsewhere in the request; a header goes before it. */
  device(request: Request, token?: string | null): Promise<DeviceCaller>;
  merchant(request: Request, scope: Scope): Promise<MerchantCaller>;
}

/** Serves the routes on `router`, in list order. */
export function mount(router: Router, routes: readonly AnyRoute[], guards: Guards): void {
  for (const spec of routes) {
    router[spec.method](
      spec.path,
      // The caller is checked before the body is read: strangers cannot make us parse megabytes.
      async (request, response, next) => {
        const later = mayNameItself(spec, request);
        if (!later) response.locals['caller'] = await recognise(spec, request, guards);
        next();
      },
      ...(spec.body ? [bodyReader(spec)] : []),
      async (request: Request, response: Response) => {
        response.locals['caller'] ??= await recognise(spec, request, guards);
        await serve(spec, request, response);
      },
    );
  }
  refuseOtherMethods(router, routes);
}

/** A known address with a method it does not take is a 405 that says which ones it does. */
function refuseOtherMethods(router: Router, routes: readonly AnyRoute[]): void {
  const allowed = new Map<string, string[]>();
  for (const { path, method } of routes) {
    const verbs = method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()];
    allowed.set(path, [...(allowed.get(path) ?? []), ...verbs]);
  }
  for (const [path, methods] of allowed) {
    router.all(path, (_request, response) => {
      response.setHeader('Allow', methods.join(', '));
      throw problem('method-not-allowed', { detail: `It takes ${methods.join(', ')}.` });
    });
  }
}

const partsOf = ({ params, query, body }: Request): SentParts => ({ params, query, body });

/** Only the body can still say who this is. */
function mayNameItself(spec: AnyRoute, request: Request): boolean {
  if (!spec.tokenIn || !spec.body || request.headers.authorization !== undefined) return false;
  return spec.tokenIn({ ...partsOf(request), body: undefined }) === null;
}

async function recognise(
  { access, tokenIn }: AnyRoute,
  request: Request,
  guards: Guards,
): Promise<unknown> {
  if (access === 'public') return null;
  if (access === 'device') return guards.device(request, tokenIn?.(partsOf(request)));
  return guards.merchant(request, access);
}

function bodyReader(spec: AnyRoute): express.RequestHandler {
  const limit = spec.bodyLimit ?? 64 * 1024;
  if (spec.lenientBody || spec.textBody)
    return express.text({ limit, type: () => true, defaultCharset: 'utf-8' });
  const json = express.json({ limit, strict: false });
  return (request, response, next) => {
    if (request.is('json') === false || request.is('json') === null) {
      next(problem('unsupported-media-type', { detail: 'Send Content-Type: application/json.' }));
    } else json(request, response, next);
  };
}

async function serve(spec: AnyRoute, request: Request, response: Response): Promise<void> {
  const input = {
    caller: response.locals['caller'] as unknown,
    params: check(spec.params, request.params, 'path'),
    query: check(spec.query, request.query, 'query'),
    body: check(spec.body, spec.lenientBody ? leniently(request.body) : request.body, 'body'),
    headers: request.headers,
    ip: request.ip ?? '',
  };
  const reply = await (spec.handler as (input: unknown) => Promise<unknown>)(input);
  const status = spec.status ?? 200;
  if (status === 204) {
    response.status(204).end();
    return;
  }
  response.status(status);
  if (spec.replyAs === 'empty') response.end();
  else if (spec.replyAs === 'text' || spec.replyAs === 'html') {
    response.set('Cache-Control', 'no-store').type(spec.replyAs).send(spec.reply.parse(reply));
  } else response.json(spec.reply.parse(reply));
}

function leniently(text: unknown): unknown {
  if (typeof text !== 'string' || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * What the schema makes of a value. Null when it could not even look: zod itself throws at objects
 * whose `length` cannot become a number, which is the sender's fault and not ours.
 */
export function fit<S extends z.ZodType>(schema: S, value: unknown) {
  try {
    return schema.safeParse(value);
  } catch {
    return null;
  }
}

function check(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (!schema) return undefined;
  const result = fit(schema, value);
  if (result?.success) return result.data;
  const errors = (result?.error.issues ?? []).slice(0, 20).map((issue) => ({
    path: [where, ...issue.path].join('.'),
    message: issue.message,
  }));
  throw problem('invalid-request', {
    detail: `${errors[0]?.path ?? where}: ${errors[0]?.message ?? 'not valid'}`,
    errors,
  });
}
