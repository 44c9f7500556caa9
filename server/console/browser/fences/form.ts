/** The fence's form beside the map: the same fields that a page without scripts posts. */
import type { LonLat } from '../../shared/coordinates.ts';
import { readPolygon, readRings, writePoint, writeRings } from '../../shared/coordinates.ts';
import { part } from '../page/data.ts';
import type { Geometry } from '../map/shapes.ts';
import type { EditorFence } from './model.ts';

export interface FenceForm {
  /** Shows a fence, or hides the form when there is none. Fields in use are left alone. */
  show(fence: EditorFence | null, others: readonly EditorFence[]): void;
}

export interface FenceFormHandlers {
  onChange(over: Partial<EditorFence>): void;
  /** The coordinates cannot be read: a text key and the line. */
  onUnreadable(fault: string, line: number): void;
}

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

export function createForm(form: HTMLFormElement, handlers: FenceFormHandlers): FenceForm {
  const field = <F extends Field>(name: string): F => form.elements.namedItem(name) as F;
  const name = field<HTMLInputElement>('name');
  const floor = field<HTMLInputElement>('floor');
  const category = field<HTMLInputElement>('category');
  const minutes = field<HTMLInputElement>('minutes');
  const parent = field<HTMLSelectElement>('parent');
  const active = field<HTMLInputElement>('active');
  const radius = field<HTMLInputElement>('radius');
  const coordinates = field<HTMLTextAreaElement>('coordinates');
  const kinds = [...form.querySelectorAll<HTMLInputElement>('input[name="shape"]')];
  const isCircle = (): boolean => kinds.find((kind) => kind.checked)?.value === 'circle';

  const write = (target: Field, value: string): void => {
    if (document.activeElement !== target && target.value !== value) target.value = value;
  };
  const on = (target: Field, change: () => Partial<EditorFence> | null): void => {
    target.addEventListener('input', () => {
      const over = change();
      if (over) handlers.onChange(over);
    });
  };
  on(name, () => ({ name: name.value }));
  on(floor, () => ({ floor: floor.value.trim() || null }));
  on(category, () => ({ category: category.value.trim() || null }));
  on(parent, () => ({ parentId: parent.value || null }));
  on(active, () => ({ active: active.checked }));
  on(minutes, () => {
    const value = Number(minutes.value);
    return Number.isFinite(value) ? { minDwellSeconds: Math.round(value * 60) } : null;
  });
  on(radius, () => {
    const value = Number(radius.value);
    return isCircle() && value > 0 ? { radius: value } : null;
  });
  // The outline is read when the field is left: half a line is not an outline.
  coordinates.addEventListener('change', () => {
    const read = isCircle() ? readRings(coordinates.value) : readPolygon(coordinates.value);
    if (!read.ok) {
      handlers.onUnreadable(read.fault, read.line);
      return;
    }
    const [first] = read.rings[0] ?? [];
    handlers.onChange(
      isCircle() && first
        ? { geometry: { type: 'Point', coordinates: [...first] } }
        : {
            geometry: { type: 'Polygon', coordinates: read.rings.map((r) => r.map((p) => [...p])) },
          },
    );
  });

  const showParents = (fence: EditorFence, others: readonly EditorFence[]): void => {
    const options = others
      .filter((other) => other.id !== fence.id && !other.id.startsWith('new-'))
      .toSorted((a, b) => a.name.localeCompare(b.name))
      .map((other) => new Option(other.name, other.id, false, other.id === fence.parentId));
    parent.replaceChildren(parent.options[0]!, ...options);
    parent.value = fence.parentId ?? '';
  };
  return {
    show(fence, others) {
      form.hidden = fence === null;
      if (!fence) return;
      write(name, fence.name);
      write(floor, fence.floor ?? '');
      write(category, fence.category ?? '');
      write(minutes, String(Math.round((fence.minDwellSeconds / 60) * 100) / 100));
      active.checked = fence.active;
      if (document.activeElement !== parent) showParents(fence, others);
      const circle = fence.geometry.type === 'Point';
      for (const kind of kinds) {
        kind.checked = (kind.value === 'circle') === circle;
        // On the map a shape is what was drawn; only the plain form may change its kind.
        kind.disabled = !kind.checked;
      }
      part('radius-row', form).hidden = !circle;
      write(radius, fence.radius === null ? '' : String(fence.radius));
      write(coordinates, writeGeometry(fence.geometry));
      coordinates.readOnly = fence.geometry.type === 'MultiPolygon';
    },
  };
}

function writeGeometry(geometry: Geometry): string {
  if (geometry.type === 'Point') return writePoint(geometry.coordinates as unknown as LonLat);
  const rings = geometry.type === 'Polygon' ? geometry.coordinates : geometry.coordinates.flat();
  return writeRings(rings as unknown as LonLat[][]);
}
