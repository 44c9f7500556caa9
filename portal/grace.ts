/** A few minutes online to fetch a code or to sign in elsewhere, before anything is proved. */
import { insideOf, requestOf, throughDoor, turnedAway } from './admit.ts';
import { given, proofOfShowing } from './agree.ts';
import type { Journey } from './context.ts';
import type { Capabilities } from './gateways/gateway.ts';
import { methodOfWay } from './journey.ts';
import type { Kit } from './kit.ts';
import { troubled, untroubled } from './methods/method.ts';
import type { Proof } from './ports.ts';
import { rememberHere } from './resume.ts';
import { ableOf, wayOf } from './walk.ts';
import type { Walker } from './walk.ts';

type Towards = Extract<Proof, { method: 'grace' }>['towards'];

/** Where nothing ends a session early, a few minutes would last as long as the gateway likes. */
function endsInTime(able: Capabilities | undefined): boolean {
  return able !== undefined && (able.limits || able.kick !== 'never');
}

/** What a few minutes online would be for, or null where they are not offered. */
export function graceTowards(kit: Kit, { store, journey }: Pick<Walker, 'store' | 'journey'>) {
  if (!endsInTime(ableOf(kit, store, journey))) return null;
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
  const { journey } = walker;
  const towards = graceTowards(kit, walker);
  if (towards === null) return journey;
  const consents = given(walker, 'grace', new Set());
  if (consents === null) return troubled(journey, { kind: 'terms-changed' });
  const shown = proofOfShowing(walker);
  const proof = { method: 'grace', towards } as const;
  const words = shown === undefined ? {} : { shown };
  const request = requestOf(kit, walker, { proof, consents, ...words });
  if (request === null) return journey;
  const admission = await kit.ports.desk.admit(request);
  if (!admission.ok) return turnedAway(journey, admission.reason);
  const session = { ...insideOf(kit, admission), grace: true };
  const next = await throughDoor(kit, { ...walker, journey: { ...untroubled(journey), session } });
  rememberHere(kit, walker, next);
  return next;
}
