/** The fence's form beside the map: the same fields that a page without scripts posts. */
import type { Datum, Direction } from '../../shared/fence.ts';
import { readDay, writeDay } from '../../shared/opening.ts';
import { readRadio, writeRadio } from '../../shared/radio-keys.ts';
import { readShape, writeShape } from '../../shared/typed-shape.ts';
import { make } from '../page/data.ts';
import type { EditorFence } from './model.ts';

export interface FenceForm {
  /** Shows a fence, or hides the form when there is none. Fields in use are left alone. */
  show(fence: EditorFence | null, others: readonly EditorFence[]): void;
}

export interface FenceFormHandlers {
  onChange(over: Partial<EditorFence>): void;
  /** Something typed cannot be read: a text key below `fences.unreadable` and the line. */
  onUnreadable(fault: string, line: number): void;
  /** Time zone of hours that are new. */
  timezone: string;
}

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;
type Over = Partial<EditorFence> | null;

const DAYS = [0, 1, 2, 3, 4, 5, 6];
const hundredths = (value: number): string => String(Math.round(value * 100) / 100);

export function createForm(form: HTMLFormElement, handlers: FenceFormHandlers): FenceForm {
  let shown: EditorFence | null = null;
  const field = <F extends Field = HTMLInputElement>(name: string): F =>
    form.elements.namedItem(name) as F;
  const select = (name: string): HTMLSelectElement => field<HTMLSelectElement>(name);
  const text = (name: string): HTMLTextAreaElement => field<HTMLTextAreaElement>(name);
  const ticked = (name: string): string[] =>
    [...form.querySelectorAll<HTMLInputElement>(`input[name="${name}"]:checked`)].map(
      ({ value }) => value,
    );
  const on = (target: Field, event: 'input' | 'change', change: (value: string) => Over): void => {
    target.addEventListener(event, () => {
      const over = shown && change(target.value);
      if (over) handlers.onChange(over);
    });
  };
  const number = (name: string, change: (value: number) => Over): void => {
    on(field(name), 'input', (value) => {
      const read = value.trim() === '' ? NaN : Number(value);
      return Number.isFinite(read) ? change(read) : null;
    });
  };

  on(field('name'), 'input', (name) => ({ name }));
  on(field('floor'), 'input', (floor) => ({ floor: floor.trim() || null }));
  on(field('category'), 'input', (category) => ({ category: category.trim() || null }));
  on(select('parent'), 'input', (parent) => ({ parentId: parent || null }));
  on(field('active'), 'input', () => ({ active: field('active').checked }));
  number('minutes', (minutes) => ({ minDwellSeconds: Math.round(minutes * 60) }));
  number('cooldown', (minutes) => ({ cooldownSeconds: Math.round(minutes * 60) }));
  number('priority', (priority) => ({ priority: Math.round(priority) }));
  number('radius', (radius) => (radius > 0 ? { radius } : null));
  number('width', (width) => (width > 0 ? { width } : null));
  on(select('direction'), 'input', (value) => ({ direction: value as Direction }));
  on(select('datum'), 'input', (value) => ({ datum: value as Datum }));

  // Longer texts are read when the field is left: half a line is not an outline.
  on(text('coordinates'), 'change', (value) => {
    const read = readShape(shown!.kind, value);
    if (read.ok) return { geometry: read.geometry };
    handlers.onUnreadable(read.fault, read.line);
    return null;
  });
  const readSignals = (): void => {
    const read = readRadio({
      gateways: ticked('gateways'),
      bssids: text('bssids').value,
      beacons: text('beacons').value,
      codes: text('codes').value,
    });
    if (read.ok) handlers.onChange({ radio: read.keys.length > 0 ? read.keys : null });
    else handlers.onUnreadable(read.fault, read.line);
  };
  for (const name of ['bssids', 'beacons', 'codes'])
    text(name).addEventListener('change', readSignals);
  const readHours = (): void => {
    if (!field('limited').checked) {
      handlers.onChange({ hours: null });
      return;
    }
    const week = DAYS.map((day) => readDay(field(`day-${day}`).value));
    const wrong = week.indexOf(null);
    if (wrong >= 0) handlers.onUnreadable('hours', wrong + 1);
    else {
      const timezone = shown?.hours?.timezone ?? handlers.timezone;
      handlers.onChange({ hours: { timezone, week: week.map((day) => day ?? []) } });
    }
  };
  field('limited').addEventListener('input', readHours);
  for (const day of DAYS) field(`day-${day}`).addEventListener('change', readHours);
  form.addEventListener('change', ({ target }) => {
    const { name, value } = target as HTMLInputElement;
    if (name === 'gateways') readSignals();
    if (name === 'of') handlers.onChange({ of: value === 'all' ? 'all' : 'any' });
    if (name === 'members') handlers.onChange({ members: ticked('members') });
  });

  const write = (target: Field, value: string): void => {
    if (document.activeElement !== target && target.value !== value) target.value = value;
  };
  const showParents = (fence: EditorFence, others: readonly EditorFence[]): void => {
    const parent = select('parent');
    if (document.activeElement === parent) return;
    const options = others
      .filter(({ id, kind }) => id !== fence.id && !id.startsWith('new-') && kind !== 'tripwire')
      .toSorted((a, b) => a.name.localeCompare(b.name))
      .map(({ id, name }) => new Option(name, id, false, id === fence.parentId));
    parent.replaceChildren(parent.options[0]!, ...options);
    parent.value = fence.parentId ?? '';
  };
  const showMembers = (fence: EditorFence, others: readonly EditorFence[]): void => {
    const box = form.querySelector<HTMLElement>('[data-part="members"]')!;
    const choices = others
      .filter(({ id, kind }) => id !== fence.id && !id.startsWith('new-') && kind !== 'tripwire')
      .toSorted((a, b) => a.name.localeCompare(b.name));
    const key = JSON.stringify([fence.id, choices.map(({ id, name }) => [id, name])]);
    if (box.dataset['shown'] !== key) {
      box.dataset['shown'] = key;
      box.replaceChildren(...choices.map(({ id, name, floor }) => choice(id, name, floor)));
    }
    for (const input of box.querySelectorAll('input')) {
      input.checked = fence.members?.includes(input.value) ?? false;
    }
  };
  const showSignals = (fence: EditorFence): void => {
    const typed = writeRadio(fence.radio ?? []);
    write(text('bssids'), typed.bssids);
    write(text('beacons'), typed.beacons);
    write(text('codes'), typed.codes);
    for (const input of form.querySelectorAll<HTMLInputElement>('input[name="gateways"]')) {
      input.checked = typed.gateways.includes(input.value.toLowerCase());
    }
  };
  const showHours = ({ hours }: EditorFence): void => {
    field('limited').checked = hours !== null;
    form.querySelector<HTMLElement>('[data-part="week"]')!.hidden = hours === null;
    for (const day of DAYS) write(field(`day-${day}`), writeDay(hours?.week[day] ?? []));
  };
  /** Parts that concern only some kinds say which; another fence opens what it has something in. */
  const showParts = (fence: EditorFence, other: boolean): void => {
    for (const box of form.querySelectorAll<HTMLElement>('[data-kinds]')) {
      box.hidden = !box.dataset['kinds']!.split(' ').includes(fence.kind);
    }
    if (!other) return;
    const used: Record<string, boolean> = {
      radio: fence.kind === 'radio' || (fence.radio?.length ?? 0) > 0,
      hours: fence.hours !== null,
      more: fence.priority !== 0 || fence.cooldownSeconds !== 0,
    };
    const folds = [...form.querySelectorAll<HTMLDetailsElement>('details[data-fold]')];
    for (const fold of folds) fold.open = used[fold.dataset['fold'] ?? ''] ?? false;
    // Signals are what a set of signals is about, and an extra of any other fence.
    const signals = folds.find(({ dataset }) => dataset['fold'] === 'radio')!;
    const hours = folds.find(({ dataset }) => dataset['fold'] === 'hours')!;
    if (fence.kind === 'radio') field('name').closest('.field')!.after(signals);
    else hours.before(signals);
  };

  return {
    show(fence, others) {
      form.hidden = fence === null;
      const other = fence?.id !== shown?.id;
      shown = fence;
      if (!fence) return;
      showParts(fence, other);
      field('kind').value = fence.kind;
      write(field('name'), fence.name);
      write(field('floor'), fence.floor ?? '');
      write(field('category'), fence.category ?? '');
      write(field('minutes'), hundredths(fence.minDwellSeconds / 60));
      write(field('cooldown'), hundredths(fence.cooldownSeconds / 60));
      write(field('priority'), String(fence.priority));
      field('active').checked = fence.active;
      showParents(fence, others);
      write(field('radius'), fence.radius === null ? '' : String(fence.radius));
      write(field('width'), fence.width === null ? '' : String(fence.width));
      write(select('direction'), fence.direction ?? 'both');
      write(select('datum'), fence.datum);
      write(text('coordinates'), writeShape(fence.geometry));
      text('coordinates').readOnly = fence.geometry?.type === 'MultiPolygon';
      for (const input of form.querySelectorAll<HTMLInputElement>('input[name="of"]')) {
        input.checked = input.value === (fence.of ?? 'any');
      }
      showMembers(fence, others);
      showSignals(fence);
      showHours(fence);
    },
  };
}

function choice(id: string, name: string, floor: string | null): HTMLElement {
  const label = make('label', 'tick');
  const input = make('input');
  input.type = 'checkbox';
  input.name = 'members';
  input.value = id;
  const words = make('span', '', name);
  if (floor !== null) words.append(' ', make('span', 'help', floor));
  label.append(input, words);
  return label;
}
