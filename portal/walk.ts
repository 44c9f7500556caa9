/** What each form of the journey does: a journey in, the journey one step further out. */
import type { InsideSession, Journey } from './context.ts';
import { insideJourney } from './context.ts';
import type { Opening } from './gateways/gateway.ts';
import type { Facts, Step } from './journey.ts';
import { methodInForce, nextStep } from './journey.ts';
import type { Kit } from './kit.ts';
import { basePath } from './kit.ts';
import { methods } from './methods/all.ts';
import type { MethodForm } from './methods/method.ts';
import { troubled, untroubled } from './methods/method.ts';
import type {
  ConsentGiven,
  ConsentWording,
  MethodName,
  Proof,
  Purpose,
  RegisteredGateway,
  StoreView,
} from './ports.ts';

/** A guest's request: which shop, how far along, and what only this request tells. */
export interface Walker {
  store: StoreView;
  journey: Journey;
  networkIp: string;
}

export function wordingFor(store: StoreView, purpose: Purpose): ConsentWording | undefined {
  return store.wordings.find((wording) => wording.purpose === purpose);
}

export function methodOf(store: StoreView, journey: Journey): MethodName | null {
  return methodInForce(store.methods, journey.method ?? null);
}

function gatewayOf(store: StoreView, journey: Journey): RegisteredGateway | undefined {
  return store.gateways.find((gateway) => gateway.id === journey.context?.gatewayId);
}

/** Proofs are bound to the method in force: choosing another way starts over. */
function proofOf(store: StoreView, journey: Journey): Proof | undefined {
  const method = methodOf(store, journey);
  if (method === null) return undefined;
  const byChoice = methods[method]?.byChoice;
  return byChoice ?? (journey.proof?.method === method ? journey.proof : undefined);
}

function questionState(store: StoreView, journey: Journey): Facts['question'] {
  const [question] = store.questions;
  if (question === undefined || journey.asks !== true) return 'none';
  return journey.answer?.key === question.key ? 'settled' : 'due';
}

export async function stepOf(kit: Kit, store: StoreView, journey: Journey): Promise<Step> {
  const { session } = journey;
  const gateway = gatewayOf(store, journey);
  const state =
    session === undefined ? null : await kit.ports.desk.session(store, session.grant.sessionId);
  const step = nextStep({
    methods: wordingFor(store, 'access') === undefined ? [] : store.methods,
    chosen: journey.method ?? null,
    codeSent: journey.address !== undefined,
    proved: proofOf(store, journey) !== undefined,
    consented: journey.consents !== undefined,
    question: questionState(store, journey),
    refused: journey.refused === true,
    admitted: session !== undefined,
    door: gateway === undefined ? 'poll' : kit.gateways.of(gateway.kind).capabilities(gateway).door,
    session: state?.state ?? 'unknown',
    landed: session?.landed === true,
    waited: session === undefined ? 0 : kit.ports.clock() - session.admittedAt,
  });
  return step;
}

/** Whether the one question would follow; never a reason to keep somebody outside. */
export async function wouldAsk(kit: Kit, store: StoreView, journey: Journey): Promise<boolean> {
  const proof = proofOf(store, journey);
  const { context } = journey;
  const [question] = store.questions;
  if (question === undefined || proof === undefined || context === undefined) return false;
  try {
    return await kit.ports.desk.mayAsk(store, proof, question.key, context.mac);
  } catch {
    kit.ports.log.warn({ store: store.id }, 'could not ask whether the question is due');
    return false;
  }
}

export function choose({ store, journey }: Walker, wanted: string): Journey {
  const method = store.methods.find((name) => name === wanted);
  const { method: _left, address: _old, proof: _gone, ...rest } = untroubled(journey);
  return method === undefined ? rest : { ...rest, method };
}

export async function prove(kit: Kit, walker: Walker, form: MethodForm): Promise<Journey> {
  const { store, journey, networkIp } = walker;
  const name = methodOf(store, journey);
  const method = name === null ? undefined : methods[name];
  if (method?.submit === undefined) return journey;
  const { codes, vouchers, clock } = kit.ports;
  const tools = { store, codes, vouchers, clock, networkIp, once: kit.once };
  const next = await method.submit(journey, form, tools);
  if (next.proof !== undefined) kit.resume.forget(store, next);
  else if (next.address !== undefined) kit.resume.remember(store, untroubled(next));
  return next;
}

export interface ConsentForm {
  /** Versions of the wordings that stood on the page. */
  access: string;
  offers: string;
  marketing: boolean;
}

/** Agreement to a wording that changed meanwhile is no agreement: the page is shown again. */
export async function consent(kit: Kit, walker: Walker, form: ConsentForm): Promise<Journey> {
  const { store, journey } = walker;
  const [access, marketing] = [wordingFor(store, 'access'), wordingFor(store, 'marketing')];
  const changed =
    access?.version !== form.access || (form.marketing && marketing?.version !== form.offers);
  if (access === undefined || changed) return troubled(journey, { kind: 'terms-changed' });
  const given = (wording: ConsentWording, granted: boolean): ConsentGiven => ({
    purpose: wording.purpose,
    granted,
    version: wording.version,
    language: journey.language,
  });
  const asks = await wouldAsk(kit, store, journey);
  return {
    ...untroubled(journey),
    asks,
    consents: [
      given(access, true),
      ...(marketing === undefined ? [] : [given(marketing, form.marketing)]),
    ],
  };
}

export function answer({ store, journey }: Walker, typed: string, skip: boolean): Journey {
  const [question] = store.questions;
  if (question === undefined) return journey;
  const { key, options } = question;
  const value = typed.trim().slice(0, 200);
  if (skip) return { ...untroubled(journey), answer: { key, dismissed: true } };
  const offered = options.length === 0 || options.some((option) => option.value === value);
  if (value === '' || !offered) return troubled(journey, { kind: 'answer-missing' });
  return { ...untroubled(journey), answer: { key, value } };
}

/** The gateway's part: at once, by its next call, or through the browser. */
export async function openDoor(kit: Kit, { store, journey }: Walker): Promise<Opening> {
  const { context, session } = journey;
  const gateway = gatewayOf(store, journey);
  if (context === undefined || session === undefined || gateway === undefined)
    return { kind: 'waiting' };
  const sealed = kit.seal.close(journey, store);
  const landing = new URL(`${basePath(store)}/landed?j=${sealed}`, kit.settings.publicUrl);
  return kit.gateways.of(gateway.kind).open({
    store,
    gateway,
    context,
    grant: session.grant,
    landingUrl: landing.href,
    doors: kit.ports.doors,
    log: kit.ports.log,
    now: kit.ports.clock(),
  });
}

async function openCalmly(kit: Kit, walker: Walker): Promise<void> {
  try {
    await openDoor(kit, walker);
  } catch {
    // The guest is admitted; the waiting page offers to try the door again.
    kit.ports.log.error({ store: walker.store.id }, 'the door could not be opened');
  }
}

function turnedAway(journey: Journey, reason: string): Journey {
  if (reason === 'blocked') return { ...journey, refused: true };
  const { proof: _spent, ...rest } = journey;
  return troubled(rest, { kind: reason === 'voucher-used' ? 'voucher-used' : 'voucher-unknown' });
}

export async function admit(kit: Kit, walker: Walker): Promise<Journey> {
  const { store, journey } = walker;
  const { context, consents } = journey;
  const proof = proofOf(store, journey);
  if (context === undefined || consents === undefined || proof === undefined) return journey;
  const admission = await kit.ports.desk.admit({
    store,
    context,
    proof,
    consents,
    language: journey.language,
    ...(journey.answer === undefined ? {} : { answer: journey.answer }),
  });
  if (!admission.ok) return turnedAway(journey, admission.reason);
  const { guestId: _theirs, expiresAt, ...grant } = admission.grant;
  const session: InsideSession = { grant, expiresAt, admittedAt: kit.ports.clock() };
  if (admission.returning && proof.method !== 'click-through') session.returning = true;
  const inside = insideJourney(journey, session);
  await openCalmly(kit, { ...walker, journey: inside });
  return inside;
}

/** As far as the guest's last form carries: up to and through the admission. */
export async function advance(kit: Kit, walker: Walker): Promise<Journey> {
  if ((await stepOf(kit, walker.store, walker.journey)) !== 'admit') return walker.journey;
  try {
    return await admit(kit, { ...walker, journey: untroubled(walker.journey) });
  } catch {
    kit.ports.log.error({ store: walker.store.id }, 'a guest could not be admitted');
    return troubled(walker.journey, { kind: 'host-down' });
  }
}

/** Another half minute for a door that stayed shut; depositing twice is harmless. */
export async function knockAgain(kit: Kit, walker: Walker): Promise<Journey> {
  const { session } = walker.journey;
  if (session === undefined) return walker.journey;
  await openCalmly(kit, walker);
  const again = { ...session, admittedAt: kit.ports.clock() };
  return { ...walker.journey, session: again };
}
