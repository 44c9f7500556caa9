/** PURE. From the facts gathered so far to the next step of a guest's journey; nobody else knows the order. */
import type { MethodName, SessionView } from './ports.ts';

/** How a gateway lets a guest in: at once, by sending the browser through its own door, or when it next asks. */
export type DoorStyle = 'now' | 'browser' | 'poll';

export interface Facts {
  methods: readonly MethodName[];
  chosen: MethodName | null;
  codeSent: boolean;
  proved: boolean;
  consented: boolean;
  question: 'none' | 'due' | 'settled';
  refused: boolean;
  admitted: boolean;
  door: DoorStyle;
  session: SessionView['state'] | 'unknown';
  /** The browser came back from the gateway's own door. */
  landed: boolean;
  /** Milliseconds since the admission. */
  waited: number;
}

export type Step =
  | 'closed'
  | 'refused'
  | 'choose'
  | 'address'
  | 'code'
  | 'voucher'
  | 'consent'
  | 'profile'
  | 'admit'
  | 'door'
  | 'connecting'
  | 'late'
  | 'welcome'
  | 'ended';

/** A gateway polls every 5 to 10 s; three missed polls mean that help is due. */
export const PATIENCE_MS = 30_000;

/** The method in force: the chosen one, or the only one there is. */
export function methodInForce(
  methods: readonly MethodName[],
  chosen: MethodName | null,
): MethodName | null {
  if (chosen !== null && methods.includes(chosen)) return chosen;
  return methods.length === 1 ? (methods[0] ?? null) : null;
}

function stepOutside(facts: Facts): Step {
  if (facts.refused) return 'refused';
  if (facts.methods.length === 0) return 'closed';
  const method = methodInForce(facts.methods, facts.chosen);
  if (method === null) return 'choose';
  if (!facts.proved && method === 'voucher') return 'voucher';
  if (!facts.proved && method !== 'click-through') return facts.codeSent ? 'code' : 'address';
  if (!facts.consented) return 'consent';
  return facts.question === 'due' ? 'profile' : 'admit';
}

function stepAtTheDoor(facts: Facts): Step {
  if (facts.session === 'ended') return 'ended';
  if (facts.session === 'active' || facts.landed) return 'welcome';
  if (facts.door === 'browser') return 'door';
  return facts.waited < PATIENCE_MS ? 'connecting' : 'late';
}

export function nextStep(facts: Facts): Step {
  return facts.admitted ? stepAtTheDoor(facts) : stepOutside(facts);
}
