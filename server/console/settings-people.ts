/** Settings only the owner opens: the people who sign in here, and the API keys of their systems. */
import express from 'express';
import type { Request, RequestHandler, Response } from 'express';
import { problem } from '../errors.ts';
import { scopes } from '../http/route.ts';
import { uuidv7 } from '../ids.ts';
import { createApiKey } from '../staff/keys.ts';
import { weakness } from '../staff/passwords.ts';
import {
  apiKeysOf,
  deleteSignInsOf,
  insertStaff,
  revokeApiKey,
  setStaffDisabled,
  staffOf as peopleOf,
} from '../staff/queries.ts';
import { mayRun, roles } from '../staff/roles.ts';
import { normaliseEmail } from '../staff/sign-in.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, field, fields, isId, renderPage, staffOf } from './page.ts';

const people = '/console/settings/people';
const keys = '/console/settings/keys';

const ownerOnly: RequestHandler = (_request, response, next) => {
  next(mayRun(staffOf(response).role) ? undefined : problem('forbidden'));
};

export const peoplePages: PageModule = (deps) => {
  const router = express.Router();
  router.use(['/settings/people', '/settings/keys'], ownerOnly);
  router.get('/settings/people', async (_request, response) => {
    await showPeople(deps, response, {}, {});
  });
  router.post('/settings/people', (request, response) => addPerson(deps, request, response));
  router.post('/settings/people/:id/disable', (request, response) =>
    disable(deps, request, response, new Date(deps.clock())),
  );
  router.post('/settings/people/:id/enable', (request, response) =>
    disable(deps, request, response, null),
  );
  router.get('/settings/keys', async (_request, response) => {
    await showKeys(deps, response, {});
  });
  router.post('/settings/keys', (request, response) => addKey(deps, request, response));
  router.post('/settings/keys/:id/revoke', async (request, response) => {
    const { merchantId } = staffOf(response);
    const id = isId(request.params['id']);
    const gone = await deps.db.tx(
      (tx) => revokeApiKey(tx, merchantId, id, new Date(deps.clock())),
      { tenant: merchantId },
    );
    if (!gone) throw problem('not-found');
    done(response, keys, 'key-revoked');
  });
  return router;
};

async function showPeople(
  deps: ConsoleDeps,
  response: Response,
  typed: Record<string, string>,
  wrong: Record<string, string>,
): Promise<void> {
  const { merchantId } = staffOf(response);
  const found = await deps.db.tx((tx) => peopleOf(tx, merchantId), { tenant: merchantId });
  const status = Object.keys(wrong).length > 0 ? 422 : 200;
  await renderPage(response, 'settings-people', { people: found, typed, wrong, roles }, status);
}

async function addPerson(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const { merchantId } = staffOf(response);
  const typed = {
    name: field(request, 'name', 120),
    email: normaliseEmail(field(request, 'email', 254)),
    role: field(request, 'role', 20),
  };
  const role = roles.find((one) => one === typed.role);
  const given = (request.body as { password?: unknown } | undefined)?.password;
  const password = typeof given === 'string' ? given.slice(0, 1000) : '';
  const weak = weakness(password, [typed.email.split('@')[0] ?? '', typed.name]);
  const wrong: Record<string, string> = {
    ...(typed.name ? {} : { name: 'missing' }),
    ...(/^[^\s@]+@[^\s@]+$/.test(typed.email) ? {} : { email: 'not-mail' }),
    ...(role ? {} : { role: 'missing' }),
    ...(weak ? { password: weak } : {}),
  };
  if (!role || Object.keys(wrong).length > 0) {
    await showPeople(deps, response, typed, wrong);
    return;
  }
  const passwordHash = await deps.passwords.hash(password);
  const now = deps.clock();
  const row = { ...typed, role, id: uuidv7(now), merchantId, passwordHash, now: new Date(now) };
  try {
    await deps.db.tx((tx) => insertStaff(tx, row), { tenant: merchantId });
  } catch (error) {
    if ((error as { code?: unknown }).code !== '23505') throw error;
    await showPeople(deps, response, typed, { email: 'mail-taken' });
    return;
  }
  done(response, people, 'person-added');
}

async function disable(
  deps: ConsoleDeps,
  request: Request,
  response: Response,
  at: Date | null,
): Promise<void> {
  const { merchantId } = staffOf(response);
  const id = isId(request.params['id']);
  const known = await deps.db.tx(
    async (tx) => {
      const list = await peopleOf(tx, merchantId);
      if (!list.some((one) => one.id === id)) return 'unknown';
      if (!(await setStaffDisabled(tx, merchantId, id, at))) return 'last-owner';
      if (at) await deleteSignInsOf(tx, merchantId, id);
      return 'done';
    },
    { tenant: merchantId },
  );
  if (known === 'unknown') throw problem('not-found');
  done(
    response,
    people,
    known === 'last-owner' ? 'last-owner' : at ? 'person-disabled' : 'person-enabled',
  );
}

async function showKeys(
  deps: ConsoleDeps,
  response: Response,
  more: { made?: string; wrong?: string; name?: string },
): Promise<void> {
  const { merchantId } = staffOf(response);
  const found = await deps.db.tx((tx) => apiKeysOf(tx, merchantId), { tenant: merchantId });
  const data = { keys: found, scopes, made: '', wrong: '', name: '', ...more };
  await renderPage(response, 'settings-keys', data, more.wrong ? 422 : 200);
}

async function addKey(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const { merchantId } = staffOf(response);
  const name = field(request, 'name', 120);
  const asked = fields(request, 'scope');
  const wanted = scopes.filter((scope) => asked.includes(scope));
  if (!name || wanted.length === 0) {
    await showKeys(deps, response, { wrong: name ? 'scope' : 'name', name });
    return;
  }
  const made = await createApiKey(deps, merchantId, { name, scopes: wanted });
  deps.log.info({ event: 'api-key-created', key: made.id }, 'an API key was created');
  await showKeys(deps, response, { made: made.key });
}
