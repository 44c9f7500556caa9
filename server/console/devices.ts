/** Devices: the list, a new one with its token and codes to scan (shown once), a new token, revoking. */
import express from 'express';
import type { Response } from 'express';
import { problem } from '../errors.ts';
import { createDevice } from '../devices/create.ts';
import { newPassphrase } from '../devices/passphrase.ts';
import { deviceById, listDevices, replaceToken, revokeDevice } from '../devices/queries.ts';
import type { DeviceRow } from '../devices/queries.ts';
import { deviceSetup } from '../devices/setup.ts';
import { decodeCursor, encodeCursor } from '../http/cursor.ts';
import { hashToken, newToken } from '../ids.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, field, isId, needs, query, renderPage, within } from './page.ts';

const perPage = 50;

export const devicePages: PageModule = (deps) => {
  const router = express.Router();
  const write = needs('devices:write');
  router.get('/devices', needs('devices:read'), async (request, response) => {
    const after = decodeCursor(query(request, 'after') || undefined);
    const revoked = query(request, 'revoked') === 'yes';
    const rows = await within(deps, response, (tx, merchantId) =>
      listDevices(tx, merchantId, { revoked, after, limit: perPage + 1 }),
    );
    const last = rows.length > perPage ? rows[perPage - 1] : undefined;
    await renderPage(response, 'devices', {
      devices: rows.slice(0, perPage),
      revoked,
      first: !after,
      next: last ? encodeCursor(last.created_at, last.id) : null,
    });
  });
  router.post('/devices', write, async (request, response) => {
    const name = oneLine(field(request, 'name', 120));
    if (!name) throw problem('invalid-request');
    const marketingConsent = field(request, 'consent') === 'yes';
    const waypoints = field(request, 'waypoints') === 'yes';
    const text = field(request, 'encrypt') === 'yes' ? newPassphrase() : null;
    const passphrase = text === null ? null : { text, secret: deps.secret };
    const input = { name, marketingConsent, waypoints, passphrase };
    const made = await within(deps, response, (tx, merchantId) =>
      createDevice(tx, merchantId, input, deps.clock()),
    );
    await showToken(deps, response, { ...made, passphrase: text });
  });
  router.post('/devices/:id/token', write, async (request, response) => {
    const id = isId(request.params['id']);
    const token = newToken('fd');
    const device = await within(deps, response, (tx, merchantId) =>
      replaceToken(tx, merchantId, id, hashToken(token)),
    );
    if (!device) throw problem('not-found');
    deps.deviceCallers.forget(id);
    await showToken(deps, response, { device, token, passphrase: null });
  });
  router.get('/devices/:id/revoke', write, async (request, response) => {
    const id = isId(request.params['id']);
    const device = await within(deps, response, (tx, merchantId) => deviceById(tx, merchantId, id));
    if (!device) throw problem('not-found');
    await renderPage(response, 'device-revoke', { device });
  });
  router.post('/devices/:id/revoke', write, async (request, response) => {
    const id = isId(request.params['id']);
    const gone = await within(deps, response, (tx, merchantId) =>
      revokeDevice(tx, merchantId, id, new Date(deps.clock())),
    );
    if (!gone) throw problem('not-found');
    deps.deviceCallers.forget(id);
    done(response, '/console/devices', 'device-revoked');
  });
  return router;
};

/** The one page that ever shows this token, and the passphrase when one was just made. */
async function showToken(
  deps: ConsoleDeps,
  response: Response,
  shown: { device: DeviceRow; token: string; passphrase: string | null },
): Promise<void> {
  const { device, token, passphrase } = shown;
  const { publicUrl, secret, mqttPublicUrl } = deps;
  const setup = await deviceSetup({
    publicUrl,
    secret,
    mqttPublicUrl,
    token,
    deviceId: device.id,
    waypoints: device.waypoints,
    now: deps.clock(),
  });
  const apps = setup.apps.map((app) => ({ ...app, image: asImage(app.qr) }));
  const { pingUrl, mqtt } = setup;
  await renderPage(response, 'device-made', { device, token, passphrase, pingUrl, apps, mqtt });
}

/** PURE. An SVG as an image address: it then cannot run anything, whatever it holds. */
function asImage(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}]+/gu, ' ').trim();
}
