/** A quiet metric grid as the map's ground: only the background's size and place, so it costs nothing. */
import type L from 'leaflet';

const MIN_PIXELS = 36;

/** Metres on the ground that one pixel at the map's middle covers. */
export function metresPerPixel(map: L.Map): number {
  const size = map.getSize();
  const left = map.containerPointToLatLng([size.x / 2, size.y / 2]);
  const right = map.containerPointToLatLng([size.x / 2 + 100, size.y / 2]);
  return map.distance(left, right) / 100 || 1;
}

/** The smallest 1, 2 or 5 × 10ⁿ metres that are at least `pixels` wide. */
export function niceMetres(perPixel: number, pixels: number): number {
  const wanted = perPixel * pixels;
  const power = 10 ** Math.floor(Math.log10(wanted));
  for (const step of [1, 2, 5]) if (step * power >= wanted) return step * power;
  return 10 * power;
}

export function showGrid(map: L.Map): void {
  const container = map.getContainer();
  container.classList.add('map-grid');
  let cell = MIN_PIXELS;
  const resize = (): void => {
    const perPixel = metresPerPixel(map);
    cell = niceMetres(perPixel, MIN_PIXELS) / perPixel;
    const small = `${cell}px ${cell}px`;
    const large = `${cell * 5}px ${cell * 5}px`;
    container.style.backgroundSize = `${large}, ${large}, ${small}, ${small}`;
    move();
  };
  const move = (): void => {
    const corner = map.getPixelBounds().min;
    if (!corner) return;
    const period = cell * 5;
    const offset = (value: number): string => `${-(((value % period) + period) % period)}px`;
    container.style.backgroundPosition = `${offset(corner.x)} ${offset(corner.y)}`;
  };
  map.on('zoomend viewreset resize load', resize);
  map.on('move', move);
}
