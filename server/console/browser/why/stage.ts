/** The map: fences, every position by its verdict, the way taken, and where the device stands now. */
import L from 'leaflet';
import { createMap, frame } from '../map/base.ts';
import { addLabel } from '../map/labels.ts';
import type { FenceLabel } from '../map/labels.ts';
import type { FenceLayer } from '../map/shapes.ts';
import { lined } from './model.ts';
import type { Say, WhyData, WhyFence, WhyPing } from './model.ts';

export interface Stage {
  /** Shows the moment of one ping. */
  show(index: number): void;
  /** Every position's accuracy, or only that of the moment. */
  circles(all: boolean): void;
}

const latLng = ([lon, lat]: readonly number[]): L.LatLngTuple => [lat ?? 0, lon ?? 0];
const RADIUS = 4.5;
/** A 68 % radius in standard deviations. */
const P68 = 1.5096;

export function createStage(
  box: HTMLElement,
  data: WhyData,
  say: Say,
  choose: (index: number) => void,
): Stage {
  const map = createMap(box, { zoomIn: say('maps.zoomIn'), zoomOut: say('maps.zoomOut') });
  // A view before anything is drawn: layers ask for it.
  frame(map, boundsOf(data), null);
  const labels = drawFences(map, data);
  map.on('zoomend', () => {
    for (const label of labels) label.refit();
  });
  const halos = L.layerGroup(data.pings.flatMap((ping) => halo(ping, 'why-halo')));
  const way = data.pings.flatMap(({ fused }) => (fused ? [latLng(fused.at)] : []));
  L.polyline(way, { className: 'why-way', interactive: false }).addTo(map);
  const done = L.polyline([], { className: 'why-way why-way--done', interactive: false }).addTo(
    map,
  );
  const dots = data.pings.map((ping, index) =>
    L.circleMarker(latLng(ping.at), {
      radius: RADIUS,
      className: `why-dot why-dot--${ping.mark}`,
    })
      .on('click', () => choose(index))
      .addTo(map),
  );
  const moment = L.layerGroup().addTo(map);
  const show = (index: number): void => {
    const ping = data.pings[index];
    if (!ping) return;
    const until = data.pings.slice(0, index + 1);
    done.setLatLngs(until.flatMap(({ fused }) => (fused ? [latLng(fused.at)] : [])));
    moment.clearLayers();
    for (const layer of momentLayers(ping)) moment.addLayer(layer);
    dots.forEach((dot, i) => dot.getElement()?.classList.toggle('is-later', i > index));
    if (!map.getBounds().contains(latLng(ping.at))) map.panTo(latLng(ping.at));
  };
  return {
    show,
    circles: (all) => void (all ? halos.addTo(map) : halos.remove()),
  };
}

function halo({ at, accuracy }: WhyPing, className: string): L.Layer[] {
  if (accuracy === null) return [];
  return [L.circle(latLng(at), { radius: accuracy, className, interactive: false })];
}

function momentLayers(ping: WhyPing): L.Layer[] {
  const { at, fused, mark } = ping;
  const ring = { radius: 9, className: `why-now why-now--${mark}`, interactive: false };
  const layers: L.Layer[] = [
    ...halo(ping, 'why-halo why-halo--now'),
    L.circleMarker(latLng(at), ring),
  ];
  if (fused) {
    const place = latLng(fused.at);
    const radius = fused.sigma * P68;
    layers.push(L.polyline([latLng(at), place], { className: 'why-pull', interactive: false }));
    layers.push(L.circle(place, { radius, className: 'why-fused', interactive: false }));
    const point = { radius: 5, className: 'why-place', interactive: false };
    layers.push(L.circleMarker(place, point));
  }
  return layers;
}

function drawFences(map: L.Map, data: WhyData): FenceLabel[] {
  const lines = lined(data);
  // The widest first, so that what lies inside stays visible.
  const order = data.fences.map((fence, i) => ({ fence, i, size: sizeOf(fence) }));
  return order
    .toSorted((a, b) => b.size - a.size)
    .flatMap(({ fence, i }) => {
      const line = lines.indexOf(i);
      if (fence.shape?.type === 'LineString') {
        const className = `why-fence why-wire${lineClass(line)}`;
        const way = L.GeoJSON.coordsToLatLngs(fence.shape.coordinates);
        L.polyline(way, { className, interactive: false }).addTo(map);
      }
      const ground = groundOf(fence, line)?.addTo(map);
      return ground ? [addLabel(map, ground as FenceLayer, fence.name)] : [];
    });
}

const sizeOf = ({ shape }: WhyFence): number => {
  const layer = shape && L.geoJSON(shape).getBounds();
  return layer?.isValid() ? layer.getNorthWest().distanceTo(layer.getSouthEast()) : 0;
};

/** What can be walked into; a line is drawn apart. */
function groundOf({ shape, visited }: WhyFence, line: number): L.Polygon | null {
  if (!shape || shape.type === 'LineString') return null;
  const depth = shape.type === 'Polygon' ? 1 : 2;
  const className = `why-fence${visited ? ' why-fence--visited' : ''}${lineClass(line)}`;
  const corners = L.GeoJSON.coordsToLatLngs(shape.coordinates, depth);
  return L.polygon(corners, { className, interactive: false });
}

const lineClass = (line: number): string => (line >= 0 ? ` why-line-${line + 1}` : '');

/** Where the device was; fences count only as far as they were believed in. */
function boundsOf({ pings, fences }: WhyData): L.LatLngBounds {
  const bounds = L.latLngBounds([]);
  const used = pings.filter((ping) => ping.mark !== 'refused');
  for (const { at } of used.length > 0 ? used : pings) bounds.extend(latLng(at));
  for (const { shape, best } of fences) {
    const own = shape && L.geoJSON(shape).getBounds();
    const near = own?.isValid() && bounds.isValid() && own.pad(2).intersects(bounds);
    if (own && near && best > 0) bounds.extend(own);
  }
  return bounds;
}
