/** Admission and the gateway's door: the house says who comes in, the gateway lets them. */
import { proofOfShowing } from './agree.ts';
import type { InsideSession, Journey } from './context.ts';
import { insideJourney, landingJourney } from './context.ts';
import type { Opening } from './gateways/gateway.ts';
import type { Step } from './journey.ts';
import type { Kit } from './kit.ts';
import { basePath } from './kit.ts';
import { troubled, untroubled } from './methods/method.ts';
import type { Admission, AdmitRefusal, AdmitRequest, Proof } from './ports.ts';
import type { NoticeCode } from './ports-network.ts';
import { within } from './patience.ts';
import { rememberHere, vouches } from './resume.ts';
import { ableOf, gatewayOf, look, proofOf } from './walk.ts';
import type { Walker } from './walk.ts';

/** What a guest waits for a gateway before the page goes on without its answer. */
const DOOR_MS = 5_000;

/** For the connection check; nobody waits for it, and nothing depends on it. */
export function notice(
  kit: Kit,
  { store, journey }: Pick<Walker, 'store' | 'journey'>,
  code: NoticeCode,
  detail?: Record<string, string>,
): void {
  const gatewayId = journey.context?.gatewayId ?? null;
  const noted = { code, ...(detail === undefined ? {} : { detail }) };
  void kit.ports.doors.noticed?.(store, gatewayId, noted).catch(() => undefined);
}

/** The gateway's part: at once, by its next call, or through the browser. */
async function askDoor(kit: Kit, { store, journey }: Walker): Promise<Opening> {
  const { context, session } = journey;
  const gateway = gatewayOf(store, journey);
  if (context === undefined || session === undefined || gateway === undefined)
    return { kind: 'shut', reason: 'stale' };
  return kit.gateways.of(gateway.kind).open({
    store,
    gateway,
    context,
    grant: session.grant,
    ...(session.grace === true ? { grace: true } : {}),
    // Most doors send nobody back.
    get landingUrl() {
      const sealed = kit.seal.close(landingJourney(journey), store);
      return new URL(`${basePath(store)}/landed?j=${sealed}`, kit.settings.publicUrl).href;
    },
    doors: kit.ports.doors,
    log: kit.ports.log,
    now: kit.ports.clock(),
  });
}

/** A door that is slow may still open behind the page that waits; one that fails is merely not open yet. */
export async function openDoor(kit: Kit, walker: Walker): Promise<Opening> {
  const asked = askDoor(kit, walker).catch((): Opening => {
    // The guest is admitted; the waiting page offers to try the door again.
    kit.ports.log.error({ store: walker.store.id }, 'the door could not be opened');
    return { kind: 'waiting' };
  });
  const opening = await within(kit.settings.doorMs ?? DOOR_MS, asked);
  if (opening === null) notice(kit, walker, 'door-slow');
  if (opening?.kind === 'open') notice(kit, walker, 'door-opened');
  if (opening?.kind === 'shut' && opening.noted !== true)
    notice(kit, walker, 'door-failed', { reason: opening.reason });
  return opening ?? { kind: 'waiting' };
}

/** Doors that the browser goes through are opened by the page that leads there. */
export async function throughDoor(kit: Kit, walker: Walker): Promise<Journey> {
  const { store, journey } = walker;
  const { session } = journey;
  if (session === undefined) return journey;
  const { shut: _before, ...open } = session;
  if (ableOf(kit, store, journey)?.door === 'browser') {
    rememberHere(kit, walker, { ...journey, session: open });
    return { ...journey, session: open };
  }
  const opening = await openDoor(kit, walker);
  const shut = opening.kind === 'shut' ? { shut: opening.reason } : {};
  return { ...journey, session: { ...open, ...shut } };
}

const TURNED_AWAY = {
  'voucher-invalid': 'voucher-unknown',
  'voucher-used': 'voucher-used',
  'member-unknown': 'member-unknown',
  'staff-denied': 'staff-denied',
  'staff-waiting': 'staff-expired',
  'device-unknown': 'device-unknown',
  'terms-changed': 'terms-changed',
  'grace-used': 'grace-used',
} as const satisfies Partial<Record<AdmitRefusal, string>>;

/** Back to the field that has to be filled in anew, with the reason under it. */
export function turnedAway(journey: Journey, reason: AdmitRefusal): Journey {
  if (reason === 'blocked' || reason === 'closed') return { ...journey, refused: reason };
  const kind = TURNED_AWAY[reason];
  if (reason === 'grace-used') return troubled(journey, { kind });
  const { consents: _stale, ...unagreed } = journey;
  if (reason === 'terms-changed') return troubled(unagreed, { kind });
  const { proof: _spent, ...rest } = journey;
  return troubled(rest, { kind });
}

type Admitted = Extract<Admission, { ok: true }>;

export function insideOf(kit: Kit, admission: Admitted): InsideSession {
  const { guestId: _theirs, expiresAt, ...grant } = admission.grant;
  return { grant, expiresAt, admittedAt: kit.ports.clock() };
}

type Asked = Pick<AdmitRequest, 'proof' | 'consents'> & Partial<AdmitRequest>;

export function requestOf(kit: Kit, { store, journey }: Walker, asked: Asked): AdmitRequest | null {
  const { context, language, age } = journey;
  if (context === undefined) return null;
  const able = ableOf(kit, store, journey);
  const reopens = able?.door === 'now';
  return { store, context, language, reopens, ...(age === undefined ? {} : { age }), ...asked };
}

/** A greeting is for who proved more than a tap. */
const greets = (proof: Proof) => proof.method !== 'click-through';

/** The proof of what the guest has done so far, as one request to the house. */
function fullRequest(kit: Kit, walker: Walker): AdmitRequest | null {
  const { store, journey } = walker;
  const { consents, answer } = journey;
  const proof = proofOf(kit, store, journey);
  if (consents === undefined || proof === undefined) return null;
  const shown = proofOfShowing(walker);
  return requestOf(kit, walker, {
    proof,
    consents,
    ...(shown === undefined ? {} : { shown }),
    ...(answer === undefined ? {} : { answer }),
  });
}

/**
 * One journey's request within a minute is one admission, however often its button is pressed; not once
 * the house ended what it led to.
 */
async function askHouse(
  kit: Kit,
  { store, journey }: Walker,
  request: AdmitRequest,
): Promise<Admission> {
  const { desk } = kit.ports;
  const { proof, consents, answer = null, context } = request;
  const same = ['admit', journey.binding, context.hid ?? '', proof, consents, answer];
  let asked = false;
  const admission = await kit.once(
    JSON.stringify(same),
    () => ((asked = true), desk.admit(request)),
    ({ ok }) => ok,
  );
  if (asked || !admission.ok) return admission;
  const led = await desk.session(store, admission.grant.sessionId);
  return led?.state === 'ended' ? desk.admit(request) : admission;
}

/**
 * Whether nothing but a hardware address says who this is: where anybody can write the redirect, and the
 * gateway lets in whom we name without seeing the client itself.
 */
function onlyClaimed(kit: Kit, { store, journey, device }: Walker, admission: Admitted): boolean {
  const { byMac, grant } = admission;
  if (journey.claimed === true) return true;
  if (byMac === undefined || vouches(kit, store, journey)) return false;
  if (byMac === 'session') return !device.wasLetIn(grant.sessionId);
  const able = ableOf(kit, store, journey);
  return able?.status !== true || able.door === 'now';
}

/** What this browser may show next time, and the journey inside; nothing of it for a mere claim. */
function letIn(kit: Kit, walker: Walker, admission: Admitted, proof: Proof): Journey {
  const { journey, device } = walker;
  const session = insideOf(kit, admission);
  if (onlyClaimed(kit, walker, admission))
    return { ...insideJourney(journey, session), claimed: true };
  if (admission.deviceToken !== undefined) device.keep(admission.deviceToken);
  device.letIn(session.grant.sessionId, !vouches(kit, walker.store, journey));
  if (admission.returning && greets(proof)) session.returning = true;
  return insideJourney(journey, session);
}

async function admit(kit: Kit, walker: Walker, request: AdmitRequest): Promise<Journey> {
  const { store, journey, device } = walker;
  const admission = await askHouse(kit, walker, request);
  if (!admission.ok) {
    if (admission.reason === 'device-unknown') device.drop();
    return turnedAway(journey, admission.reason);
  }
  kit.resume.forget(store, journey);
  const inside = letIn(kit, walker, admission, request.proof);
  return throughDoor(kit, { ...walker, journey: inside });
}

/** As far as the guest's last form carries: up to and through the admission. */
export async function advance(kit: Kit, walker: Walker): Promise<Journey> {
  const { store, journey } = walker;
  const { step } = await look(kit, walker);
  if (step === 'renew') rememberHere(kit, walker, untroubled(journey));
  const ready = { ...walker, journey: untroubled(journey) };
  const request = step === 'admit' ? fullRequest(kit, ready) : null;
  if (request === null) return journey;
  try {
    return await admit(kit, ready, request);
  } catch {
    kit.ports.log.error({ store: store.id }, 'a guest could not be admitted');
    return troubled(journey, { kind: 'host-down' });
  }
}

/** One tap for a device that was here before, or the way everybody goes. */
export async function comeBack(kit: Kit, walker: Walker, itsMe: boolean): Promise<Journey> {
  const { store, journey, device } = walker;
  const start = untroubled(journey);
  const { token } = device;
  const request =
    itsMe && token !== null
      ? requestOf(kit, walker, { proof: { method: 'returning', token }, consents: [] })
      : null;
  if (request === null) return { ...start, stranger: true };
  try {
    const next = await admit(kit, { ...walker, journey: start }, request);
    return next.session === undefined ? { ...next, stranger: true } : next;
  } catch {
    kit.ports.log.error({ store: store.id }, 'a device could not be let in');
    return troubled(start, { kind: 'host-down' });
  }
}

const AT_THE_DOOR: readonly Step[] = ['door', 'connecting', 'late', 'shut'];

/** Another half minute for a door that stayed shut; not for a session that is over, or is in. */
export async function knockAgain(kit: Kit, walker: Walker): Promise<Journey> {
  const { session } = walker.journey;
  if (session === undefined || !AT_THE_DOOR.includes((await look(kit, walker)).step))
    return walker.journey;
  const { sentBack: _before, ...rest } = session;
  const journey = { ...walker.journey, session: { ...rest, admittedAt: kit.ports.clock() } };
  return throughDoor(kit, { ...walker, journey });
}
