/** Arrows across a tripwire: which way over it counts. */
import L from 'leaflet';
import type { Direction } from '../../shared/fence.ts';
import { make } from '../page/data.ts';
import type { Line } from './shapes.ts';
import { middleOfLine } from './shapes.ts';

export interface Arrow {
  /** Call after the line moved or the direction changed. */
  refit(direction: Direction): void;
  remove(): void;
}

/** Seen along the line, drawn upwards: to its left, to its right, both ways. */
const glyphs: Record<Direction, string> = {
  left: 'M34 12H8M15 5l-7 7 7 7',
  right: 'M6 12h26M25 5l7 7-7 7',
  both: 'M4 12h32M11 5l-7 7 7 7M29 5l7 7-7 7',
};

export function addArrow(map: L.Map, line: Line, direction: Direction): Arrow {
  const box = make('div', 'map-arrow');
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 40 24');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.append(path);
  box.append(svg);
  const marker = L.marker(middleOfLine(map, line).at, {
    icon: L.divIcon({ html: box, className: 'map-label-anchor', iconSize: [0, 0] }),
    interactive: false,
    keyboard: false,
    pmIgnore: true,
    snapIgnore: true,
  }).addTo(map);
  const refit = (next: Direction): void => {
    const { at, from, to } = middleOfLine(map, line);
    marker.setLatLng(at);
    path.setAttribute('d', glyphs[next]);
    // The glyph stands for a line that runs up the screen, which is −90° there.
    const degrees = (Math.atan2(to.y - from.y, to.x - from.x) * 180) / Math.PI + 90;
    box.style.transform = `translate(-50%, -50%) rotate(${degrees}deg)`;
  };
  refit(direction);
  return { refit, remove: () => void marker.remove() };
}
