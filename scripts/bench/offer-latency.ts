/** From the start of a ping's request to the offer on the device's socket, with nothing else going on. */
import { setTimeout as pause } from 'node:timers/promises';
import { io } from 'socket.io-client';
import type { House } from './house.ts';
import { createSender, quantile } from './ingest-load.ts';

export interface OfferResult {
  engine: string;
  trials: number;
  p50: number;
  p99: number;
  /** The same requests until their answer, which comes once the ping is durable. */
  answerP50: number;
  answerP99: number;
}

const WAIT_AT_MOST = 10_000;

async function listen(url: string, token: string) {
  const socket = io(url, {
    path: '/live',
    transports: ['websocket'],
    reconnection: false,
    auth: { kind: 'device', token },
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('caught-up', () => resolve());
    socket.once('connect_error', reject);
  });
  return {
    /** Resolves when the offer is there, with the time it came. */
    offer: (trial: number) =>
      new Promise<number>((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`no offer came in trial ${trial}`)),
          WAIT_AT_MOST,
        );
        socket.on('event', (message: { type: string }) => {
          if (message.type !== 'offer.issued') return;
          clearTimeout(late);
          resolve(performance.now());
        });
      }),
    close: () => socket.disconnect(),
  };
}

/** Each trial is a device of its own that has been in a shop for fifty seconds and pings once more. */
export async function measureOffers(house: House, trials: number): Promise<OfferResult> {
  const sender = createSender(house.url, 1);
  const took: number[] = [];
  const answers: number[] = [];
  const tokens = house.tokens.slice(-trials - WARM_UP);
  for (const [i, token] of tokens.entries()) {
    const shop = house.shops[i % SHOPS] ?? { lon: 0, lat: 0 };
    const ping = (at: number) => ({ ...shop, at, accuracy: 8, speed: 0, still: true });
    const client = await listen(house.url, token);
    await sender.post(token, [ping(Date.now() - 50_000)]);
    await pause(40);
    const offer = client.offer(i);
    const from = performance.now();
    const [answered, came] = await Promise.all([sender.post(token, [ping(Date.now())]), offer]);
    if (i >= WARM_UP) {
      took.push(came - from);
      answers.push(answered);
    }
    client.close();
    await pause(10);
  }
  sender.close();
  took.sort((a, b) => a - b);
  answers.sort((a, b) => a - b);
  return {
    engine: house.engine,
    trials: took.length,
    p50: quantile(took, 0.5),
    p99: quantile(took, 0.99),
    answerP50: quantile(answers, 0.5),
    answerP99: quantile(answers, 0.99),
  };
}

/** Trials share a few shops, as visitors do: what the engine works out once per fence is warm. */
const SHOPS = 5;
/** First trials, not counted: code and caches are cold. */
export const WARM_UP = 10;
