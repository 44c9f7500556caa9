/** The pages for when something is in the way: what happened, what we kept, what to do; never a dead end. */
import type { Journey } from './context.ts';
import { startJourney } from './context.ts';
import { nextOpening } from './format.ts';
import type { Kit } from './kit.ts';
import { stepPath } from './kit.ts';
import type { Language, StoreView } from './ports-store.ts';
import type { Page, Shown } from './render.ts';
import type { Translate } from './texts.ts';

export type SorryKind =
  | 'unknown-store'
  | 'no-gateway'
  | 'unknown-gateway'
  | 'forged'
  | 'expired'
  | 'broken'
  | 'host-down'
  | 'refused'
  | 'closed'
  | 'resting'
  | 'link-old'
  | 'ended'
  | 'not-found'
  | 'bad-form';

const STATUS: Record<SorryKind, number> = {
  'unknown-store': 404,
  'no-gateway': 200,
  'unknown-gateway': 403,
  forged: 403,
  expired: 410,
  broken: 400,
  'host-down': 503,
  refused: 403,
  closed: 503,
  resting: 503,
  'link-old': 404,
  ended: 200,
  'not-found': 404,
  'bad-form': 400,
};

type Words = { title: string; what: string; kept: string; do: string };

/** Written out, so that a key nobody uses can be found by looking. */
function wordsFor(kind: SorryKind, t: Translate): Words {
  const prefix: Record<SorryKind, string> = {
    'unknown-store': 'sorry.unknown-store',
    'no-gateway': 'sorry.no-gateway',
    'unknown-gateway': 'sorry.unknown-gateway',
    forged: 'sorry.forged',
    expired: 'sorry.expired',
    broken: 'sorry.broken',
    'host-down': 'sorry.host-down',
    refused: 'sorry.refused',
    closed: 'sorry.closed',
    resting: 'sorry.resting',
    'link-old': 'sorry.link-old',
    ended: 'sorry.ended',
    'not-found': 'sorry.not-found',
    'bad-form': 'sorry.bad-form',
  };
  const part = (name: keyof Words) => t(`${prefix[kind]}.${name}`);
  return { title: part('title'), what: part('what'), kept: part('kept'), do: part('do') };
}

export interface SorryFor {
  kind: SorryKind;
  store: StoreView | null;
  language: Language;
  /** The journey as far as it is known to be genuine. */
  journey?: Journey;
  /** This same address, for another try or another language. */
  here?: string;
  /** The code of a slip that led here. */
  slip?: string;
}

/** A sheet left open over night belongs to another visit. */
const RESTART_MS = 24 * 3_600_000;
const RESTARTS: readonly SorryKind[] = ['expired', 'ended', 'refused', 'closed', 'resting'];

type Forward = { href: string; label: string };

function wayForward(kit: Kit, sorry: SorryFor, t: Translate): Forward | null {
  const { kind, store, journey, here, language } = sorry;
  if (kind === 'host-down' && here !== undefined) return { href: here, label: t('sorry.again') };
  if (store === null) return null;
  const now = kit.ports.clock();
  const fresh = journey !== undefined && now - journey.startedAt < RESTART_MS;
  // Whom the gateway's own door brought back, it knows by new words the next time: it must be asked.
  const spent = journey?.session?.landed === true && journey.context?.hid === undefined;
  if (RESTARTS.includes(kind) && fresh && !spent && journey.context !== undefined) {
    const again = startJourney(store, journey.context, language, now);
    return { href: stepPath(kit, store, again), label: t('sorry.restart') };
  }
  if (kind === 'bad-form') return null;
  const knock = kit.gateways.knock(store);
  return knock === null ? null : { href: knock, label: t('sorry.knock') };
}

function withLanguage(here: string, language: Language): string {
  const url = new URL(here, 'http://portal.invalid');
  // Byte for byte where that can be: a gateway's checksum covers the address as it was sent.
  if (!url.searchParams.has('lang'))
    return `${here}${here.includes('?') ? '&' : '?'}lang=${language}`;
  url.searchParams.set('lang', language);
  return url.pathname + url.search;
}

function opensAgain(kit: Kit, { kind, store, language }: SorryFor, t: Translate): string {
  const known = kind === 'resting' && store !== null;
  const time = known ? nextOpening(store, kit.ports.clock(), language) : null;
  return time === null ? '' : t('sorry.opens', { time });
}

export function sorryPage(kit: Kit, sorry: SorryFor): Shown {
  const { kind, store, language, here, slip } = sorry;
  const t = kit.texts.in(language);
  const words = wordsFor(kind, t);
  const page: Page = {
    view: 'sorry',
    store,
    language,
    title: words.title,
    locals: {
      words,
      opens: opensAgain(kit, sorry, t),
      forward: wayForward(kit, sorry, t),
      slip: slip === undefined ? '' : t('sorry.slip', { code: slip }),
    },
    ...(here === undefined ? {} : { inLanguage: (other: Language) => withLanguage(here, other) }),
  };
  return { page, status: STATUS[kind] };
}
