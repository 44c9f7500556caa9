/** PURE. What a gateway can and cannot do, as rows of plain words. */
import type { Abilities } from './desk.ts';

export interface AbilityRow {
  /** `gateway-abilities.<topic>.title`. */
  topic: keyof Abilities;
  /** Words below `gateway-abilities.<topic>.<state>`: `what` it does, and what Foyer does `instead`. */
  state: string;
  tone: 'good' | 'warn' | 'none';
  /** Whether there is something that Foyer does in its place. */
  instead: boolean;
}

const topics: readonly (keyof Abilities)[] = [
  'door',
  'redirect',
  'limits',
  'speed',
  'accounting',
  'kick',
  'status',
  'extend',
];

/** What is as good as it gets; a door that opens a little later is still a door. */
const fine = new Set(['yes', 'now', 'signed', 'encrypted', 'browser', 'poll']);
/** States for which Foyer needs to do nothing of its own. */
const unaided = new Set(['yes', 'now', 'signed', 'encrypted']);
/** Weaknesses that a merchant should weigh, beside mere lacks. */
const weak = new Set(['forgeable', 'never']);

export function abilityRows(abilities: Abilities): AbilityRow[] {
  return topics.map((topic) => {
    const value = abilities[topic];
    const state = typeof value === 'boolean' ? (value ? 'yes' : 'no') : value;
    const tone = fine.has(state) ? 'good' : weak.has(state) ? 'warn' : 'none';
    return { topic, state, tone, instead: !unaided.has(state) };
  });
}
