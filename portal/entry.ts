/** The door of the portal: where gateways send their guests, and where they call themselves. */
import type { Request, Response } from 'express';
import { advance, notice } from './admit.ts';
import { startJourney } from './context.ts';
import type { Lobby, Reading, Visit } from './gateways/gateway.ts';
import { guard, seeOther } from './headers.ts';
import type { Kit } from './kit.ts';
import { basePath, stepPath } from './kit.ts';
import { pageFor } from './pages.ts';
import type { StoreView } from './ports-store.ts';
import type { Guest } from './reply.ts';
import { fieldsOf, languageOf, show, showSorry, walkerOf, withStore } from './reply.ts';
import { recallHere, rememberHere } from './resume.ts';
import { keepSlip, scannedSlip } from './slip.ts';
import { look } from './walk.ts';
import type { Walker } from './walk.ts';

export { fieldsOf } from './reply.ts';

type Known = Extract<Reading, { kind: 'known' }>;

async function answerMachine(kit: Kit, store: StoreView, fields: URLSearchParams, res: Response) {
  const { doors, log, clock } = kit.ports;
  const heard = await kit.gateways.hear({ store, fields, doors, log, now: clock() });
  if (heard === null) return false;
  if (heard.status !== 200)
    log.warn({ store: store.id }, 'a call came from a gateway that is not registered');
  res.status(heard.status).type('text/plain').send(heard.text);
  return true;
}

/** A host that cannot keep what was learnt only loses it at its next restart. */
async function keepLearnt(kit: Kit, store: StoreView, { gateway, learnt }: Known) {
  if (learnt === undefined) return;
  try {
    await kit.ports.doors.learned?.(store, gateway.id, learnt);
  } catch {
    kit.ports.log.warn({ gateway: gateway.id }, 'a gateway’s names could not be kept');
  }
}

/** So often a gateway may send back a guest whom it was asked to let in, before we say so. */
const MOST_SENT_BACK = 2;

/** Where the guest stood who comes with a fresh redirect, or null for a fresh start. */
async function reopened(kit: Kit, walker: Walker): Promise<Walker | null> {
  const { journey } = walker;
  const { session, ...outside } = journey;
  if (session === undefined) return walker;
  // The gateway says that the guest is outside: the few minutes are over, and what was typed is kept.
  if (session.grace === true) {
    const next = await advance(kit, { ...walker, journey: outside });
    return { ...walker, journey: next };
  }
  const { step } = await look(kit, walker);
  if (step === 'welcome' || step === 'ended') return null;
  const sentBack = (session.sentBack ?? 0) + 1;
  const shut = sentBack >= MOST_SENT_BACK ? { shut: 'refused' as const } : {};
  const again = { ...journey, session: { ...session, sentBack, ...shut } };
  rememberHere(kit, walker, again);
  return { ...walker, journey: again };
}

async function welcomeIn(kit: Kit, guest: Guest, reading: Known, req: Request, res: Response) {
  const { store, language } = guest;
  await keepLearnt(kit, store, reading);
  const fresh = startJourney(store, reading.context, language, kit.ports.clock());
  notice(kit, { store, journey: fresh }, 'redirect-ok');
  const start = walkerOf(kit, store, fresh, req, res);
  const kept = recallHere(kit, start);
  const before = kept === null ? null : await reopened(kit, { ...start, journey: kept });
  if (before === null && kept !== null) kit.resume.forget(store, kept);
  const walker = before ?? start;
  // Only the portal's own address can be shown as it is: forms and vendors' addresses lead to a page.
  const moved = walker.journey.session !== undefined || req.path !== basePath(store);
  if (req.method !== 'GET' || moved) return seeOther(res, stepPath(kit, store, walker.journey));
  show(kit, res, await pageFor(kit, walker, await look(kit, walker)));
}

/** A gateway says that this guest is inside; only our own landing page is worth going back to. */
function alreadyInside(kit: Kit, guest: Guest, returnTo: string | null, res: Response) {
  const { store, language } = guest;
  if (returnTo !== null && URL.canParse(returnTo)) {
    const url = new URL(returnTo);
    const ours = url.origin === new URL(kit.settings.publicUrl).origin;
    if (ours && url.pathname === `${basePath(store)}/landed`)
      return res.redirect(303, url.pathname + url.search);
  }
  const title = kit.texts.in(language)('inside.title');
  show(kit, res, { page: { view: 'inside', language, store, title, locals: {} }, status: 200 });
}

function visitOf(kit: Kit, req: Request): Visit {
  const url = new URL(kit.settings.publicUrl).origin + req.originalUrl;
  return { url, method: req.method === 'POST' ? 'POST' : 'GET', networkIp: req.ip ?? '' };
}

export function entry(kit: Kit) {
  return withStore(kit, async (guest, req, res) => {
    const { store } = guest;
    const fields = fieldsOf(req);
    if (await answerMachine(kit, store, fields, res)) return;
    const reading = kit.gateways.read(fields, store, visitOf(kit, req));
    await receive(kit, guest, reading, req, res);
  });
}

/** Where a reading of what a gateway said leads the guest. */
async function receive(kit: Kit, guest: Guest, reading: Reading, req: Request, res: Response) {
  const { store, language } = guest;
  if (reading.kind === 'known') return welcomeIn(kit, guest, reading, req, res);
  if (reading.kind === 'already-inside') return alreadyInside(kit, guest, reading.returnTo, res);
  const here = req.method === 'GET' ? { here: req.originalUrl } : {};
  if (reading.kind === 'absent') {
    const slip = scannedSlip(store, fieldsOf(req));
    if (slip !== null) keepSlip(kit, store, slip, res);
    const scanned = slip === null ? {} : { slip };
    return showSorry(kit, res, { kind: 'no-gateway', store, language, ...here, ...scanned });
  }
  const { reason, detail } = reading;
  kit.ports.log.warn({ store: store.id, reason }, 'a redirect was refused');
  const noted = {
    code: `redirect-${reason}` as const,
    ...(detail === undefined ? {} : { detail }),
  };
  void kit.ports.doors.noticed?.(store, null, noted).catch(() => undefined);
  const kind = reason === 'unknown-gateway' ? 'unknown-gateway' : 'forged';
  showSorry(kit, res, { kind, store, language, ...here });
}

/** The same for guests whom a vendor's own address brought. */
export function receiver(kit: Kit): Lobby['receive'] {
  return async (req, res, store, reading) => {
    guard(res);
    await receive(kit, { store, language: languageOf(req, store) }, reading, req, res);
  };
}

/** A form sent to the door itself: a gateway's call, a guest whom a router's own page sends on, or a stray. */
export function machine(kit: Kit) {
  return withStore(kit, async (guest, req: Request, res) => {
    const { store } = guest;
    // Some gateways post with their fields in the address.
    const fields = new URLSearchParams(fieldsOf(req));
    for (const [name, value] of Object.entries((req.body ?? {}) as Record<string, unknown>))
      if (typeof value === 'string') fields.set(name, value);
    if (await answerMachine(kit, store, fields, res)) return;
    const reading = kit.gateways.read(fields, store, visitOf(kit, req));
    if (reading.kind === 'absent') return res.redirect(303, basePath(store));
    await receive(kit, guest, reading, req, res);
  });
}
