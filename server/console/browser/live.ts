/** The live page: who is where now, and what just happened. */
import './live/live.css';
import type { FeedMessage } from '../shared/feed-line.ts';
import { connect } from './live/connection.ts';
import type { ConnectionState } from './live/connection.ts';
import { createFeed } from './live/feed.ts';
import type { LiveFence, OccupancyMap } from './live/occupancy.ts';
import { showOccupancy } from './live/occupancy.ts';
import type { LonLat } from './map/base.ts';
import { createMap, frame } from './map/base.ts';
import { boundsOf } from './map/shapes.ts';
import { call } from './page/api.ts';
import type { Texts } from './page/data.ts';
import { pageData, part, textOf } from './page/data.ts';

interface LiveData {
  store: { id: string; name: string; timezone: string; location: LonLat | null };
  language: string;
  fences: LiveFence[];
  /** Cursor of the newest event already in the page. */
  position: number;
  /** Where the figures come from. */
  figures: string;
  texts: Texts;
}

interface Figures {
  inStore: number;
  counts: Record<string, number>;
}

/** Figures are asked for at most this often, however many events come … */
const REFRESH_MS = 1_000;
/** … and at least this often: silence ends visits without an event on this page. */
const RECHECK_MS = 30_000;
/** Pixels of map width from which the whole outline is shown. */
const ROOM_FOR_ALL = 560;
/** Pixels that zoom, scale and legend take at the foot of a phone's map. */
const CONTROLS = 104;

type Say = (key: string, values?: Record<string, string | number>) => string;

function startMap(data: LiveData, say: Say): OccupancyMap {
  const box = part('map');
  const map = createMap(box, { zoomIn: say('maps.zoomIn'), zoomOut: say('maps.zoomOut') });
  frame(map, boundsOf(data.fences), data.store.location);
  const shown = showOccupancy(map, data.fences, (fence, count) =>
    say('live.fenceNow', { fence: fence.name, count }),
  );
  const floors = [...document.querySelectorAll<HTMLInputElement>('input[name="floor"]')];
  const parents = new Set(data.fences.map((fence) => fence.parentId));
  const choose = (): void => {
    const floor = floors.find((input) => input.checked)?.value ?? null;
    shown.showFloor(floor);
    if (map.getSize().x >= ROOM_FOR_ALL) return;
    // A phone has no room for the empty part of the house: it shows what holds people.
    const rooms = data.fences.filter((fence) => !parents.has(fence.id) && fence.floor === floor);
    if (rooms.length > 0) frame(map, boundsOf(rooms), data.store.location, CONTROLS);
  };
  for (const input of floors) input.addEventListener('change', choose);
  choose();
  return shown;
}

/** Runs `work` soon, once for any number of calls, and never more often than `every`. */
function throttled(work: () => Promise<void>, every: number): () => void {
  let last = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    timer ??= setTimeout(
      () => {
        last = Date.now();
        timer = undefined;
        void work();
      },
      Math.max(0, last + every - Date.now()),
    );
  };
}

function showState(say: Say, state: ConnectionState): void {
  const chip = part('connection');
  chip.dataset['state'] = state;
  part('connection-text', chip).textContent = say(`live.state.${state}`);
}

function start(): void {
  const data = pageData<LiveData>('live-data');
  const say: Say = (key, values) => textOf(data.texts, key, values);
  document.documentElement.classList.add('is-live');
  part<HTMLDetailsElement>('table').open = false;
  const shown = startMap(data, say);
  const feed = createFeed({
    list: part('feed'),
    pause: part<HTMLButtonElement>('pause'),
    empty: part('feed-empty'),
    texts: data.texts,
    timezone: data.store.timezone,
    language: data.language,
  });
  const refresh = throttled(async () => {
    const answer = await call<Figures>('GET', data.figures);
    if (!answer.ok) return;
    shown.update(answer.data.counts);
    part('in-store').textContent = String(answer.data.inStore);
    for (const cell of document.querySelectorAll<HTMLElement>('[data-count]')) {
      cell.textContent = String(answer.data.counts[cell.dataset['count'] ?? ''] ?? 0);
    }
  }, REFRESH_MS);
  const onEvent = (message: FeedMessage): void => {
    feed.add(message);
    const fenceId = message.payload['fenceId'];
    if (typeof fenceId === 'string') shown.pulse(fenceId);
    refresh();
  };
  connect(data.store.id, data.position, {
    onEvent,
    onState: (state) => showState(say, state),
    onCaughtUp: refresh,
  });
  setInterval(refresh, RECHECK_MS);
}

// Without a store the page only says what to do first.
if (document.getElementById('live-data')) start();
