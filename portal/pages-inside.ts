/** The pages behind the terms: the gateway's door, the wait, and being online. */
import { openDoor } from './admit.ts';
import type { Opening } from './gateways/gateway.ts';
import { clockTime, offerViewOf } from './format.ts';
import type { Kit } from './kit.ts';
import { basePath, stepPath } from './kit.ts';
import { checkFor, landingFor } from './landing.ts';
import { within } from './patience.ts';
import type { Language, StoreView } from './ports-store.ts';
import type { OfferCard } from './ports.ts';
import type { Page } from './render.ts';
import type { Scene } from './scene.ts';
import { formLocals, otherWayPath, pageOf } from './scene.ts';
import { slotFor } from './slots.ts';
import { gatewayOf } from './walk.ts';

/** Back to the field for the code, for whom the short time does not come. */
function withoutGrace({ kit, store, journey }: Scene): string {
  const { session, ...before } = journey;
  return session?.grace === true ? stepPath(kit, store, before) : '';
}

export async function doorPage(scene: Scene): Promise<Page> {
  const { t, walker } = scene;
  const opening = await openDoor(scene.kit, walker);
  if (opening.kind === 'shut') return shutPage(scene, opening.reason);
  if (opening.kind === 'post') {
    const { url, fields } = opening;
    const made = pageOf(scene, 'post', t('door.title'), { url, fields: Object.entries(fields) });
    return { ...made, formTo: url };
  }
  if (opening.kind !== 'through') return connectingPage(scene);
  const { url } = opening;
  const made = pageOf(scene, 'door', t('door.title'), { url });
  return { ...made, refresh: { seconds: 0, url, always: true } };
}

export function connectingPage(scene: Scene): Page {
  const { kit, store, journey, t } = scene;
  const here = stepPath(kit, store, journey);
  const poll = `${basePath(store)}/status.json?j=${kit.seal.close(journey, store)}&at=connecting`;
  const made = pageOf(scene, 'connecting', t('connecting.title'), { here });
  return { ...made, poll, refresh: { seconds: 2, url: here } };
}

/** The way to the sign-in page of this guest's own gateway, or of the store's. */
function knockPath({ kit, store, journey }: Scene): string {
  const gateway = gatewayOf(store, journey);
  const own = gateway && kit.gateways.of(gateway.kind).capabilities(gateway).knock;
  return own ?? (gateway === undefined ? (kit.gateways.knock(store) ?? '') : '');
}

export function latePage(scene: Scene): Page {
  const { t } = scene;
  return pageOf(scene, 'late', t('late.title'), {
    ...formLocals(scene),
    knock: knockPath(scene),
    back: withoutGrace(scene),
  });
}

type ShutReason = Extract<Opening, { kind: 'shut' }>['reason'];

const SHUT_TEXT = {
  refused: 'shut.refused',
  unreachable: 'shut.unreachable',
  stale: 'shut.stale',
} as const satisfies Record<ShutReason, string>;

/** What the gateway said, another try, its own sign-in page, and another way in. */
export function shutPage(scene: Scene, reason?: ShutReason): Page {
  const { journey, t } = scene;
  const why = reason ?? journey.session?.shut ?? 'unreachable';
  const { session: _outside, ...before } = journey;
  return pageOf(scene, 'shut', t('shut.title'), {
    ...formLocals(scene),
    what: t(SHUT_TEXT[why]),
    // A sign-in that the gateway has forgotten is not mended by asking it again.
    again: why !== 'stale',
    knock: knockPath(scene),
    otherWay: otherWayPath({ ...scene, journey: before }),
    back: withoutGrace(scene),
  });
}

/** All is said and done; the gateway can only let in again who is outside. */
export function renewPage(scene: Scene): Page {
  const { kit, store, journey, t } = scene;
  const { session, language } = journey;
  const expiresAt = session?.expiresAt ?? kit.ports.clock();
  const here = stepPath(kit, store, journey);
  const seconds = Math.max(5, Math.ceil((expiresAt - kit.ports.clock()) / 1000) + 2);
  const time = clockTime(expiresAt, language, store.timezone);
  const made = pageOf(scene, 'renew', t('renew.title'), { text: t('renew.text', { time }), here });
  return { ...made, refresh: { seconds, url: here, always: true } };
}

function howLong({ store, journey, t }: Scene): string {
  const { session, language } = journey;
  if (session === undefined) return '';
  const { expiresAt, grant } = session;
  if (grant.minutes === 0 || expiresAt === 0) return t('welcome.unlimited');
  const time = clockTime(expiresAt, language, store.timezone);
  if (expiresAt - session.admittedAt > 20 * 3_600_000) return t('welcome.until', { time });
  return grant.minutes % 60 === 0
    ? t('welcome.hours', { count: grant.minutes / 60, time })
    : t('welcome.minutes', { count: grant.minutes, time });
}

/** Seeing is recorded as well as it can be; an offer is never hidden for want of the record. */
export async function markShown(
  kit: Kit,
  store: StoreView,
  sessionId: string,
  cards: OfferCard[],
): Promise<void> {
  if (cards.length === 0) return;
  const ids = cards.map((card) => card.voucherId);
  try {
    await kit.ports.desk.shown(store, sessionId, ids);
  } catch {
    kit.ports.log.warn({ store: store.id }, 'offers were shown but not marked so');
  }
}

/** A quick look for an offer that is due already; the page never waits for a slow one. */
async function offersSoon({ kit, store, journey }: Scene): Promise<OfferCard[]> {
  if (journey.claimed === true) return [];
  const sessionId = journey.session?.grant.sessionId ?? '';
  try {
    return (await within(400, kit.ports.desk.offers(store, sessionId, 150))) ?? [];
  } catch {
    kit.ports.log.warn({ store: store.id }, 'offers could not be looked up');
    return [];
  }
}

export function offersHtml(
  kit: Kit,
  store: StoreView,
  cards: OfferCard[],
  language: Language,
): string {
  const t = kit.texts.in(language);
  const now = kit.ports.clock();
  const views = cards.map((card) => offerViewOf(card, store, language, t, now));
  return kit.renderer.offers(views, language);
}

/** What is due, with what the engine puts in this place; the house speaks where nothing is. */
async function dueHere(scene: Scene) {
  const { kit, store, journey } = scene;
  const { session, language } = journey;
  const sessionId = session?.grant.sessionId ?? '';
  // A slot asked without a session holds what everybody may see.
  const who = journey.claimed === true ? { language } : { sessionId, language };
  const place = session?.returning === true ? 'return' : 'landing';
  const [cards, slot] = await Promise.all([offersSoon(scene), slotFor(kit, store, place, who)]);
  const { card } = slot;
  const known = card === null || cards.some(({ voucherId }) => voucherId === card.voucherId);
  const all = known ? cards : [card, ...cards];
  await markShown(kit, store, sessionId, all);
  return { cards: all, house: all.length === 0 ? slot.house : null };
}

const MAX_TURNS = 12;
/** A sign-in window looks for the internet again when a page loads: see `checkFor`. */
const SECOND_LOOK_S = 3;

export async function welcomePage(scene: Scene): Promise<Page> {
  const { kit, store, journey, walker, t, turns } = scene;
  const { cards, house } = await dueHere(scene);
  const here = stepPath(kit, store, journey);
  const landing = landingFor(store, journey.context?.originUrl);
  const check = checkFor(walker.userAgent);
  const made = pageOf(scene, 'welcome', t('welcome.title'), {
    here,
    house,
    check,
    offers: offersHtml(kit, store, cards, journey.language),
    howLong: howLong(scene),
    returning: journey.session?.returning === true,
    landing: landing === null ? null : { href: landing, host: new URL(landing).hostname },
    mine:
      kit.ports.self &&
      (journey.claimed === true
        ? `${basePath(store)}/mine`
        : `${basePath(store)}/mine?j=${kit.seal.close(journey, store)}`),
  });
  const poll = `${basePath(store)}/offers.json?j=${kit.seal.close(journey, store)}`;
  const url = `${here}&n=${turns + 1}`;
  if (check !== null && turns === 0)
    return { ...made, poll, refresh: { seconds: SECOND_LOOK_S, url, always: true } };
  const again = cards.length === 0 && turns < MAX_TURNS;
  return { ...made, poll, ...(again ? { refresh: { seconds: 5, url } } : {}) };
}
