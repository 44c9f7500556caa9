/** Admission and the gateway's door: the house says who comes in, the gateway lets them. */
import { setTimeout as delay } from 'node:timers/promises';
import { given, proofOfShowing } from './agree.ts';
import type { InsideSession, Journey } from './context.ts';
import { insideJourney, landingJourney } from './context.ts';
import type { Opening } from './gateways/gateway.ts';
import type { Kit } from './kit.ts';
import { basePath } from './kit.ts';
import { methodOfWay } from './journey.ts';
import { troubled, untroubled } from './methods/method.ts';
import type { RegisteredGateway } from './ports-store.ts';
import type { Admission, AdmitRefusal, AdmitRequest, Proof } from './ports.ts';
import type { NoticeCode } from './ports-network.ts';
import { gatewayOf, look, proofOf, wayOf } from './walk.ts';
import type { Walker } from './walk.ts';

/** What a guest waits for a gateway before the page goes on without its answer. */
export const DOOR_MS = 5_000;

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
  const sealed = kit.seal.close(landingJourney(journey), store);
  const landing = new URL(`${basePath(store)}/landed?j=${sealed}`, kit.settings.publicUrl);
  return kit.gateways.of(gateway.kind).open({
    store,
    gateway,
    context,
    grant: session.grant,
    ...(session.grace === true ? { grace: true } : {}),
    landingUrl: landing.href,
    doors: kit.ports.doors,
    log: kit.ports.log,
    now: kit.ports.clock(),
  });
}

/** A door that is slow may still open behind the page that waits; one that fails is merely not open yet. */
export async function openDoor(kit: Kit, walker: Walker): Promise<Opening> {
  const patience = new AbortController();
  const { signal } = patience;
  const slow = delay(kit.settings.doorMs ?? DOOR_MS, null, { signal, ref: false });
  slow.catch(() => undefined);
  const asked = askDoor(kit, walker).catch((): Opening => {
    // The guest is admitted; the waiting page offers to try the door again.
    kit.ports.log.error({ store: walker.store.id }, 'the door could not be opened');
    return { kind: 'waiting' };
  });
  const opening = await Promise.race([asked, slow]);
  patience.abort();
  if (opening === null) notice(kit, walker, 'door-slow');
  if (opening?.kind === 'open') notice(kit, walker, 'door-opened');
  if (opening?.kind === 'shut' && opening.noted !== true)
    notice(kit, walker, 'door-failed', { reason: opening.reason });
  return opening ?? { kind: 'waiting' };
}

/** Doors that the browser goes through are opened by the page that leads there. */
async function throughDoor(kit: Kit, walker: Walker): Promise<Journey> {
  const { store, journey } = walker;
  const { session } = journey;
  const gateway = gatewayOf(store, journey);
  if (session === undefined) return journey;
  const { shut: _before, ...open } = session;
  if (gateway && kit.gateways.of(gateway.kind).capabilities(gateway).door === 'browser') {
    kit.resume.remember(store, { ...journey, session: open });
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
function turnedAway(journey: Journey, reason: AdmitRefusal): Journey {
  if (reason === 'blocked' || reason === 'closed') return { ...journey, refused: reason };
  const kind = TURNED_AWAY[reason];
  if (reason === 'grace-used') return troubled(journey, { kind });
  const { consents: _stale, ...unagreed } = journey;
  if (reason === 'terms-changed') return troubled(unagreed, { kind });
  const { proof: _spent, ...rest } = journey;
  return troubled(rest, { kind });
}

function insideOf(kit: Kit, admission: Extract<Admission, { ok: true }>): InsideSession {
  const { guestId: _theirs, expiresAt, ...grant } = admission.grant;
  return { grant, expiresAt, admittedAt: kit.ports.clock() };
}

type Asked = Pick<AdmitRequest, 'proof' | 'consents'> & Partial<AdmitRequest>;

function requestOf({ store, journey }: Walker, asked: Asked): AdmitRequest | null {
  const { context, language, age } = journey;
  if (context === undefined) return null;
  return { store, context, language, ...(age === undefined ? {} : { age }), ...asked };
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
  return requestOf(walker, {
    proof,
    consents,
    ...(shown === undefined ? {} : { shown }),
    ...(answer === undefined ? {} : { answer }),
  });
}

async function admit(kit: Kit, walker: Walker, request: AdmitRequest): Promise<Journey> {
  const { store, journey, device } = walker;
  const admission = await kit.ports.desk.admit(request);
  if (!admission.ok) {
    if (admission.reason === 'device-unknown') device.drop();
    return turnedAway(journey, admission.reason);
  }
  if (admission.deviceToken !== undefined) device.keep(admission.deviceToken);
  device.letIn?.(admission.grant.sessionId);
  const session = insideOf(kit, admission);
  if (admission.returning && greets(request.proof)) session.returning = true;
  kit.resume.forget(store, journey);
  return throughDoor(kit, { ...walker, journey: insideJourney(journey, session) });
}

/** As far as the guest's last form carries: up to and through the admission. */
export async function advance(kit: Kit, walker: Walker): Promise<Journey> {
  const { store, journey } = walker;
  const { step } = await look(kit, walker);
  if (step === 'renew') kit.resume.remember(store, untroubled(journey));
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
      ? requestOf(walker, { proof: { method: 'returning', token }, consents: [] })
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

type Towards = Extract<Proof, { method: 'grace' }>['towards'];

/** Where nothing ends a session early, a few minutes would last as long as the gateway likes. */
function endsInTime(kit: Kit, gateway: RegisteredGateway | undefined): boolean {
  if (gateway === undefined) return false;
  const { limits, kick } = kit.gateways.of(gateway.kind).capabilities(gateway);
  return limits || kick !== 'never';
}

/** What a few minutes online would be for, or null where they are not offered. */
export function graceTowards(kit: Kit, { store, journey }: Pick<Walker, 'store' | 'journey'>) {
  if (!endsInTime(kit, gatewayOf(store, journey))) return null;
  const way = wayOf(kit, store, journey);
  const method = way === null ? null : methodOfWay(way);
  const running = (journey.session?.expiresAt ?? 0) > kit.ports.clock();
  if ((store.policy?.graceMinutes ?? 0) === 0 || running || journey.proof !== undefined)
    return null;
  if (method === 'oidc') return method satisfies Towards;
  const codes = method === 'email-code' || method === 'sms-code';
  return codes && journey.address !== undefined ? (method satisfies Towards) : null;
}

/** A few minutes online to read the code; the terms were agreed to on the page that offered it. */
export async function grace(kit: Kit, walker: Walker): Promise<Journey> {
  const { store, journey } = walker;
  const towards = graceTowards(kit, walker);
  if (towards === null) return journey;
  const consents = given(walker, 'grace', new Set());
  if (consents === null) return troubled(journey, { kind: 'terms-changed' });
  const shown = proofOfShowing(walker);
  const proof = { method: 'grace', towards } as const;
  const words = shown === undefined ? {} : { shown };
  const request = requestOf(walker, { proof, consents, ...words });
  if (request === null) return journey;
  const admission = await kit.ports.desk.admit(request);
  if (!admission.ok) return turnedAway(journey, admission.reason);
  const session = { ...insideOf(kit, admission), grace: true };
  const next = await throughDoor(kit, { ...walker, journey: { ...untroubled(journey), session } });
  kit.resume.remember(store, next);
  return next;
}

/** Another half minute for a door that stayed shut; asking twice is harmless. */
export async function knockAgain(kit: Kit, walker: Walker): Promise<Journey> {
  const { session } = walker.journey;
  if (session === undefined) return walker.journey;
  const { sentBack: _before, ...rest } = session;
  const journey = { ...walker.journey, session: { ...rest, admittedAt: kit.ports.clock() } };
  return throughDoor(kit, { ...walker, journey });
}
