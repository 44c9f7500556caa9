/** What each form of the journey does: a journey in, the journey one step further out. */
import type { Journey } from './context.ts';
import { ownJourney } from './context.ts';
import type { Capabilities } from './gateways/gateway.ts';
import type { Facts, Step, Way } from './journey.ts';
import { methodOfWay, nextStep, wayInForce } from './journey.ts';
import type { Kit } from './kit.ts';
import { methods, waysOf } from './methods/all.ts';
import type { MethodForm } from './methods/method.ts';
import { troubled, untroubled } from './methods/method.ts';
import { heardFromStaff } from './methods/staff.ts';
import type {
  ConsentWording,
  OidcProvider,
  ProfileQuestion,
  Purpose,
  RegisteredGateway,
  StoreView,
} from './ports-store.ts';
import type { Proof } from './ports.ts';
import { rememberHere } from './resume.ts';

/** A guest's request: which shop, how far along, and what only this request tells. */
export interface Walker {
  store: StoreView;
  journey: Journey;
  networkIp: string;
  userAgent: string;
  device: DeviceMemory;
  /** The code of a slip that was scanned with this browser, or empty. */
  slip?: string;
}

/** The token by which this browser is known at the store again; without cookies there is none. */
export interface DeviceMemory {
  token: string | null;
  keep(token: string): void;
  drop(): void;
  /**
   * This browser was let into that session: "My data" opens to it without another proof, and where
   * anybody could claim its hardware address (`claimable`), it is the one that may.
   */
  letIn(sessionId: string, claimable: boolean): void;
  wasLetIn(sessionId: string): boolean;
  /** This browser began the journey of this binding: it may go on with it after another redirect. */
  began(binding: string): void;
  holds(binding: string): boolean;
}

/** Where a journey stands, and the journey as it stands there. */
export interface Looked {
  step: Step;
  journey: Journey;
}

export function wordingFor(store: StoreView, purpose: Purpose): ConsentWording | undefined {
  return store.wordings.find((wording) => wording.purpose === purpose);
}

export function wayOf(kit: Kit, store: StoreView, journey: Journey): Way | null {
  return wayInForce(waysOf(kit.ports, store), journey.method ?? null);
}

export function providerOf(store: StoreView, way: Way | null): OidcProvider | undefined {
  return store.oidc?.find(({ id }) => way === `oidc:${id}`);
}

export function gatewayOf(store: StoreView, journey: Journey): RegisteredGateway | undefined {
  return store.gateways.find((gateway) => gateway.id === journey.context?.gatewayId);
}

/** What this guest's gateway can do, or undefined where it is registered no more. */
export function ableOf(kit: Kit, store: StoreView, journey: Journey): Capabilities | undefined {
  const gateway = gatewayOf(store, journey);
  return gateway && kit.gateways.of(gateway.kind).capabilities(gateway);
}

/** Proofs are bound to the way in force: choosing another way starts over. */
export function proofOf(kit: Kit, store: StoreView, journey: Journey): Proof | undefined {
  const way = wayOf(kit, store, journey);
  if (way === null) return undefined;
  const method = methodOfWay(way);
  const { byChoice } = methods[method];
  if (byChoice !== undefined) return byChoice;
  const { proof } = journey;
  if (proof?.method === 'oidc') return way === `oidc:${proof.provider}` ? proof : undefined;
  return proof?.method === method ? proof : undefined;
}

export function questionOf(store: StoreView, journey: Journey): ProfileQuestion | undefined {
  return store.questions.find(({ key }) => key === journey.asks);
}

function questionState(store: StoreView, journey: Journey): Facts['question'] {
  const question = questionOf(store, journey);
  if (question === undefined) return 'none';
  return journey.answer?.key === question.key ? 'settled' : 'due';
}

function ageState(store: StoreView, journey: Journey): Facts['age'] {
  if (store.ageGate === undefined) return 'none';
  return journey.age === undefined ? 'due' : 'settled';
}

/** Asked only before anything else has been done; a house that cannot say has not met this device. */
async function isKnown(kit: Kit, { store, journey, device }: Walker): Promise<boolean> {
  const { context, session, stranger, method, consents } = journey;
  const fresh = session === undefined && method === undefined && consents === undefined;
  if (!fresh || stranger === true || context === undefined || device.token === null) return false;
  if ((store.policy?.rememberDays ?? 0) === 0) return false;
  try {
    return (await kit.ports.desk.knows?.(store, context.mac, device.token)) ?? false;
  } catch {
    kit.ports.log.warn({ store: store.id }, 'could not ask whether a device is known');
    return false;
  }
}

async function factsOf(kit: Kit, walker: Walker, journey: Journey): Promise<Facts> {
  const { store } = walker;
  const { session } = journey;
  const { desk, clock, approvals } = kit.ports;
  const able = ableOf(kit, store, journey);
  const seen = session && (await desk.session(store, session.grant.sessionId));
  const over = session !== undefined && session.expiresAt !== 0 && session.expiresAt <= clock();
  return {
    ways: waysOf(kit.ports, store),
    chosen: journey.method ?? null,
    known: await isKnown(kit, walker),
    age: ageState(store, journey),
    codeSent: journey.address !== undefined,
    asked: journey.requestId !== undefined && approvals !== undefined,
    proved: proofOf(kit, store, journey) !== undefined,
    consented: journey.consents !== undefined,
    question: questionState(store, journey),
    refused: journey.refused ?? 'no',
    admitted: session !== undefined,
    grace: session?.grace === true,
    extend: able?.extend ?? false,
    door: able?.door ?? 'poll',
    shut: session?.shut !== undefined,
    session: session?.grace === true && over ? 'ended' : (seen?.state ?? 'unknown'),
    landed: session?.landed === true,
    waited: session === undefined ? 0 : clock() - session.admittedAt,
  };
}

/** Looks around: what the house and the staff say by now, and where that leaves the guest. */
export async function look(kit: Kit, walker: Walker): Promise<Looked> {
  const { store } = walker;
  const { approvals } = kit.ports;
  const tools = approvals === undefined ? { store } : { store, approvals };
  const journey = await heardFromStaff(walker.journey, tools).catch(() => walker.journey);
  return { step: nextStep(await factsOf(kit, walker, journey)), journey };
}

/** Key of the one question that would follow; never a reason to keep somebody outside. */
export async function questionDue(
  kit: Kit,
  store: StoreView,
  journey: Journey,
): Promise<string | undefined> {
  const proof = proofOf(kit, store, journey);
  const { context, age } = journey;
  const asked = store.questions.length > 0 && age !== 'under';
  if (!asked || proof === undefined || context === undefined) return undefined;
  try {
    return (await kit.ports.desk.question?.(store, proof, context.mac)) ?? undefined;
  } catch {
    kit.ports.log.warn({ store: store.id }, 'could not ask whether a question is due');
    return undefined;
  }
}

/** The same way in from its beginning, for another address. */
export function atAddress(journey: Journey): Journey {
  const { method, claimed } = journey;
  if (claimed !== undefined)
    return { ...withoutWay(journey), ...(method === undefined ? {} : { method }) };
  const { address: _sent, resendAt: _then, ...bare } = untroubled(journey);
  return bare;
}

/** What belongs to one way in and is left behind with it. */
export function withoutWay(journey: Journey): Journey {
  const {
    method: _left,
    address: _old,
    resendAt: _then,
    proof: _gone,
    ...rest
  } = untroubled(journey);
  const { requestId: _asked, consents: _given, shown: _seen, ...bare } = rest;
  if (bare.claimed === undefined) return bare;
  const { session: _theirs, ...own } = ownJourney(bare);
  return own;
}

export function choose(kit: Kit, { store, journey }: Walker, wanted: string): Journey {
  const way = waysOf(kit.ports, store).find((name) => name === wanted);
  const rest = withoutWay(journey);
  return way === undefined ? rest : { ...rest, method: way };
}

export function tellAge({ journey }: Walker, said: string): Journey {
  if (said !== 'over' && said !== 'under') return journey;
  return { ...untroubled(journey), age: said };
}

export async function prove(kit: Kit, walker: Walker, form: MethodForm): Promise<Journey> {
  const { store, journey, networkIp } = walker;
  const way = wayOf(kit, store, journey);
  const method = way === null ? undefined : methods[methodOfWay(way)];
  if (method?.submit === undefined) return journey;
  const { codes, vouchers, members, approvals, clock } = kit.ports;
  const next = await method.submit(journey, form, {
    store,
    codes,
    vouchers,
    clock,
    networkIp,
    once: kit.once,
    ...(members === undefined ? {} : { members }),
    ...(approvals === undefined ? {} : { approvals }),
  });
  const underWay = next.address !== undefined || next.requestId !== undefined;
  if (next.proof !== undefined) {
    kit.resume.forget(store, next);
    return ownJourney(next);
  }
  if (underWay) rememberHere(kit, walker, untroubled(next));
  return next;
}

export function answer({ store, journey }: Walker, typed: string, skip: boolean): Journey {
  const question = questionOf(store, journey);
  if (question === undefined) return journey;
  const { key, options } = question;
  const value = typed.trim().slice(0, 200);
  if (skip) return { ...untroubled(journey), answer: { key, dismissed: true } };
  const offered = options.length === 0 || options.some((option) => option.value === value);
  if (value === '' || !offered) return troubled(journey, { kind: 'answer-missing' });
  return { ...untroubled(journey), answer: { key, value } };
}
