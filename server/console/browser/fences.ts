/** The fence editor: list, map and form around one model. */
import './fences/fences.css';
import { keepDrafts, keptDrafts } from './fences/drafts.ts';
import type { Drawn, EditorMap, Tool } from './fences/editor-map.ts';
import { createEditorMap } from './fences/editor-map.ts';
import { createForm } from './fences/form.ts';
import { showList } from './fences/list.ts';
import type { EditorFence, EditorModel } from './fences/model.ts';
import { createModel } from './fences/model.ts';
import { createNotices, wordsOf, wordsOfFile } from './fences/notices.ts';
import type { Warning } from './fences/save.ts';
import { deleteFence, importFile, listFences, saveFence } from './fences/save.ts';
import type { LonLat } from './map/base.ts';
import { createMap, frame } from './map/base.ts';
import { boundsOf } from './map/shapes.ts';
import type { Texts } from './page/data.ts';
import { make, pageData, part, textOf } from './page/data.ts';
import type { Datum, FenceKind } from '../shared/fence.ts';
import { blankFence } from '../shared/fence.ts';
import { groundArea } from '../shared/ground.ts';

interface FencesData {
  store: { id: string; slug: string; location: LonLat | null; timezone: string };
  fences: EditorFence[];
  floors: string[];
  /** Fence to open first, from the address. */
  selected: string | null;
  /** Whether this person may change fences. */
  mayWrite: boolean;
  /** What is drawn over the map's tiles is in their datum. */
  mapDatum: Datum;
  /** Address of the icons' file. */
  icons: string;
  texts: Texts;
}

document.querySelector('.fences')?.classList.add('is-on');
const data = pageData<FencesData>('fences-data');
const say = (key: string, values?: Record<string, string | number>): string =>
  textOf(data.texts, key, values);
const notices = createNotices(part('notices'));
const form = part<HTMLFormElement>('form');
const floorBar = part('floors');
const list = part('list');
const help = part('tool-help');
const tools = [...document.querySelectorAll<HTMLButtonElement>('[data-tool]')];
const makers = [...document.querySelectorAll<HTMLButtonElement>('button[data-new]')];

let floor: string | null = data.floors[0] ?? null;
let busy = false;
const model: EditorModel = createModel(data.fences, keptDrafts(data.store.id), () => refresh());
const map = createMap(part('map'), { zoomIn: say('maps.zoomIn'), zoomOut: say('maps.zoomOut') });
frame(map, boundsOf(data.fences), data.store.location);
const editor: EditorMap = createEditorMap(map, {
  mayWrite: data.mayWrite,
  onSelect: (id) => model.select(id),
  onDrawn: drawn,
  onReshaped(id, shape) {
    notices.clear();
    model.change(id, shape);
  },
  onTool: showTool,
});
const fenceForm = createForm(form, {
  onChange(over) {
    const id = model.selected();
    if (id === null) return;
    notices.clear();
    if (over.floor !== undefined) floor = over.floor ?? floor;
    model.change(id, over);
  },
  onUnreadable: (fault, line) => notices.bad(say(`fences.unreadable.${fault}`, { line })),
  timezone: data.store.timezone,
});

function current(): EditorFence | null {
  const id = model.selected();
  return id === null ? null : (model.get(id) ?? null);
}

function onFloor(): EditorFence[] {
  return model.all().filter((fence) => fence.floor === null || fence.floor === floor);
}

/** Fences out of use stay off the map, unless one is being looked at. */
function onMap(fences: readonly EditorFence[]): EditorFence[] {
  const id = model.selected();
  return fences.filter((fence) => fence.active || fence.id === id || model.isDirty(fence.id));
}

function describe(fence: EditorFence): string {
  const { kind, geometry } = fence;
  if (kind === 'circle') return say('fences.is.circle', { metres: Math.round(fence.radius ?? 0) });
  if (kind === 'corridor') return say('fences.is.corridor', { metres: fence.width ?? 0 });
  if (kind === 'tripwire') return say('fences.is.tripwire');
  if (kind === 'radio') return say('fences.is.radio', { count: fence.radio?.length ?? 0 });
  if (kind === 'composite')
    return say('fences.is.composite', { count: fence.members?.length ?? 0 });
  return areaText(geometry);
}

/** Two figures are as much as an outline drawn by hand is worth. */
const areaFigure = new Intl.NumberFormat(document.documentElement.lang, {
  maximumSignificantDigits: 2,
});

function areaText(geometry: EditorFence['geometry']): string {
  if (geometry?.type !== 'Polygon' && geometry?.type !== 'MultiPolygon') return '';
  const many = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
  const metres = groundArea(many);
  return metres < 1e6
    ? say('fences.is.area', { metres: areaFigure.format(metres) })
    : say('fences.is.wideArea', { km: areaFigure.format(metres / 1e6) });
}

function showFloors(): void {
  const floors = new Set(data.floors);
  for (const fence of model.all()) if (fence.floor !== null) floors.add(fence.floor);
  if (floor !== null) floors.add(floor);
  floorBar.hidden = floors.size < 2;
  const names = [...floors].toSorted((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  if (floorBar.dataset['shown'] !== JSON.stringify([names, floor])) {
    floorBar.dataset['shown'] = JSON.stringify([names, floor]);
    const label = make('span', 'segment__label', floorBar.ariaLabel ?? '');
    floorBar.replaceChildren(label, ...names.map(floorButton));
  }
}

function floorButton(name: string): HTMLElement {
  const button = make('button', 'segment__button', name);
  button.type = 'button';
  button.setAttribute('aria-pressed', String(name === floor));
  button.addEventListener('click', () => {
    floor = name;
    const fence = current();
    if (fence && fence.floor !== null && fence.floor !== name) model.select(null);
    else refresh();
  });
  return button;
}

function refresh(): void {
  const fences = onFloor();
  const fence = current();
  const tool = editor.tool();
  if (fence === null && (tool === 'move' || tool === 'cut')) editor.use('corners');
  showFloors();
  editor.show(onMap(fences), fence?.id ?? null);
  fenceForm.show(fence, model.all());
  const options = {
    list,
    describe,
    kindName: ({ kind }: EditorFence) => say(`fences.kind.${kind}.name`),
    icons: data.icons,
    onSelect: open,
    unsaved: say('fences.unsaved'),
    unnamed: say('fences.unnamed'),
    outOfUse: say('fences.outOfUse'),
  };
  showList(options, fences, fence?.id ?? null, (id) => model.isDirty(id));
  part('nothing').hidden = fence !== null;
  part('no-fences').hidden = fences.length > 0;
  part<HTMLButtonElement>('save').disabled = busy || fence === null || !model.isDirty(fence.id);
  part<HTMLButtonElement>('discard').hidden = fence === null || !model.isDirty(fence.id);
  if (data.mayWrite) {
    part('delete').hidden = fence === null || fence.version === 0 || !fence.active;
    part('delete-name').textContent = fence?.name ?? '';
  }
  showTools(fence);
  keepDrafts(data.store.id, model.drafts());
}

/** Corners, moving and cutting are about the chosen fence, so they come with it. */
function showTools(fence: EditorFence | null): void {
  const edit = optional('edit-tools');
  if (edit) edit.hidden = !fence?.geometry;
  for (const button of tools) {
    if (button.dataset['tool'] === 'cut') button.disabled = fence?.kind !== 'area';
  }
  if (fence) {
    part('kind-name').textContent = say(`fences.kind.${fence.kind}.name`);
    part('kind-words').textContent = say(`fences.kind.${fence.kind}.words`);
    part('kind-icon').setAttribute('href', `${data.icons}#fence-${fence.kind}`);
  }
}

/** Not every person may write; then the parts that do so are not in the page. */
function optional<E extends HTMLElement>(name: string): E | null {
  return document.querySelector<E>(`[data-part="${name}"]`);
}

/** Opens a fence from the list: on its own floor, in view, ready for the keyboard. */
function open(id: string): void {
  const fence = model.get(id);
  if (!fence) return;
  notices.clear();
  if (fence.floor !== null) floor = fence.floor;
  model.select(id);
  // Sets of signals are nowhere on the map, groups where their members are.
  const members = (fence.members ?? []).flatMap((member) => model.get(member) ?? []);
  const bounds = boundsOf([fence, ...members]);
  if (!bounds.isValid()) return;
  // On a phone the list stands below the map.
  part('map').scrollIntoView({ block: 'nearest' });
  if (!map.getBounds().contains(bounds))
    map.fitBounds(bounds, { maxZoom: 20.5, padding: [60, 60] });
}

function drawn(kind: FenceKind, shape: Drawn): void {
  add(kind, { ...shape, datum: data.mapDatum });
}

/** A new fence, chosen and with its name to be typed. */
function add(kind: FenceKind, over: Partial<EditorFence>): void {
  notices.clear();
  const outer = data.fences.find((fence) => fence.parentId === null && fence.floor === null);
  const inOuter = kind !== 'composite' && outer?.kind !== 'tripwire' ? (outer?.id ?? null) : null;
  model.add({ ...blankFence(kind), floor, parentId: inOuter, ...over });
  form.querySelector<HTMLInputElement>('input[name="name"]')?.focus();
}

function showTool(tool: Tool): void {
  for (const button of tools) {
    button.setAttribute('aria-pressed', String(button.dataset['tool'] === tool));
  }
  help.textContent = tool === 'corners' ? '' : say(`fences.help.${tool}`);
  help.hidden = help.textContent === '';
}

async function save(): Promise<void> {
  const fence = current();
  if (!fence || busy) return;
  busy = true;
  refresh();
  const answer = await saveFence(fence, model.savedOne(fence.id), data.store.id);
  busy = false;
  if (answer.ok) {
    const { fence: saved, warnings } = answer.data;
    const words = say('fences.saved', { name: saved.name });
    if (warnings.length > 0) notices.warn(words, warnings.map(warningWords));
    else notices.good(words);
    model.saved(fence.id, saved);
    return;
  }
  const { text, details } = wordsOf(answer.problem, data.texts, say('fences.unreachable'));
  notices.bad(text, details);
  refresh();
}

async function remove(event: Event): Promise<void> {
  event.preventDefault();
  const fence = current();
  if (!fence) return;
  const confirmation = part<HTMLInputElement>('delete-confirm');
  const typed = confirmation.value.trim();
  if (typed !== fence.name.trim()) {
    notices.bad(say('fences.deleteMismatch', { name: fence.name }));
    return;
  }
  const answer = await deleteFence(fence);
  if (answer.ok) {
    notices.good(say('fences.deleted', { name: fence.name }));
    confirmation.value = '';
    part<HTMLDetailsElement>('delete').open = false;
    model.removed(fence.id);
    return;
  }
  const { text, details } = wordsOf(answer.problem, data.texts, say('fences.unreachable'));
  notices.bad(text, details);
}

/** Our own words for a warning, or the server's. */
function warningWords({ code, message }: Warning): string {
  const key = `fences.warning.${code}`;
  return data.texts[key] ?? message;
}

async function takeFile(event: Event): Promise<void> {
  event.preventDefault();
  const input = part<HTMLInputElement>('import-file');
  const file = input.files?.[0];
  if (!file || busy) return;
  busy = true;
  const datum = part<HTMLSelectElement>('import-datum').value as Datum;
  const answer = await importFile(file, data.store.id, datum);
  busy = false;
  if (!answer.ok) {
    const { text, details } = wordsOfFile(answer.problem, data.texts, say('fences.unreachable'));
    notices.bad(`${say('fences.import.refused')} ${text}`, details);
    part<HTMLDetailsElement>('import').open = false;
    return;
  }
  input.value = '';
  part<HTMLDetailsElement>('import').open = false;
  const { created, updated, warnings } = answer.data;
  const words = say('fences.import.done', { count: created + updated });
  if (warnings.length > 0) {
    notices.warn(
      words,
      warnings.map((warning) => `${warning.id}: ${warningWords(warning)}`),
    );
  } else notices.good(words);
  await reload();
}

/** What stands now, with unsaved changes kept over it. */
async function reload(): Promise<void> {
  const answer = await listFences(data.store.id);
  if (!answer.ok) return;
  model.reset(answer.data);
  const shown = boundsOf(onFloor());
  if (shown.isValid()) map.fitBounds(shown, { padding: [32, 32] });
}

function listen(): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void save();
  });
  part('discard').addEventListener('click', () => {
    const id = model.selected();
    notices.clear();
    if (id !== null) model.discard(id);
  });
  optional('delete-button')?.addEventListener('click', (event) => void remove(event));
  optional<HTMLFormElement>('import-form')?.addEventListener('submit', (event) => {
    void takeFile(event);
  });
  for (const button of makers) {
    button.addEventListener('click', () => {
      editor.use('corners');
      add(button.dataset['new'] as FenceKind, {});
    });
  }
  for (const button of tools) {
    button.addEventListener('click', () => {
      const tool = button.dataset['tool'] as Tool;
      editor.use(editor.tool() === tool ? 'corners' : tool);
    });
  }
  addEventListener('beforeunload', (event) => {
    if (model.anyDirty()) event.preventDefault();
  });
}

listen();
if (data.selected !== null) open(data.selected);
refresh();
if (model.anyDirty()) notices.good(say('fences.restored', { count: model.drafts().length }));
