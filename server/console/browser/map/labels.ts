/** Names and numbers written inside fences, shown only where there is room for them. */
import L from 'leaflet';
import { make } from '../page/data.ts';
import type { FenceLayer } from './shapes.ts';
import { labelPlace, pixelSize } from './shapes.ts';

export interface FenceLabel {
  setName(name: string): void;
  /** Null hides the number. */
  setCount(count: number | null): void;
  /** Call after the layer moved or the map was zoomed. */
  refit(): void;
  /** One short ring, where motion is wanted: something just happened here. */
  pulse(): void;
  remove(): void;
}

const ROOM_FOR_NUMBER = 20;
const ROOM_FOR_NAME = { width: 44, height: 34 };
const ROOM_FOR_TWO_LINES = 62;
/** In a narrower fence half a name says less than none. */
const ROOM_FOR_HALF_A_NAME = 96;

export function addLabel(map: L.Map, layer: FenceLayer, name: string): FenceLabel {
  const box = make('div', 'map-label');
  const count = make('span', 'map-label__count');
  const title = make('span', 'map-label__name', name);
  box.append(count, title);
  count.hidden = true;
  const marker = L.marker(labelPlace(map, layer), {
    icon: L.divIcon({ html: box, className: 'map-label-anchor', iconSize: [0, 0] }),
    interactive: false,
    keyboard: false,
    pmIgnore: true,
    snapIgnore: true,
  }).addTo(map);
  const fit = (): void => {
    const { width, height } = pixelSize(map, layer);
    box.style.maxWidth = `${Math.max(ROOM_FOR_NUMBER, width)}px`;
    const small = Math.min(width, height) < ROOM_FOR_NUMBER;
    box.classList.toggle('is-hidden', small);
    box.classList.toggle('is-tall', height >= ROOM_FOR_TWO_LINES);
    title.hidden = width < ROOM_FOR_NAME.width || height < ROOM_FOR_NAME.height;
    const cut = title.scrollWidth > title.clientWidth + 1;
    if (cut && width < ROOM_FOR_HALF_A_NAME) title.hidden = true;
  };
  fit();
  return {
    setName(next) {
      title.textContent = next;
    },
    setCount(next) {
      count.hidden = next === null;
      count.textContent = next === null ? '' : String(next);
      count.classList.toggle('is-zero', next === 0);
    },
    refit() {
      marker.setLatLng(labelPlace(map, layer));
      fit();
    },
    pulse() {
      box.classList.remove('is-pulsing');
      requestAnimationFrame(() => box.classList.add('is-pulsing'));
    },
    remove() {
      marker.remove();
    },
  };
}
