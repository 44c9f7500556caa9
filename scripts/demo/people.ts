/** The demo's people: phones that ping over the public doors, with or without a guest behind them. */
import type { Api } from './api.ts';
import type { Walk } from './crowd.ts';
import { createPhone, planWalk } from './crowd.ts';
import type { Fix, Stay } from './crowd.ts';
import { awaitOffer, logIn } from './guest.ts';
import type { GuestChoices, Visit } from './guest.ts';
import { sendFixes } from './phones.ts';
import type { App } from './phones.ts';
import type { Random } from '../lib/random.ts';

export interface World {
  /** Where the server listens, without a slash at the end. */
  base: string;
  api: Api;
  /** The store whose tills redeem. */
  storeId?: string;
  random: Random;
  /** ms since 1970. */
  now: () => number;
  /** Path of a gateway's redirect for a client; absent when nobody logs in. */
  redirect?: (client: { mac: string; ip: string }) => string;
  /** Reads a code that was "mailed" to this address. */
  readMail?: (address: string) => Promise<string>;
}

export interface Person {
  name: string;
  app: App;
  token: string;
  deviceId: string;
  guestId: string | null;
  login: Visit | null;
  /** Milliseconds after the welcome page until it showed an offer; null when none came. */
  offerMs: number | null;
  walk: Walk;
  /** ms since 1970: when the walk began. */
  startedAt: number;
  /** The next moment to report, ms since 1970. */
  nextAt: number;
  locate: ReturnType<typeof createPhone>;
  /** What the phone could not send yet; sent as one batch at `nextAt`, and nothing after it. */
  held?: Fix[];
}

export interface LoggedIn {
  guestId: string;
  login: Visit;
  offerMs: number | null;
}

/** A phone on the WiFi, as its gateway sees it. */
export interface WifiClient {
  mac: string;
  ip: string;
}

let clients = 0;

export function newClient(): WifiClient {
  clients += 1;
  const tail = clients.toString(16).padStart(4, '0');
  return {
    mac: `02:0f:0e:00:${tail.slice(0, 2)}:${tail.slice(2)}`,
    ip: `192.0.2.${clients % 250}`,
  };
}

/** A guest logs in on the WiFi first; the app's device is then linked to that guest. */
export async function logInGuest(
  world: World,
  choices: GuestChoices,
  client: WifiClient = newClient(),
): Promise<LoggedIn> {
  if (!world.redirect) throw new Error('this world has no gateway');
  const login = await logIn(world.base, world.redirect(client), choices);
  const { guests } = await world.api.get<{ guests: { id: string }[] }>('/v1/guests?limit=1');
  const offerMs = choices.marketing ? await awaitOffer(login, 1_500) : null;
  return { guestId: guests[0]!.id, login, offerMs };
}

/** Someone with a phone whose walk began `secondsAgo`. */
export async function makePerson(
  world: World,
  name: string,
  app: App,
  plan: readonly Stay[],
  secondsAgo: number,
  guest: LoggedIn | null = null,
): Promise<Person> {
  const { device, token } = await world.api.post<{ device: { id: string }; token: string }>(
    '/v1/devices',
    {
      name,
      ...(guest ? { guestId: guest.guestId } : {}),
    },
  );
  const startedAt = world.now() - secondsAgo * 1000;
  return {
    name,
    app,
    token,
    deviceId: device.id,
    guestId: guest?.guestId ?? null,
    login: guest?.login ?? null,
    offerMs: guest?.offerMs ?? null,
    walk: planWalk(plan, world.random),
    startedAt,
    nextAt: startedAt,
    locate: createPhone(world.random, app === 'overland' ? 6 : 8),
  };
}

/** Sends what the phone has to report up to `until`, one fix each `periodMs`; how many fixes. */
export async function report(
  world: World,
  person: Person,
  until: number,
  periodMs: number,
): Promise<number> {
  if (person.held) {
    const { held } = person;
    await sendFixes(world.base, person.app, person.token, held);
    delete person.held;
    person.nextAt = Infinity;
    return held.length;
  }
  const end = Math.min(until, person.startedAt + person.walk.seconds * 1000);
  const fixes = [];
  for (; person.nextAt <= end; person.nextAt += periodMs) {
    fixes.push(person.locate(person.walk, person.startedAt, person.nextAt));
  }
  await sendFixes(world.base, person.app, person.token, fixes);
  return fixes.length;
}

/** Seconds before and after a stay in which the phone is out of reach as well. */
const OUT_OF_REACH = 40;

/** A walk long over: all but the stays is sent, the stays are held back until `at`. */
export async function reportWithGap(world: World, person: Person, at: number): Promise<void> {
  const { walk, startedAt } = person;
  const sent: Fix[] = [];
  const held: Fix[] = [];
  for (let second = 0; second <= walk.seconds; second += 15) {
    const away = walk.stays.some(
      ({ from, to }) => second > from - OUT_OF_REACH && second < to + OUT_OF_REACH,
    );
    const fix = person.locate(walk, startedAt, startedAt + second * 1000);
    (away ? held : sent).push(fix);
  }
  await sendFixes(world.base, person.app, person.token, sent);
  person.held = held;
  person.nextAt = at;
}

export function finished(person: Person, now: number): boolean {
  return now > person.startedAt + person.walk.seconds * 1000;
}
