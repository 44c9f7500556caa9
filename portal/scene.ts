/** What the pages of a journey share: its forms' hidden part, the trouble that is said, the ways out. */
import type { Journey, Trouble } from './context.ts';
import { clockTime } from './format.ts';
import { methodOfWay } from './journey.ts';
import type { Kit } from './kit.ts';
import { basePath, stepPath } from './kit.ts';
import { waysOf } from './methods/all.ts';
import type { Language, StoreView } from './ports-store.ts';
import type { Page } from './render.ts';
import type { Translate } from './texts.ts';
import type { Walker } from './walk.ts';
import { wayOf, withoutWay } from './walk.ts';

export interface Scene {
  kit: Kit;
  store: StoreView;
  journey: Journey;
  walker: Walker;
  t: Translate;
  /** How often a page without a script has refreshed itself. */
  turns: number;
}

const TROUBLE_TEXT: Record<Exclude<Trouble['kind'], 'address-invalid' | 'send-limit'>, string> = {
  'send-refused': 'trouble.send-refused',
  'send-unavailable': 'trouble.send-unavailable',
  'code-malformed': 'trouble.code-malformed',
  'code-wrong': 'trouble.code-wrong',
  'code-expired': 'trouble.code-expired',
  'code-locked': 'trouble.code-locked',
  'code-used': 'trouble.code-used',
  'voucher-unknown': 'trouble.voucher-unknown',
  'voucher-used': 'trouble.voucher-used',
  'voucher-expired': 'trouble.voucher-expired',
  'voucher-limit': 'trouble.voucher-limit',
  'member-unknown': 'trouble.member-unknown',
  'member-blocked': 'trouble.member-blocked',
  'member-limit': 'trouble.member-limit',
  'name-missing': 'trouble.name-missing',
  'staff-denied': 'trouble.staff-denied',
  'staff-expired': 'trouble.staff-expired',
  'oidc-denied': 'trouble.oidc-denied',
  'oidc-failed': 'trouble.oidc-failed',
  'grace-used': 'trouble.grace-used',
  'device-unknown': 'trouble.device-unknown',
  'terms-changed': 'trouble.terms-changed',
  'answer-missing': 'trouble.answer-missing',
  'host-down': 'trouble.host-down',
};

/** After these, another try at the same thing is not what helps: the other ways become a button. */
const STUCK: readonly Trouble['kind'][] = [
  'code-locked',
  'voucher-limit',
  'member-limit',
  'member-blocked',
  'send-limit',
  'send-refused',
  'send-unavailable',
  'staff-denied',
  'staff-expired',
  'oidc-failed',
  'oidc-denied',
];

function troubleText({ kit, journey, store, t }: Scene): string {
  const { trouble, language } = journey;
  if (trouble === undefined) return '';
  const way = wayOf(kit, store, journey);
  if (trouble.kind === 'address-invalid')
    return way !== null && methodOfWay(way) === 'sms-code'
      ? t('trouble.address-invalid-sms')
      : t('trouble.address-invalid-email');
  if (trouble.kind === 'send-limit')
    return trouble.retryAt === undefined
      ? t('trouble.send-limit-now')
      : t('trouble.send-limit', { time: clockTime(trouble.retryAt, language, store.timezone) });
  return t(TROUBLE_TEXT[trouble.kind], { count: trouble.left ?? 0 });
}

/** A page that is made twice has one link to the other ways. */
const bared = new WeakMap<Journey, Journey>();

/** Where the other ways are shown, or empty when there is none. */
export function otherWayPath({ kit, store, journey }: Scene): string {
  if (waysOf(kit.ports, store).length < 2) return '';
  const known = bared.get(journey) ?? withoutWay(journey);
  bared.set(journey, known);
  return stepPath(kit, store, known);
}

/** What pages with a form share. */
export function plainLocals(scene: Scene, sealed?: string) {
  const { kit, store, journey, t } = scene;
  return {
    j: sealed ?? kit.seal.close(journey, store),
    base: basePath(store),
    promise: store.theme.promise[journey.language] ?? t('page.promise'),
    trouble: troubleText(scene),
    typed: journey.typed ?? '',
  };
}

/** The same where there is a way to leave for another one. */
export function formLocals(scene: Scene, sealed?: string) {
  const { journey } = scene;
  const stuck = journey.trouble !== undefined && STUCK.includes(journey.trouble.kind);
  const otherWay = otherWayPath(scene);
  return {
    ...plainLocals(scene, sealed),
    otherWay,
    stuck,
    // Whoever is stuck on the only way there is, is helped by people.
    helpless: stuck && otherWay === '',
  };
}

/** The page, with this same place in the other languages. */
export function pageOf(
  { kit, store, journey }: Scene,
  view: Page['view'],
  title: string,
  locals: Page['locals'],
): Page {
  const here = stepPath(kit, store, journey);
  const inLanguage = (language: Language) => `${here}&lang=${language}`;
  return { view, title, store, locals, language: journey.language, inLanguage };
}
