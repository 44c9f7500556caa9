/** Fences on the editor's map: select, draw, move, edit corners, cut holes. */
import L from 'leaflet';
import '@geoman-io/leaflet-geoman-free';
import '@geoman-io/leaflet-geoman-free/dist/leaflet-geoman.css';
import type { FenceKind } from '../../shared/fence.ts';
import type { Arrow } from '../map/arrows.ts';
import { addArrow } from '../map/arrows.ts';
import type { FenceLabel } from '../map/labels.ts';
import { addLabel } from '../map/labels.ts';
import type { FenceLayer, ShapeOnMap } from '../map/shapes.ts';
import { fitWidth, fromLayer, toLayer } from '../map/shapes.ts';
import type { EditorFence } from './model.ts';

export type Tool = 'corners' | 'move' | 'area' | 'circle' | 'corridor' | 'tripwire' | 'cut';
export type Drawn = Pick<ShapeOnMap, 'geometry' | 'radius'>;

export interface EditorMapHandlers {
  /** False shows fences without handles. */
  mayWrite: boolean;
  onSelect(id: string | null): void;
  onDrawn(kind: FenceKind, shape: Drawn): void;
  onReshaped(id: string, shape: Drawn): void;
  /** A tool was left by finishing or by Esc. */
  onTool(tool: Tool): void;
}

export interface EditorMap {
  /** Shows these fences, the selected one ready to edit. */
  show(fences: readonly EditorFence[], selected: string | null): void;
  use(tool: Tool): void;
  tool(): Tool;
}

interface Shown {
  layer: FenceLayer;
  /** Fences that hold others have none: it would lie on theirs. */
  label: FenceLabel | null;
  /** Tripwires only. */
  arrow: Arrow | null;
  fence: EditorFence;
  /** What is drawn now, to redraw only what changed. */
  key: string;
}

/** Which geoman shape a tool draws. */
const drawings: Partial<Record<Tool, string>> = {
  area: 'Polygon',
  circle: 'Circle',
  corridor: 'Line',
  tripwire: 'Line',
};

const keyOf = (shape: Drawn): string => JSON.stringify([shape.geometry, shape.radius]);

/** Rough size, only to put small fences above the large ones they lie in; lines lie on top. */
function sizeOf(layer: FenceLayer): number {
  if (!(layer instanceof L.Circle) && !(layer instanceof L.Polygon)) return 0;
  const bounds = layer.getBounds();
  return (bounds.getEast() - bounds.getWest()) * (bounds.getNorth() - bounds.getSouth());
}

export function createEditorMap(map: L.Map, handlers: EditorMapHandlers): EditorMap {
  const shown = new Map<string, Shown>();
  let selected: string | null = null;
  let tool: Tool = 'corners';
  // Handles can only be dragged; whoever has no pointer types the corners in the form.
  L.Marker.mergeOptions({ keyboard: false });
  map.pm.setGlobalOptions({
    tooltips: false,
    snappable: true,
    snapDistance: 10,
    allowSelfIntersection: false,
    continueDrawing: false,
    minRadiusCircle: 3,
    maxRadiusCircle: 10_000,
    templineStyle: { className: 'fence-draft' },
    hintlineStyle: { className: 'fence-draft fence-draft--hint' },
    pathOptions: { className: 'fence fence--selected' },
  });

  const reshaped = (id: string): void => {
    const entry = shown.get(id);
    if (!entry) return;
    const shape = fromLayer(entry.layer);
    entry.key = keyOf(shape);
    entry.label?.refit();
    entry.arrow?.refit(entry.fence.direction ?? 'both');
    handlers.onReshaped(id, shape);
  };
  const listen = (id: string, layer: FenceLayer): void => {
    layer.on('click', (event) => {
      if (tool !== 'corners' && tool !== 'move') return;
      L.DomEvent.stopPropagation(event);
      handlers.onSelect(id);
    });
    layer.on('pm:edit pm:dragend', () => reshaped(id));
  };
  const draw = (fence: EditorFence, outer: boolean): void => {
    const layer = toLayer(fence, { className: outer ? 'fence fence--outer' : 'fence' })?.addTo(map);
    if (!layer) return;
    listen(fence.id, layer);
    const label = outer ? null : addLabel(map, layer, fence.name);
    const wire = fence.kind === 'tripwire' && layer instanceof L.Polyline;
    const arrow = wire ? addArrow(map, layer, fence.direction ?? 'both') : null;
    shown.set(fence.id, { layer, label, arrow, fence, key: keyOf(fence) });
  };
  const erase = (id: string): void => {
    const entry = shown.get(id);
    entry?.layer.pm.disable();
    entry?.label?.remove();
    entry?.arrow?.remove();
    entry?.layer.remove();
    shown.delete(id);
  };
  const apply = (): void => {
    for (const [id, { layer }] of shown) {
      const mine = id === selected;
      layer.getElement()?.classList.toggle('fence--selected', mine);
      const corners = mine && tool === 'corners' && handlers.mayWrite;
      if (corners !== layer.pm.enabled()) {
        if (corners) layer.pm.enable({ snappable: true, allowSelfIntersection: false });
        else layer.pm.disable();
      }
      const drag = mine && tool === 'move';
      if (drag !== layer.pm.layerDragEnabled()) {
        if (drag) layer.pm.enableLayerDrag();
        else layer.pm.disableLayerDrag();
      }
    }
  };
  const stopDrawing = (): void => {
    if (map.pm.globalDrawModeEnabled()) map.pm.disableDraw();
  };
  const use = (next: Tool): void => {
    stopDrawing();
    tool = next;
    apply();
    const mine = selected === null ? undefined : shown.get(selected)?.layer;
    const drawing = drawings[next];
    if (drawing) map.pm.enableDraw(drawing);
    else if (next === 'cut' && mine instanceof L.Polygon) {
      map.pm.enableDraw('Cut', { layersToCut: [mine] });
    }
    handlers.onTool(tool);
  };
  map.on('pm:create', ({ layer }) => {
    const kind = tool === 'corners' || tool === 'move' || tool === 'cut' ? 'area' : tool;
    const shape = fromLayer(layer as FenceLayer);
    layer.remove();
    use('corners');
    handlers.onDrawn(kind, shape);
  });
  map.on('pm:cut', ({ layer, originalLayer }) => {
    const id = [...shown].find(([, entry]) => entry.layer === originalLayer)?.[0];
    const rest = layer instanceof L.Polygon ? fromLayer(layer) : null;
    layer.remove();
    originalLayer.remove();
    use('corners');
    if (id === undefined) return;
    const before = shown.get(id)!;
    erase(id);
    if (rest) handlers.onReshaped(id, rest);
    else handlers.onReshaped(id, fromLayer(before.layer));
  });
  map.on('click', () => {
    if (tool === 'corners' || tool === 'move') handlers.onSelect(null);
  });
  map.on('zoomend', () => {
    for (const { fence, layer, label } of shown.values()) {
      fitWidth(map, layer, fence.width);
      label?.refit();
    }
  });
  map.getContainer().addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && tool !== 'corners') use('corners');
  });
  return {
    tool: () => tool,
    use,
    show(fences, nextSelected) {
      const wanted = new Map(fences.map((fence) => [fence.id, fence]));
      for (const id of shown.keys()) {
        const fence = wanted.get(id);
        if (!fence || keyOf(fence) !== shown.get(id)!.key) erase(id);
      }
      selected = nextSelected;
      const parents = new Set(fences.map((fence) => fence.parentId));
      const members = new Set(wanted.get(nextSelected ?? '')?.members);
      for (const fence of fences) {
        if (!shown.has(fence.id)) draw(fence, parents.has(fence.id));
        const entry = shown.get(fence.id);
        if (!entry) continue;
        entry.fence = fence;
        entry.label?.setName(fence.name);
        entry.arrow?.refit(fence.direction ?? 'both');
        fitWidth(map, entry.layer, fence.width);
        const classes = entry.layer.getElement()?.classList;
        classes?.toggle('fence--off', !fence.active);
        classes?.toggle('fence--member', members.has(fence.id));
      }
      const largeFirst = [...shown.values()].toSorted((a, b) => sizeOf(b.layer) - sizeOf(a.layer));
      for (const { layer } of largeFirst) layer.bringToFront();
      apply();
    },
  };
}
