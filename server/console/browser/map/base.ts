/** The map every page shares: no outside tiles, a metric grid and a scale bar instead. */
import L from 'leaflet';
import 'leaflet/dist/leaflet.css';
import './map.css';
import { showGrid } from './grid.ts';

/** [lon, lat] in degrees. */
export type LonLat = readonly [number, number];

/** Half the width shown around a shop that has no fence yet, in metres. */
const AROUND_METRES = 120;

export interface MapTexts {
  zoomIn: string;
  zoomOut: string;
}

/**
 * Makes the map in `element`. A tile address and its attribution come from the element's
 * `data-tiles` and `data-attribution`; without them the ground stays blank.
 */
export function createMap(element: HTMLElement, texts: MapTexts): L.Map {
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const map = L.map(element, {
    zoomControl: false,
    attributionControl: false,
    minZoom: 2,
    maxZoom: 23,
    zoomSnap: 0.25,
    zoomDelta: 0.5,
    wheelPxPerZoomLevel: 100,
    zoomAnimation: !calm,
    fadeAnimation: !calm,
    markerZoomAnimation: !calm,
    inertia: !calm,
  });
  L.control
    .zoom({ position: 'bottomleft', zoomInTitle: texts.zoomIn, zoomOutTitle: texts.zoomOut })
    .addTo(map);
  L.control.scale({ position: 'bottomleft', imperial: false, maxWidth: 120 }).addTo(map);
  const { tiles, attribution } = element.dataset;
  if (tiles) {
    L.control.attribution({ prefix: false }).addTo(map);
    L.tileLayer(tiles, {
      maxZoom: 23,
      maxNativeZoom: 19,
      attribution: attribution ?? '',
    }).addTo(map);
  } else showGrid(map);
  return map;
}

/**
 * Shows all of `layers`, or the ground around `centre` when there is nothing to show yet.
 * `below` pixels at the bottom stay free, for the controls that stand there.
 */
export function frame(map: L.Map, layers: L.LatLngBounds, centre: LonLat | null, below = 0): void {
  if (layers.isValid()) {
    const edge = Math.min(32, map.getSize().x * 0.04);
    map.fitBounds(layers, {
      paddingTopLeft: [edge, edge],
      paddingBottomRight: [edge, Math.max(edge, below)],
      maxZoom: 21,
      animate: false,
    });
  } else if (centre) {
    const around = L.latLng(centre[1], centre[0]).toBounds(2 * AROUND_METRES);
    map.fitBounds(around, { animate: false });
  } else map.setView([20, 0], 2, { animate: false });
}
