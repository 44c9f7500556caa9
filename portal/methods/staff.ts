/** Somebody of the staff lets the guest in: a name goes to the console, and the page waits for the answer. */
import type { Journey } from '../context.ts';
import type { Method, MethodTools } from './method.ts';
import { troubled, untroubled } from './method.ts';

const MAX_NAME = 60;

/** One line without control signs: it is read by a person in a list. */
export function tidyName(typed: string): string {
  return typed
    .normalize('NFC')
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_NAME);
}

export const staff: Method = {
  name: 'staff',
  async submit(journey, form, { store, approvals, once }) {
    const name = tidyName(form.value);
    const mac = journey.context?.mac;
    if (approvals === undefined || mac === undefined || name === '')
      return troubled(journey, { kind: 'name-missing' }, form.value);
    const key = JSON.stringify(['ask', journey.binding, name]);
    const { requestId } = await once(
      key,
      () => approvals.ask(store, { name, mac }),
      // An answered request is over: asking again is another.
      () => false,
    );
    return { ...untroubled(journey), requestId };
  },
};

/** What became of the request. */
export async function heardFromStaff(
  journey: Journey,
  { store, approvals }: Pick<MethodTools, 'store' | 'approvals'>,
): Promise<Journey> {
  const { requestId } = journey;
  if (requestId === undefined || approvals === undefined || journey.proof !== undefined)
    return journey;
  const state = await approvals.state(store, requestId);
  if (state === 'waiting') return journey;
  const { requestId: _answered, ...rest } = untroubled(journey);
  if (state === 'granted') return { ...rest, proof: { method: 'staff', requestId } };
  return troubled(rest, { kind: state === 'denied' ? 'staff-denied' : 'staff-expired' });
}
