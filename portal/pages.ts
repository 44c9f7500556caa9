/** Which words and fields stand on the page of each step. */
import type { Journey, Trouble } from './context.ts';
import { clockTime, masked, offerView } from './format.ts';
import type { Step } from './journey.ts';
import type { Kit } from './kit.ts';
import { basePath, stepPath } from './kit.ts';
import { landingFor } from './landing.ts';
import type { Language, MethodName, OfferCard, StoreView } from './ports.ts';
import type { Page, Shown } from './render.ts';
import type { SorryKind } from './sorry.ts';
import { sorryPage } from './sorry.ts';
import type { Translate } from './texts.ts';
import { worded } from './texts.ts';
import { methodOf, openDoor, wordingFor, wouldAsk } from './walk.ts';

interface Desk {
  kit: Kit;
  store: StoreView;
  journey: Journey;
  t: Translate;
  /** How often a page without a script has refreshed itself. */
  turns: number;
}

const METHOD_LABEL: Record<MethodName, string> = {
  'click-through': 'choose.click-through',
  'sms-code': 'choose.sms',
  'email-code': 'choose.email',
  voucher: 'choose.voucher',
  'member-card': 'choose.member-card',
  oidc: 'choose.oidc',
  staff: 'choose.staff',
};

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
  'terms-changed': 'trouble.terms-changed',
  'answer-missing': 'trouble.answer-missing',
  'host-down': 'trouble.host-down',
};

function troubleText({ journey, store, t }: Desk): string {
  const { trouble, language } = journey;
  if (trouble === undefined) return '';
  if (trouble.kind === 'address-invalid')
    return methodOf(store, journey) === 'sms-code'
      ? t('trouble.address-invalid-sms')
      : t('trouble.address-invalid-email');
  if (trouble.kind === 'send-limit')
    return trouble.retryAt === undefined
      ? t('trouble.send-limit-now')
      : t('trouble.send-limit', { time: clockTime(trouble.retryAt, language, store.timezone) });
  return t(TROUBLE_TEXT[trouble.kind], { count: trouble.left ?? 0 });
}

/** What pages with a form share. */
function formLocals(desk: Desk) {
  const { kit, store, journey, t } = desk;
  const { method: _other, address: _sent, proof: _shown, trouble: _said, ...before } = journey;
  const { typed: _typed, ...bare } = before;
  return {
    j: kit.seal.close(journey, store),
    base: basePath(store),
    promise: store.theme.promise[journey.language] ?? t('page.promise'),
    trouble: troubleText(desk),
    typed: journey.typed ?? '',
    otherWay: store.methods.length > 1 ? stepPath(kit, store, bare) : '',
  };
}

function page(desk: Desk, view: Page['view'], title: string, locals: Page['locals']): Page {
  const { kit, store, journey } = desk;
  return {
    view,
    title,
    store,
    locals,
    language: journey.language,
    inLanguage: (language: Language) => stepPath(kit, store, { ...journey, language }),
  };
}

function choosePage(desk: Desk): Page {
  const { store, t } = desk;
  const choices = store.methods.map((method) => ({ method, label: t(METHOD_LABEL[method]) }));
  return page(desk, 'choose', t('choose.title'), { ...formLocals(desk), choices });
}

function codePage(desk: Desk, sent: boolean): Page {
  const { kit, store, journey, t } = desk;
  const sms = methodOf(store, journey) === 'sms-code';
  const words = sms
    ? {
        title: t('sms.title'),
        label: t('sms.label'),
        button: t('sms.button'),
        why: t('sms.why'),
        change: t('code.change-sms'),
      }
    : {
        title: t('email.title'),
        label: t('email.label'),
        button: t('email.button'),
        why: t('email.why'),
        change: t('code.change-email'),
      };
  const { address, resendAt = 0, trouble: _said, typed: _typed, ...bare } = journey;
  const time = clockTime(resendAt, journey.language, store.timezone);
  return page(desk, 'code', sent ? t('code.title') : words.title, {
    ...formLocals(desk),
    words,
    channel: sms ? 'sms' : 'email',
    sentTo: sent && address !== undefined ? masked(address) : '',
    otherAddress: stepPath(kit, store, bare),
    resend: kit.ports.clock() < resendAt ? t('code.again-soon', { time }) : t('code.again-now'),
  });
}

async function consentPage(desk: Desk): Promise<Page> {
  const { kit, store, journey, t } = desk;
  const inWords = (purpose: 'access' | 'marketing') => {
    const wording = wordingFor(store, purpose);
    return wording && { version: wording.version, ...worded(wording.text, journey.language) };
  };
  return page(desk, 'consent', t('consent.title'), {
    ...formLocals(desk),
    access: inWords('access'),
    marketing: inWords('marketing') ?? null,
    asks: await wouldAsk(kit, store, journey),
  });
}

function profilePage(desk: Desk): Page {
  const { store, journey, t } = desk;
  const [question] = store.questions;
  const options = (question?.options ?? []).map(({ value, label }) => ({
    value,
    label: worded(label, journey.language).text,
  }));
  const label = question === undefined ? '' : worded(question.label, journey.language).text;
  return page(desk, 'profile', t('profile.title'), { ...formLocals(desk), label, options });
}

async function doorPage(desk: Desk): Promise<Page> {
  const { kit, store, journey, t } = desk;
  const opening = await openDoor(kit, { store, journey, networkIp: '' });
  if (opening.kind !== 'through') return connectingPage(desk);
  const { url } = opening;
  const made = page(desk, 'door', t('door.title'), { url });
  return { ...made, refresh: { seconds: 0, url, always: true } };
}

function connectingPage(desk: Desk): Page {
  const { kit, store, journey, t } = desk;
  const here = stepPath(kit, store, journey);
  const poll = `${basePath(store)}/status.json?j=${kit.seal.close(journey, store)}`;
  const made = page(desk, 'connecting', t('connecting.title'), { here });
  return { ...made, poll, refresh: { seconds: 2, url: here } };
}

function howLong({ store, journey, t }: Desk): string {
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
async function offersSoon({ kit, store, journey }: Desk): Promise<OfferCard[]> {
  const sessionId = journey.session?.grant.sessionId ?? '';
  const slow = new Promise<OfferCard[]>((resolve) => {
    setTimeout(resolve, 400, []).unref();
  });
  try {
    const cards = await Promise.race([kit.ports.desk.offers(store, sessionId, 150), slow]);
    await markShown(kit, store, sessionId, cards);
    return cards;
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
  const views = cards.map((card) =>
    offerView(card, now, language, store.timezone, t('offer.qr', { code: card.code })),
  );
  return kit.renderer.offers(views, language);
}

const MAX_TURNS = 12;

async function welcomePage(desk: Desk): Promise<Page> {
  const { kit, store, journey, t, turns } = desk;
  const cards = await offersSoon(desk);
  const here = stepPath(kit, store, journey);
  const landing = landingFor(store, journey.context?.originUrl);
  const made = page(desk, 'welcome', t('welcome.title'), {
    here,
    offers: offersHtml(kit, store, cards, journey.language),
    howLong: howLong(desk),
    returning: journey.session?.returning === true,
    landing: landing === null ? null : { href: landing, host: new URL(landing).hostname },
  });
  const poll = `${basePath(store)}/offers.json?j=${kit.seal.close(journey, store)}`;
  const again = cards.length === 0 && turns < MAX_TURNS;
  const refresh = { seconds: 5, url: `${here}&n=${turns + 1}` };
  return { ...made, poll, ...(again ? { refresh } : {}) };
}

const SORRY: Partial<Record<Step, SorryKind>> = {
  closed: 'closed',
  refused: 'refused',
  ended: 'ended',
};

const PAGES: Partial<Record<Step, (desk: Desk) => Page | Promise<Page>>> = {
  choose: choosePage,
  address: (desk) => codePage(desk, false),
  code: (desk) => codePage(desk, true),
  voucher: (desk) => page(desk, 'voucher', desk.t('voucher.title'), formLocals(desk)),
  consent: consentPage,
  profile: profilePage,
  admit: (desk) => page(desk, 'retry', desk.t('retry.title'), formLocals(desk)),
  door: doorPage,
  connecting: connectingPage,
  late: (desk) => page(desk, 'late', desk.t('late.title'), formLocals(desk)),
  welcome: welcomePage,
};

/** The page for a step. `turns` counts how often it refreshed itself without a script. */
export async function pageFor(
  kit: Kit,
  store: StoreView,
  journey: Journey,
  step: Step,
  turns = 0,
): Promise<Shown> {
  const desk: Desk = { kit, store, journey, t: kit.texts.in(journey.language), turns };
  const sorry = SORRY[step];
  if (sorry !== undefined)
    return sorryPage(kit, { kind: sorry, store, language: journey.language, journey });
  const make = PAGES[step];
  if (make === undefined) throw new Error(`no page for the step ${step}`);
  return { page: await make(desk), status: journey.trouble?.kind === 'host-down' ? 503 : 200 };
}
