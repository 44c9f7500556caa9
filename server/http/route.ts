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
  device(request: Request): Promise<DeviceCaller>;
  merchant(request: Request, scope: Scope): Promise<MerchantCaller>;
}

/** Serves the routes on `router`, in list order. */
export function mount(router: Router, routes: readonly AnyRoute[], guards: Guards): void {
  for (const spec of routes) {
    router[spec.method](
      spec.path,
      // The caller is checked before the body is read: strangers cannot make us parse megabytes.
      async (request, response, next) => {
        response.locals['caller'] = await recognise(spec.access, request, guards);
        next();
      },
      ...(spec.body ? [bodyReader(spec)] : []),
      async (request: Request, response: Response) => {
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

async function recognise(access: Access, request: Request, guards: Guards): Promise<unknown> {
  if (access === 'public') return null;
  if (access === 'device') return guards.device(request);
  return guards.merchant(request, access);
}

function bodyReader(spec: AnyRoute): express.RequestHandler {
  const limit = spec.bodyLimit ?? 64 * 1024;
  if (spec.lenientBody) return express.text({ limit, type: () => true, defaultCharset: 'utf-8' });
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
  response.status(status).json(spec.reply.parse(reply));
}

function leniently(text: unknown): unknown {
  if (typeof text !== 'string' || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function check(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (!schema) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.slice(0, 20).map((issue) => ({
    path: [where, ...issue.path].join('.'),
    message: issue.message,
  }));
  throw problem('invalid-request', {
    detail: `${errors[0]?.path ?? where}: ${errors[0]?.message ?? 'not valid'}`,
    errors,
  });
}
