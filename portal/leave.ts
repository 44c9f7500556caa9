/** Leaving the sign-in window: a short address by which another browser goes on, and the way to a provider and back. */
import type { Request, Response } from 'express';
import { advance } from './admit.ts';
import type { Journey } from './context.ts';
import { ownJourney } from './context.ts';
import { networkOf } from './crowd.ts';
import { leftHere, noteLeaving } from './device.ts';
import type { Kit } from './kit.ts';
import { basePath, stepPath } from './kit.ts';
import { troubled, untroubled } from './methods/method.ts';
import type { StoreView } from './ports-store.ts';
import type { Guest } from './reply.ts';
import { fieldsOf, opened, showSorry, walkerOf, withStore } from './reply.ts';
import { providerOf, wayOf } from './walk.ts';

/** As long as a journey lives. */
const SHORT_MS = 30 * 60_000;
/** Long enough to make an account there. */
const AWAY_MS = 15 * 60_000;

export interface ShortLink {
  href: string;
  /** As one reads and types it: what is the same for everybody, and the key. */
  where: string;
  key: string;
}

/** A link to this very place, or null where the host keeps none. Reloads within a minute share one. */
export async function shortLink(
  kit: Kit,
  store: StoreView,
  journey: Journey,
): Promise<ShortLink | null> {
  const { links, log } = kit.ports;
  if (links === undefined) return null;
  const { shown: _seen, ...bare } = untroubled(journey);
  const { binding, address = '', language, session, claimed = false } = journey;
  const place = ['link', binding, address, language, session?.admittedAt ?? 0, claimed];
  try {
    const key = await kit.once(JSON.stringify(place), () =>
      links.keep(store, kit.seal.close(bare, store), { ttlMs: SHORT_MS, kind: 'short' }),
    );
    const href = new URL(`${basePath(store)}/r/${key}`, kit.settings.publicUrl).href;
    const where = href.slice(0, -key.length).replace(/^https?:\/\//, '');
    return { href, where, key };
  } catch {
    log.warn({ store: store.id }, 'a short link could not be kept');
    return null;
  }
}

/** Typed by hand: case and dashes do not matter. */
const SHORT_KEY = /^[0-9A-Z]{8}$/;

/** The short address, opened in another browser. */
export function goOn(kit: Kit) {
  return withStore(kit, async ({ store, language }, req, res) => {
    const address = networkOf(req.ip ?? '') ?? '';
    const key = String(req.params['key']).toUpperCase().replaceAll(/[\s-]/g, '');
    const known = SHORT_KEY.test(key) && !kit.guesses.full(address);
    const sealed = known ? ((await kit.ports.links?.find(store, key)) ?? null) : null;
    const read = sealed === null ? null : kit.seal.open(sealed, store);
    if (read?.ok === true) return res.redirect(303, stepPath(kit, store, read.journey));
    kit.guesses.fail(address);
    showSorry(kit, res, { kind: 'link-old', store, language, here: req.originalUrl });
  });
}

/** Where providers send the browser back to; registered with them letter by letter. */
function redirectUriOf(kit: Kit, store: StoreView): string {
  return new URL(`${basePath(store)}/oidc`, kit.settings.publicUrl).href;
}

/** Back to the page of the journey, with the reason under its button. */
function failed(kit: Kit, store: StoreView, journey: Journey, res: Response, denied = false): void {
  const kind = denied ? 'oidc-denied' : 'oidc-failed';
  res.redirect(303, stepPath(kit, store, troubled(journey, { kind })));
}

/** Where browsers say how they came: a link from elsewhere shows our page first, whose button says where it leads. */
function pressedHere(req: Request): boolean {
  const site = req.headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin';
}

/**
 * A link, not a form: browsers hold `form-action` against every hop of a form's redirects, and this one
 * leads out of the portal.
 */
export function leave(kit: Kit) {
  return withStore(kit, async (guest, req, res) => {
    const { store } = guest;
    const journey = opened(kit, guest, fieldsOf(req).get('j'), req, res);
    if (journey === null) return;
    const provider = providerOf(store, wayOf(kit, store, journey));
    const { links, log } = kit.ports;
    if (provider === undefined || links === undefined || !pressedHere(req))
      return res.redirect(303, stepPath(kit, store, journey));
    const { shown: _seen, ...bare } = untroubled(journey);
    const errand = kit.oidc.errand(provider);
    try {
      if (!(await kit.oidc.awake(provider))) throw new Error('its page does not answer');
      const sealed = kit.seal.close({ ...bare, away: errand }, store);
      const state = await links.keep(store, sealed, { ttlMs: AWAY_MS, kind: 'state' });
      const url = await kit.oidc.leave(provider, errand, state, redirectUriOf(kit, store));
      noteLeaving(kit, store, state, res);
      res.redirect(302, url.href);
    } catch {
      log.warn({ store: store.id, provider: provider.id }, 'an identity provider is away');
      failed(kit, store, bare, res);
    }
  });
}

/** The journey that waits under a `state`; each can be taken up once. */
async function waiting(kit: Kit, { store }: Guest, state: string): Promise<Journey | null> {
  if (!/^[\w-]{16,128}$/.test(state)) return null;
  const sealed = (await kit.ports.links?.find(store, state)) ?? null;
  const read = sealed === null ? null : kit.seal.open(sealed, store);
  return read?.ok === true && read.journey.away !== undefined ? read.journey : null;
}

/** The provider's answer. What it says counts only with the state, nonce and verifier of this journey. */
export function comeBackFromProvider(kit: Kit) {
  return withStore(kit, async (guest, req: Request, res) => {
    const { store, language } = guest;
    const fields = fieldsOf(req);
    const state = fields.get('state') ?? '';
    const kept = leftHere(kit, state, req) ? await waiting(kit, guest, state) : null;
    const provider = store.oidc?.find(({ id }) => id === kept?.away?.provider);
    if (kept?.away === undefined || provider === undefined)
      return showSorry(kit, res, { kind: 'broken', store, language });
    const { away, ...journey } = kept;
    const url = new URL(`${redirectUriOf(kit, store)}?${fields.toString()}`);
    const answered = await kit.oidc.comeBack(provider, away, state, url).catch(() => null);
    if (answered?.ok !== true) {
      const why = answered === null ? 'failed' : answered.reason;
      kit.ports.log.warn(
        { store: store.id, provider: provider.id, why },
        'a sign-in came to nothing',
      );
      return failed(kit, store, journey, res, why === 'denied');
    }
    const proved: Journey = { ...ownJourney(journey), proof: answered.proof };
    const next = await advance(kit, walkerOf(kit, store, proved, req, res));
    res.redirect(303, stepPath(kit, store, next));
  });
}
