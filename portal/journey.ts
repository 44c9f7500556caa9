/** PURE. From the facts gathered so far to the next step of a guest's journey; nobody else knows the order. */
import type { MethodName } from './ports-store.ts';
import type { SessionView } from './ports.ts';

/** How a gateway lets a guest in: at once, by sending the browser through its own door, or when it next asks. */
export type DoorStyle = 'now' | 'browser' | 'poll';

/** A method, or one identity provider of several. */
export type Way = MethodName | `oidc:${string}`;

export interface Facts {
  ways: readonly Way[];
  chosen: Way | null;
  /** The device was here before, and its guest has not said that it is somebody else's. */
  known: boolean;
  /** The site's question for an age. */
  age: 'none' | 'due' | 'settled';
  codeSent: boolean;
  /** The staff have been asked and have not answered. */
  asked: boolean;
  proved: boolean;
  consented: boolean;
  question: 'none' | 'due' | 'settled';
  refused: 'no' | 'blocked' | 'closed';
  admitted: boolean;
  /** Admitted for a few minutes only, to fetch a code or to sign in elsewhere. */
  grace: boolean;
  /** The gateway can give more time to a guest who is inside. */
  extend: boolean;
  door: DoorStyle;
  /** The gateway said no at the last try. */
  shut: boolean;
  session: SessionView['state'] | 'unknown';
  /** The browser came back from the gateway's own door. */
  landed: boolean;
  /** Milliseconds since the admission. */
  waited: number;
}

export type Step =
  | 'closed'
  | 'refused'
  | 'resting'
  | 'back'
  | 'age'
  | 'choose'
  | 'address'
  | 'code'
  | 'voucher'
  | 'member'
  | 'oidc'
  | 'staff'
  | 'waiting'
  | 'consent'
  | 'profile'
  | 'admit'
  | 'renew'
  | 'door'
  | 'connecting'
  | 'late'
  | 'shut'
  | 'welcome'
  | 'ended';

/** A gateway polls every 5 to 10 s; three missed polls mean that help is due. */
export const PATIENCE_MS = 30_000;

/** The way in force: the chosen one, or the only one there is. */
export function wayInForce(ways: readonly Way[], chosen: Way | null): Way | null {
  if (chosen !== null && ways.includes(chosen)) return chosen;
  return ways.length === 1 ? (ways[0] ?? null) : null;
}

export function methodOfWay(way: Way): MethodName {
  return way.startsWith('oidc:') ? 'oidc' : (way as MethodName);
}

const FIRST_STEP: Record<MethodName, Step | null> = {
  'click-through': null,
  'sms-code': 'address',
  'email-code': 'address',
  voucher: 'voucher',
  'member-card': 'member',
  oidc: 'oidc',
  staff: 'staff',
};

function stepOfMethod(method: MethodName, facts: Facts): Step | null {
  const first = FIRST_STEP[method];
  if (first === 'address' && facts.codeSent) return 'code';
  return first === 'staff' && facts.asked ? 'waiting' : first;
}

/** A device that is known is asked nothing, not even an age: its terms stand, and one tap is all. */
function stepOutside(facts: Facts): Step {
  if (facts.refused !== 'no') return facts.refused === 'closed' ? 'resting' : 'refused';
  if (facts.ways.length === 0) return 'closed';
  if (facts.known) return 'back';
  if (facts.age === 'due') return 'age';
  const way = wayInForce(facts.ways, facts.chosen);
  if (way === null) return 'choose';
  const unproved = facts.proved ? null : stepOfMethod(methodOfWay(way), facts);
  if (unproved !== null) return unproved;
  if (!facts.consented) return 'consent';
  return facts.question === 'due' ? 'profile' : 'admit';
}

function stepAtTheDoor(facts: Facts): Step {
  if (facts.session === 'ended') return 'ended';
  if (facts.session === 'active' || facts.landed) return 'welcome';
  if (facts.shut) return 'shut';
  if (facts.door === 'browser') return 'door';
  return facts.waited < PATIENCE_MS ? 'connecting' : 'late';
}

/** Once the short time runs, the journey stands where it stood; a door that is in the way comes first. */
function stepInGrace(facts: Facts): Step {
  const door = stepAtTheDoor(facts);
  if (door !== 'welcome' && door !== 'ended') return door;
  const step = stepOutside(facts);
  return step === 'admit' && door === 'welcome' && !facts.extend ? 'renew' : step;
}

export function nextStep(facts: Facts): Step {
  if (!facts.admitted) return stepOutside(facts);
  return facts.grace ? stepInGrace(facts) : stepAtTheDoor(facts);
}
