/** The fence editor: list, map and form around one model. */
import './fences/fences.css';
import { keepDrafts, keptDrafts } from './fences/drafts.ts';
import type { EditorMap, Tool } from './fences/editor-map.ts';
import { createEditorMap } from './fences/editor-map.ts';
import { createForm } from './fences/form.ts';
import { showList } from './fences/list.ts';
import type { EditorFence, EditorModel } from './fences/model.ts';
import { createModel } from './fences/model.ts';
import { createNotices, wordsOf } from './fences/notices.ts';
import { deleteFence, saveFence } from './fences/save.ts';
import { download, fromGeoJson, toGeoJson } from './fences/transfer.ts';
import type { LonLat } from './map/base.ts';
import { createMap, frame } from './map/base.ts';
import type { ShapeOnMap } from './map/shapes.ts';
import { boundsOf } from './map/shapes.ts';
import type { Texts } from './page/data.ts';
import { make, pageData, part, textOf } from './page/data.ts';

interface FencesData {
  store: { id: string; slug: string; location: LonLat | null };
  fences: EditorFence[];
  floors: string[];
  /** Fence to open first, from the address. */
  selected: string | null;
  /** Whether this person may change fences. */
  mayWrite: boolean;
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
  if (fence.radius !== null) return say('fences.circleOf', { metres: Math.round(fence.radius) });
  const rings = fence.geometry.type === 'Polygon' ? fence.geometry.coordinates : [];
  const corners = rings.reduce((sum, ring) => sum + ring.length - 1, 0);
  return corners > 0 ? say('fences.corners', { count: corners }) : say('fences.parts');
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
  for (const button of tools) {
    const needsShape = button.dataset['tool'] === 'move' || button.dataset['tool'] === 'cut';
    const cutsCircle = button.dataset['tool'] === 'cut' && fence?.radius !== null;
    button.disabled = needsShape && (fence === null || cutsCircle);
  }
  keepDrafts(data.store.id, model.drafts());
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
  // On a phone the list stands below the map.
  part('map').scrollIntoView({ block: 'nearest' });
  const bounds = boundsOf([fence]);
  if (!map.getBounds().contains(bounds))
    map.fitBounds(bounds, { maxZoom: 20.5, padding: [60, 60] });
}

function drawn(shape: ShapeOnMap): void {
  notices.clear();
  const outer = data.fences.find((fence) => fence.parentId === null && fence.floor === null);
  model.add({
    name: '',
    floor,
    parentId: outer?.id ?? null,
    category: null,
    minDwellSeconds: 180,
    active: true,
    ...shape,
  });
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
    notices.good(say('fences.saved', { name: answer.data.name }));
    model.saved(fence.id, answer.data);
    return;
  }
  const { text, details } = wordsOf(answer.problem, say('fences.unreachable'));
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
  const { text, details } = wordsOf(answer.problem, say('fences.unreachable'));
  notices.bad(text, details);
}

async function importFile(input: HTMLInputElement): Promise<void> {
  const file = input.files?.[0];
  input.value = '';
  if (!file) return;
  const known = new Set(model.all().map((fence) => fence.id));
  const read = fromGeoJson(await file.text(), floor, known);
  if (!read) {
    notices.bad(say('fences.import.unreadable'));
    return;
  }
  for (const fence of read.fences) model.add(fence);
  const shown = boundsOf(read.fences);
  if (shown.isValid()) map.fitBounds(shown, { padding: [32, 32] });
  const skipped =
    read.skipped > 0 ? ` ${say('fences.import.skipped', { count: read.skipped })}` : '';
  notices.good(`${say('fences.import.done', { count: read.fences.length })}${skipped}`);
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
  part('export').addEventListener('click', (event) => {
    event.preventDefault();
    download(`fences-${data.store.slug}.geojson`, toGeoJson(model.all()));
  });
  optional<HTMLInputElement>('import')?.addEventListener('change', (event) => {
    void importFile(event.target as HTMLInputElement);
  });
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
