/** The one shape of every way a guest proves who they are: a form in, the journey with what it added out. */
import type { Journey, Trouble } from '../context.ts';
import type { Once } from '../once.ts';
import type { MethodName, StoreView } from '../ports-store.ts';
import type { Approvals, Clock, Codes, Members, Proof, Vouchers } from '../ports.ts';

export interface MethodTools {
  store: StoreView;
  codes: Codes;
  vouchers: Vouchers;
  members?: Members;
  approvals?: Approvals;
  clock: Clock;
  /** The network address the request came from: a fact, unlike what the gateway says. */
  networkIp: string;
  /** Runs a piece of work once for the same key within a minute: a double press is one press. */
  once: Once;
}

/** `start` asks for a proof (a code to be sent, again if need be); `finish` shows it. */
export interface MethodForm {
  action: 'start' | 'finish';
  value: string;
  /** The second field where there is one. */
  factor?: string;
}

export interface Method {
  name: MethodName;
  /** What merely choosing it proves. */
  byChoice?: Proof;
  submit?(journey: Journey, form: MethodForm, tools: MethodTools): Promise<Journey>;
}

/** The journey with something to say about the last form, and without what it said before. */
export function troubled(journey: Journey, trouble: Trouble, typed?: string): Journey {
  return { ...journey, trouble, ...(typed === undefined ? {} : { typed: typed.slice(0, 254) }) };
}

export function untroubled(journey: Journey): Journey {
  const { trouble: _said, typed: _typed, ...rest } = journey;
  return rest;
}

/**
 * What keyboards of every script write: full-width, Arabic-Indic and Persian digits become 0 to 9, and
 * the invisible marks that come along with pasted numbers go.
 */
export function plainDigits(typed: string): string {
  return typed
    .normalize('NFKC')
    .replaceAll(/\p{Cf}/gu, '')
    .replaceAll(/[\u0660-\u0669\u06f0-\u06f9]/g, (sign) => String(sign.charCodeAt(0) & 0xf));
}
