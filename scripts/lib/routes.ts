/** The route list without a running house: for tests and tools that only read it. */
import { apiRoutes } from '../../server/compose/routes.ts';
import type { Services } from '../../server/compose/services.ts';
import type { AnyRoute } from '../../server/http/route.ts';

/** Answers every property and call with itself: routes are built from it, never served. */
const inert: unknown = new Proxy(() => undefined, {
  get: (_target, key) => (key === Symbol.toPrimitive ? () => '' : inert),
  apply: () => inert,
});

export function allRoutes(): AnyRoute[] {
  return apiRoutes(inert as Services);
}
