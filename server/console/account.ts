/** One's own account: where one is signed in, and a new password. */
import express from 'express';
import type { Request, Response } from 'express';
import { problem } from '../errors.ts';
import { weakness } from '../staff/passwords.ts';
import { accountByEmail, deleteSignInsOf, setPassword, signInsOf } from '../staff/queries.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, renderPage, staffOf } from './page.ts';

export const accountPages: PageModule = (deps) => {
  const router = express.Router();
  router.get('/account', (_request, response) => show(deps, response, ''));
  router.post('/account/password', (request, response) => change(deps, request, response));
  return router;
};

async function show(deps: ConsoleDeps, response: Response, wrong: string): Promise<void> {
  const me = staffOf(response);
  const signIns = await deps.db.tx((tx) => signInsOf(tx, me.merchantId, me.staffId), {
    tenant: me.merchantId,
  });
  const here = me.tokenHash.toString('hex');
  await renderPage(response, 'account', { signIns, here, wrong, browserOf }, wrong ? 422 : 200);
}

const browsers: [RegExp, string][] = [
  [/MicroMessenger\//, 'WeChat'],
  [/Edg\w*\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chrome\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const systems: [RegExp, string][] = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'Mac'],
  [/Linux|X11/, 'Linux'],
];

/** PURE. "Chrome · Windows" for the header a browser sends; what is not known stays as it came. */
export function browserOf(userAgent: string): string {
  const name = browsers.find(([mark]) => mark.test(userAgent))?.[1];
  const system = systems.find(([mark]) => mark.test(userAgent))?.[1];
  if (!name) return userAgent.slice(0, 60) || '–';
  return system ? `${name} · ${system}` : name;
}

/** A new password needs the old one, and ends every other sign-in. */
async function change(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const me = staffOf(response);
  const body = request.body as { current?: unknown; password?: unknown };
  const current = typeof body.current === 'string' ? body.current.slice(0, 1000) : '';
  const password = typeof body.password === 'string' ? body.password.slice(0, 1000) : '';
  const wait = await deps.throttle.take(me.email, request.ip ?? '');
  if (wait !== null) throw problem('too-many-requests', { retryAfter: wait });
  const account = await accountByEmail(deps.db, me.email);
  if (!account || !(await deps.passwords.fits(account.password_hash, current))) {
    await show(deps, response, 'current');
    return;
  }
  await deps.throttle.succeeded(me.email, request.ip ?? '');
  const weak = weakness(password, [me.email.split('@')[0] ?? '', me.name, me.merchantName]);
  if (weak) {
    await show(deps, response, weak);
    return;
  }
  const passwordHash = await deps.passwords.hash(password);
  await deps.db.tx(
    async (tx) => {
      await setPassword(tx, me.merchantId, me.staffId, passwordHash);
      await deleteSignInsOf(tx, me.merchantId, me.staffId, me.tokenHash);
    },
    { tenant: me.merchantId },
  );
  done(response, '/console/account', 'password-changed');
}
