/** A member's card: its number, and something only the member knows. */
import type { Trouble } from '../context.ts';
import type { Method } from './method.ts';
import { plainDigits, troubled, untroubled } from './method.ts';

const TROUBLE = {
  unknown: 'member-unknown',
  'too-many-tries': 'member-limit',
  blocked: 'member-blocked',
} as const satisfies Record<string, Trouble['kind']>;

const MAX_NUMBER = 40;
const MAX_FACTOR = 20;

/** Only the number is kept for another try: a PIN is typed anew, and never stands in a link. */
export const memberCard: Method = {
  name: 'member-card',
  async submit(journey, form, { store, members, networkIp }) {
    const number = plainDigits(form.value).trim();
    const factor = plainDigits(form.factor ?? '').trim();
    const readable = number.length > 0 && number.length <= MAX_NUMBER;
    if (members === undefined || !readable || factor === '' || factor.length > MAX_FACTOR)
      return troubled(journey, { kind: 'member-unknown' }, form.value);
    const mac = journey.context?.mac ?? '';
    const outcome = await members.check(store, { number, factor }, mac, networkIp);
    if (!outcome.ok) return troubled(journey, { kind: TROUBLE[outcome.reason] }, form.value);
    const proof = { method: 'member-card', number: outcome.number } as const;
    return { ...untroubled(journey), proof };
  },
};
