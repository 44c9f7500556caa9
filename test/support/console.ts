/** The console over a real database, with a clock a test can move and someone signed in. */
import { randomBytes } from 'node:crypto';
import express from 'express';
import type { Express } from 'express';
import request from 'supertest';
import { defaultPolicy } from '../../geo/policy.ts';
import { createGateways } from '../../portal/gateways/all.ts';
import { createPreview } from '../../portal/preview.ts';
import { createHelp } from '../../portal/help.ts';
import { createArchive } from '../../server/compose/archive.ts';
import { consoleAssets } from '../../server/console/assets.ts';
import type { ConsoleDeps } from '../../server/console/deps.ts';
import type { GatewayDesk } from '../../server/console/gateways/desk.ts';
import { createConsole } from '../../server/console/router.ts';
import type { Database } from '../../server/db/database.ts';
import { createDeviceCallers } from '../../server/devices/callers.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { signInCookie } from '../../server/http/cookies.ts';
import { csrfToken } from '../../server/http/csrf.ts';
import { hashToken } from '../../server/ids.ts';
import { createWrongCodes } from '../../server/offers/wrong-codes.ts';
import { createReconciler } from '../../server/sessions/reconcile.ts';
import { createPasswords } from '../../server/staff/passwords.ts';
import { createThrottle } from '../../server/staff/throttle.ts';
import type { Role } from '../../server/staff/roles.ts';
import { makeFakes } from './fakes.ts';
import { NOON, makeSignIn, makeStaff } from './make.ts';
import { silentLog } from './routes-app.ts';

export interface ConsoleApp {
  app: Express;
  deps: ConsoleDeps;
  /** Milliseconds since 1970; tests set it. */
  time: { now: number };
}

/** The portal's own words about gateways; controllers are nowhere unless a test puts one there. */
export function gatewayDesk(publicUrl: string, over: Partial<GatewayDesk> = {}): GatewayDesk {
  const gateways = createGateways(makeFakes().ports);
  return {
    ...createHelp(
      gateways,
      { publicUrl, secret: Buffer.alloc(32, 5) },
      { radius: { authPort: 1812, acctPort: 1813 } },
    ),
    poll: async () => null,
    doors: { radius: true, radsec: false, portal2: true },
    strangers: () => [],
    ...over,
  };
}

export function consoleApp(db: Database, over: Partial<ConsoleDeps> = {}): ConsoleApp {
  const time = { now: NOON };
  const clock = (): number => time.now;
  const publicUrl = over.publicUrl ?? 'http://foyer.test';
  const reconciler = createReconciler({ db, clock, log: silentLog, count: () => undefined });
  const deps: ConsoleDeps = {
    db,
    clock,
    log: silentLog,
    passwords: createPasswords(),
    throttle: createThrottle(),
    csrfKey: randomBytes(32),
    secret: randomBytes(32),
    assets: consoleAssets(),
    archive: createArchive(createLiveFences()),
    policy: defaultPolicy,
    publicUrl,
    gateways: gatewayDesk(publicUrl),
    preview: createPreview({ clock, publicUrl, viewCache: true }),
    reconciler,
    wrongCodes: createWrongCodes(),
    deviceCallers: createDeviceCallers({ db, clock }),
    senders: { email: false, sms: false },
    ...over,
  };
  const app = express();
  app.use(deps.assets.handler, createConsole(deps));
  return { app, deps, time };
}

/** A browser of a person with this role: sends the cookie, and posts with the token our pages hold. */
export interface Person {
  staffId: string;
  token: string;
  csrf: string;
  get(path: string): request.Test;
  post(path: string, fields?: Record<string, unknown>): request.Test;
}

export async function personOf(
  { app, deps }: ConsoleApp,
  merchantId: string,
  role: Role = 'owner',
): Promise<Person> {
  const staff = await makeStaff(deps.db, merchantId, { role });
  const { token } = await makeSignIn(deps.db, merchantId, staff.id);
  const csrf = csrfToken(deps.csrfKey, hashToken(token));
  const cookie = `${signInCookie(deps.publicUrl)}=${token}`;
  return {
    staffId: staff.id,
    token,
    csrf,
    get: (path) => request(app).get(path).set('Cookie', cookie),
    post: (path, fields = {}) =>
      request(app)
        .post(path)
        .set('Cookie', cookie)
        .type('form')
        .send({ csrf, ...fields }),
  };
}
