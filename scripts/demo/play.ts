/** Plays the crowd in real time, listens like an app would, and redeems at a till what arrives. */
import { io } from 'socket.io-client';
import type { CastMember } from './cast.ts';
import { planWalk, randomPlan } from './crowd.ts';
import type { Person, World } from './people.ts';
import { finished, makePerson, report } from './people.ts';

export interface Played {
  pings: number;
  /** Milliseconds from the request that carried the deciding ping to the offer on the socket. */
  offerMs: number[];
  /** Voucher codes that arrived, by device. */
  offers: Map<string, string[]>;
  redeemed: Map<string, string>;
  failures: string[];
}

export const periodMs = { owntracks: 5_000, overland: 8_000, own: 10_000 } as const;
const tickMs = 500;

/** Runs until `done()` says so; `onOffer` hears of each offer as it lands on a phone. */
export async function play(
  world: World,
  cast: readonly CastMember[],
  crowd: Person[],
  done: () => boolean,
  onOffer: (person: Person, headline: string) => void,
): Promise<Played> {
  const played: Played = {
    pings: 0,
    offerMs: [],
    offers: new Map(),
    redeemed: new Map(),
    failures: [],
  };
  const sentAt = new Map<string, number>();
  const listening = cast.map(({ person }) => listen(world, person, played, sentAt, onOffer));
  const members = cast.map(({ person }) => person);
  const busy = new Set<Person>();
  const step = async (person: Person): Promise<void> => {
    if (busy.has(person) || world.now() < person.nextAt) return;
    busy.add(person);
    try {
      sentAt.set(person.deviceId, performance.now());
      played.pings += await report(world, person, world.now(), periodMs[person.app]);
      if (!members.includes(person) && finished(person, world.now())) walkAgain(world, person);
    } catch (error) {
      played.failures.push(`${person.name}: ${error instanceof Error ? error.message : 'failed'}`);
      person.nextAt = world.now() + periodMs[person.app];
    } finally {
      busy.delete(person);
    }
  };
  while (!done()) {
    for (const person of [...members, ...crowd]) void step(person);
    await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
  while (busy.size > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  for (const close of listening) close();
  return played;
}

function listen(
  world: World,
  person: Person,
  played: Played,
  sentAt: ReadonlyMap<string, number>,
  onOffer: (person: Person, headline: string) => void,
): () => void {
  const socket = io(world.base, {
    path: '/live',
    transports: ['websocket'],
    auth: { kind: 'device', token: person.token },
  });
  socket.on(
    'event',
    (message: {
      type: string;
      payload: { code: string; headline: string; deviceId: string | null };
    }) => {
      if (message.type !== 'offer.issued') return;
      const began = sentAt.get(person.deviceId);
      // Offers of the WiFi login concern the guest, not a ping of this device.
      if (began !== undefined && message.payload.deviceId === person.deviceId) {
        played.offerMs.push(performance.now() - began);
      }
      const { code, headline } = message.payload;
      played.offers.set(person.deviceId, [...(played.offers.get(person.deviceId) ?? []), code]);
      onOffer(person, headline);
      void redeem(world, code, played);
    },
  );
  socket.on('connect_error', (error) =>
    played.failures.push(`${person.name}'s socket: ${error.message}`),
  );
  return () => socket.close();
}

async function redeem(world: World, code: string, played: Played): Promise<void> {
  try {
    const reply = await world.api.post<{ redemptionId: string }>(
      '/v1/redemptions',
      { code, till: 'till 3', ...(world.storeId ? { storeId: world.storeId } : {}) },
      { 'idempotency-key': `demo-${code}` },
    );
    played.redeemed.set(code, reply.redemptionId);
  } catch (error) {
    played.failures.push(`till: ${error instanceof Error ? error.message : 'failed'}`);
  }
}

/** Comes back a little later with another plan. */
function walkAgain(world: World, person: Person): void {
  person.walk = planWalk(randomPlan(world.random), world.random);
  person.startedAt = world.now() + world.random.between(20, 90) * 1000;
  person.nextAt = person.startedAt;
}

/** Strangers somewhere in the middle of their walks. */
export async function gather(world: World, people: number): Promise<Person[]> {
  const crowd: Person[] = [];
  for (let index = 0; index < people; index += 1) {
    const app = index % 2 === 0 ? 'owntracks' : 'overland';
    const into = world.random.between(30, 420);
    crowd.push(
      await makePerson(world, `Visitor ${index + 1}`, app, randomPlan(world.random), into),
    );
  }
  return crowd;
}
