/** The fences of the shown floor as a list: an outer fence first, what lies in it below. */
import { make } from '../page/data.ts';
import type { EditorFence } from './model.ts';

export interface FenceListOptions {
  list: HTMLElement;
  onSelect(id: string): void;
  /** Small grey text behind the name, e.g. "circle, 12 m". */
  describe(fence: EditorFence): string;
  /** The kind's name, for those who wonder about its icon. */
  kindName(fence: EditorFence): string;
  /** Address of the icons' file. */
  icons: string;
  unsaved: string;
  unnamed: string;
  /** Heading over fences that are not in use. */
  outOfUse: string;
}

export function showList(
  options: FenceListOptions,
  fences: readonly EditorFence[],
  selected: string | null,
  isDirty: (id: string) => boolean,
): void {
  const focused = document.activeElement?.closest<HTMLElement>('[data-fence]')?.dataset['fence'];
  const inUse = fences.filter((fence) => fence.active);
  const idle = fences.filter((fence) => !fence.active);
  const shownIds = new Set(inUse.map((fence) => fence.id));
  const rows: HTMLElement[] = [];
  const walk = (parentId: string | null, depth: number): void => {
    const here = inUse.filter((fence) => {
      const parent =
        fence.parentId !== null && shownIds.has(fence.parentId) ? fence.parentId : null;
      return parent === parentId;
    });
    for (const fence of here.toSorted((a, b) => a.name.localeCompare(b.name))) {
      rows.push(row(options, fence, depth, fence.id === selected, isDirty(fence.id)));
      if (depth < 5) walk(fence.id, depth + 1);
    }
  };
  walk(null, 0);
  if (idle.length > 0) {
    rows.push(make('li', 'fence-list__heading', options.outOfUse));
    for (const fence of idle) {
      rows.push(row(options, fence, 0, fence.id === selected, isDirty(fence.id)));
    }
  }
  options.list.replaceChildren(...rows);
  if (focused !== undefined) {
    options.list.querySelector<HTMLElement>(`[data-fence="${CSS.escape(focused)}"]`)?.focus();
  }
}

/** One symbol of the icons' file; what it means is said in words beside it. */
function icon(file: string, kind: EditorFence['kind']): SVGElement {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(space, 'use');
  use.setAttribute('href', `${file}#fence-${kind}`);
  svg.append(use);
  return svg;
}

function row(
  options: FenceListOptions,
  fence: EditorFence,
  depth: number,
  selected: boolean,
  dirty: boolean,
): HTMLElement {
  const item = make('li', `fence-list__item fence-list__item--${Math.min(depth, 2)}`);
  const button = make('button', 'fence-list__button');
  button.type = 'button';
  button.dataset['fence'] = fence.id;
  if (selected) button.setAttribute('aria-current', 'true');
  button.title = options.kindName(fence);
  button.append(icon(options.icons, fence.kind));
  button.append(make('span', 'fence-list__name', fence.name || options.unnamed));
  button.append(make('span', 'fence-list__size', options.describe(fence)));
  if (dirty) button.append(make('span', 'fence-list__dirty', options.unsaved));
  button.addEventListener('click', () => options.onSelect(fence.id));
  item.append(button);
  return item;
}
