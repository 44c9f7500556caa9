/** The rule form comes alive: rows come and go, values fit their field, the sentence is told as it is typed. */
import './rules/rules.css';
import { make, pageData, part } from './page/data.ts';
import type { FieldChoice, RuleData } from './rules/controls.ts';
import { fitRow } from './rules/controls.ts';

interface Preview {
  sentence: { text: string; strong?: true }[];
  wrong: string[];
}

/** Long enough not to ask at every key. */
const PAUSE_MS = 300;

function tellSentence(form: HTMLFormElement): () => void {
  const box = part('sentence', form);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  const ask = async (): Promise<void> => {
    const turn = ++asked;
    const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? '';
    const values = [...new FormData(form)].filter((pair): pair is [string, string] => {
      return typeof pair[1] === 'string';
    });
    const response = await fetch('/console/rules/preview', {
      method: 'POST',
      headers: { 'x-csrf-token': token },
      body: new URLSearchParams(values),
      credentials: 'same-origin',
    });
    if (!response.ok || turn !== asked) return;
    const { sentence, wrong } = (await response.json()) as Preview;
    const told = sentence.map(({ text, strong }) => make(strong ? 'b' : 'span', '', text));
    const faults = wrong.map((line) => make('span', 'wrong', line));
    box.replaceChildren(...(told.length > 0 ? told : faults));
  };
  return () => {
    clearTimeout(timer);
    // A preview that cannot be fetched leaves the last sentence: saving says what is wrong.
    timer = setTimeout(() => void ask().catch(() => undefined), PAUSE_MS);
  };
}

function start(form: HTMLFormElement): void {
  const data = pageData<RuleData>('rule-data');
  const refresh = tellSentence(form);
  const list = form.querySelector<HTMLElement>('[data-part="conditions"]');
  const template = document.getElementById('condition') as HTMLTemplateElement;
  const trigger = form.elements.namedItem('trigger') as HTMLSelectElement;
  const choiceOf = (name: string): FieldChoice | undefined =>
    data.choices.find((choice) => choice.name === name);
  const fit = (row: HTMLElement): void => fitRow(row, data, choiceOf);
  /** Facts that this event never knows are not offered. */
  const fitTrigger = (): void => {
    for (const option of form.querySelectorAll<HTMLOptionElement>('[name="cField"] option')) {
      const choice = choiceOf(option.value);
      option.hidden = choice !== undefined && !choice.triggers.includes(trigger.value);
    }
  };
  form.addEventListener('input', (event) => {
    const row = (event.target as HTMLElement).closest<HTMLElement>('.condition');
    const name = (event.target as HTMLInputElement).name;
    if (row && (name === 'cField' || name === 'cOp')) fit(row);
    if (name === 'trigger') fitTrigger();
    refresh();
  });
  form.addEventListener('click', (event) => {
    const button = (event.target as HTMLElement).closest<HTMLButtonElement>('button[name="do"]');
    if (!button || !list) return;
    if (button.value === 'add') {
      event.preventDefault();
      const row = template.content.firstElementChild!.cloneNode(true) as HTMLElement;
      list.append(row);
      fitTrigger();
      row.querySelector<HTMLElement>('select')?.focus();
    } else if (button.value.startsWith('remove:')) {
      event.preventDefault();
      button.closest('.condition')?.remove();
      part('add', form).focus();
      refresh();
    }
  });
  fitTrigger();
}

const form = document.querySelector<HTMLFormElement>('[data-part="rule"]');
if (form) start(form);
