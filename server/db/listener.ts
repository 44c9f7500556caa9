/** LISTEN over a connection of its own that comes back after a loss; a hint channel only. */
import pg from 'pg';
import type { Database } from './database.ts';
import { subscriptions } from './subscriptions.ts';

const RECONNECT_MS = 1_000;

export interface Listener {
  listen: Database['listen'];
  close(): Promise<void>;
}

/** Connects when the first channel is asked for; `onError` hears of each lost connection. */
export function postgresListener(
  config: pg.ClientConfig,
  onError: (error: Error) => void,
): Listener {
  const channels = subscriptions();
  let current: Promise<pg.Client> | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;
  let turn: Promise<unknown> = Promise.resolve();

  function reconnectSoon(): void {
    current = undefined;
    if (closed || retry || channels.names().length === 0) return;
    retry = setTimeout(() => {
      retry = undefined;
      client().catch(onError);
    }, RECONNECT_MS);
    retry.unref();
  }

  async function connect(): Promise<pg.Client> {
    const made = new pg.Client(config);
    made.on('error', onError);
    made.on('notification', ({ channel, payload }) => channels.deliver(channel, payload ?? ''));
    try {
      await made.connect();
      for (const name of channels.names()) await made.query(`listen ${pg.escapeIdentifier(name)}`);
    } catch (error) {
      made.end().catch(onError);
      reconnectSoon();
      throw error;
    }
    made.on('end', reconnectSoon);
    return made;
  }

  function client(): Promise<pg.Client> {
    current ??= connect();
    return current;
  }

  // One after another: two LISTENs at once would queue inside the driver.
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  }

  async function subscribe(channel: string, onMessage: (payload: string) => void) {
    const reused = current;
    const first = channels.add(channel, onMessage);
    const live = await client();
    if (first && reused) await live.query(`listen ${pg.escapeIdentifier(channel)}`);
  }

  async function unsubscribe(channel: string, onMessage: (payload: string) => void) {
    const last = channels.remove(channel, onMessage);
    if (!last || closed || !current) return;
    await (await current).query(`unlisten ${pg.escapeIdentifier(channel)}`);
  }

  return {
    async listen(channel, onMessage) {
      await inTurn(() => subscribe(channel, onMessage));
      return () => inTurn(() => unsubscribe(channel, onMessage));
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      const live = await current?.catch(() => undefined);
      await live?.end();
    },
  };
}
