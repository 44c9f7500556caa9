/** A small Express app over one feature's routes, for tests that need doors but not the whole house. */
import express from 'express';
import type { Express } from 'express';
import type { AnyRoute, DeviceCaller, Guards, MerchantCaller } from '../../server/http/route.ts';
import { deviceGuard } from '../../server/http/device-auth.ts';
import { notFound, problems } from '../../server/http/problems.ts';
import { mount, scopes } from '../../server/http/route.ts';
import { createLog } from '../../server/log.ts';
import { problem } from '../../server/errors.ts';

export const silentLog = createLog('silent');

/**
 * Merchants' callers are whoever the header `x-merchant` names, with all scopes; devices are known
 * by their real token through `find`.
 */
export function routesApp(
  routes: readonly AnyRoute[],
  find: (token: string) => Promise<DeviceCaller | null> = () => Promise.resolve(null),
): Express {
  const guards: Guards = {
    device: deviceGuard(find),
    merchant(request): Promise<MerchantCaller> {
      const merchantId = request.headers['x-merchant'];
      if (typeof merchantId !== 'string') throw problem('unauthenticated');
      return Promise.resolve({ kind: 'key', merchantId, id: 'test', scopes });
    },
  };
  const app = express();
  const router = express.Router();
  mount(router, routes, guards);
  app.use(router, notFound, problems(silentLog));
  return app;
}
