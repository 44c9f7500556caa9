/** The right control for a question's value: yes or no, a choice, a place, a number, words. */
import { make, part } from '../page/data.ts';

export interface FieldChoice {
  name: string;
  label: string;
  type: 'number' | 'boolean' | 'text' | 'choice' | 'id';
  unit: string;
  operators: string[];
  choices: string[];
  triggers: string[];
}

export interface RuleData {
  choices: FieldChoice[];
  operatorNames: Record<string, string>;
  lists: Record<'stores' | 'fences', { id: string; name: string }[]>;
  yes: string;
  no: string;
  minutes: string;
}

const lists = new Set(['in', 'not_in', 'between']);
const presence = new Set(['known', 'unknown']);

/** Options of a value that is chosen rather than typed, or null. */
function optionsOf(choice: FieldChoice, op: string, data: RuleData): [string, string][] | null {
  if (lists.has(op) || presence.has(op)) return null;
  if (choice.type === 'boolean') {
    return [
      ['yes', data.yes],
      ['no', data.no],
    ];
  }
  if (choice.type === 'choice') return choice.choices.map((value) => [value, value]);
  if (choice.type !== 'id') return null;
  const named = choice.name === 'store.id' ? data.lists.stores : data.lists.fences;
  return named.map(({ id, name }) => [id, name]);
}

/** Fits operators, value and unit of a row to its chosen field; what still fits is kept. */
export function fitRow(
  row: HTMLElement,
  data: RuleData,
  choiceOf: (name: string) => FieldChoice | undefined,
): void {
  const field = row.querySelector<HTMLSelectElement>('[name="cField"]')!;
  const op = row.querySelector<HTMLSelectElement>('[name="cOp"]')!;
  const key = row.querySelector<HTMLInputElement>('[name="cKey"]')!;
  const value = row.querySelector<HTMLInputElement | HTMLSelectElement>('[name="cValue"]')!;
  const choice = choiceOf(field.value);
  key.hidden = field.value !== 'answer.*';
  if (!choice) return;
  const before = op.value;
  const names = choice.operators.map(
    (name) => new Option(data.operatorNames[name] ?? name, name, false, name === before),
  );
  op.replaceChildren(...names);
  if (!choice.operators.includes(before)) {
    op.value = choice.type === 'number' ? 'gte' : (choice.operators[0] ?? 'eq');
  }
  const options = optionsOf(choice, op.value, data);
  const next = options ? chosen(options, value.value) : typed(value);
  next.name = 'cValue';
  next.setAttribute('aria-label', value.getAttribute('aria-label') ?? '');
  next.hidden = presence.has(op.value);
  if (next instanceof HTMLInputElement) {
    next.inputMode = choice.type === 'number' && !lists.has(op.value) ? 'decimal' : 'text';
  }
  value.replaceWith(next);
  part('unit', row).textContent = choice.unit === 's' && !next.hidden ? data.minutes : '';
}

function chosen(options: [string, string][], current: string): HTMLSelectElement {
  const select = make('select');
  select.append(
    ...options.map(([value, label]) => new Option(label, value, false, value === current)),
  );
  return select;
}

function typed(before: HTMLInputElement | HTMLSelectElement): HTMLInputElement {
  const input = make('input');
  input.autocomplete = 'off';
  input.maxLength = 2_000;
  // An id or a yes from a list means nothing once words or numbers are asked for.
  input.value = before instanceof HTMLInputElement ? before.value : '';
  return input;
}
