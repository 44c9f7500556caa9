/** The store's live socket: keeps the cursor, catches up after a reconnect, drops repeats. */
import { io } from 'socket.io-client';
import type { FeedMessage } from '../../shared/feed-line.ts';
import { call } from '../page/api.ts';

export type ConnectionState = 'connecting' | 'live' | 'away' | 'refused';

export interface ConnectionHandlers {
  onEvent(message: FeedMessage): void;
  onState(state: ConnectionState): void;
  /** Missed events were sent again: figures may have moved while away. */
  onCaughtUp(): void;
}

/** Events of different visitors may be delivered slightly out of order: ask for a little too much. */
const OVERLAP = 50;
const REMEMBERED = 2_000;
const MAX_PAGES = 10;
const RETRY_REFUSED_MS = 15_000;

interface Page {
  events: FeedMessage[];
  next: number;
  more: boolean;
}

export function connect(storeId: string, from: number, handlers: ConnectionHandlers): void {
  const seen = new Set<string>();
  let position = from;
  const take = (message: FeedMessage): void => {
    position = Math.max(position, message.position);
    if (seen.has(message.id)) return;
    seen.add(message.id);
    if (seen.size > REMEMBERED) seen.delete(seen.values().next().value as string);
    if (message.position > from) handlers.onEvent(message);
  };
  const catchUpOverHttp = async (): Promise<void> => {
    for (let page = 0; page < MAX_PAGES; page++) {
      const address = `/v1/events?store=${encodeURIComponent(storeId)}&after=${position}`;
      const answer = await call<Page>('GET', address);
      if (!answer.ok) return;
      answer.data.events.forEach(take);
      position = Math.max(position, answer.data.next);
      if (!answer.data.more) return;
    }
  };
  const socket = io({
    path: '/live',
    auth: (answer) => answer({ kind: 'staff', storeId, after: Math.max(0, position - OVERLAP) }),
    reconnectionDelay: 500,
    reconnectionDelayMax: 10_000,
  });
  socket.on('event', take);
  socket.on('caught-up', (state: { position: number; complete: boolean }) => {
    position = Math.max(position, state.position);
    const done = state.complete ? Promise.resolve() : catchUpOverHttp();
    void done.then(() => {
      handlers.onState('live');
      handlers.onCaughtUp();
    });
  });
  socket.on('disconnect', () => handlers.onState('away'));
  socket.on('connect_error', () => {
    // The server answered and said no: socket.io then leaves further tries to us.
    handlers.onState(socket.active ? 'away' : 'refused');
    if (!socket.active) setTimeout(() => socket.connect(), RETRY_REFUSED_MS);
  });
}
