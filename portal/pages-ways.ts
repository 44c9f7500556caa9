/** The pages on which a guest chooses a way in and proves to be welcome. */
import { wordingsAsked, wordsShown } from './agree.ts';
import type { Trouble } from './context.ts';
import { clockTime, masked, offerViewOf, qrSvg } from './format.ts';
import { graceTowards } from './grace.ts';
import type { Way } from './journey.ts';
import { methodOfWay } from './journey.ts';
import { basePath, stepPath } from './kit.ts';
import { shortLink } from './leave.ts';
import { waysOf } from './methods/all.ts';
import { miniBrowser } from './mini-browser.ts';
import type { MethodName } from './ports-store.ts';
import type { Page } from './render.ts';
import type { Scene } from './scene.ts';
import { formLocals, pageOf, plainLocals } from './scene.ts';
import { leadsBeforeLogin } from './setup/garden.ts';
import { slotFor } from './slots.ts';
import { worded } from './texts.ts';
import { atAddress, providerOf, questionDue, questionOf, wayOf } from './walk.ts';

const METHOD_LABEL: Record<MethodName, string> = {
  'click-through': 'choose.click-through',
  'sms-code': 'choose.sms',
  'email-code': 'choose.email',
  voucher: 'choose.voucher',
  'member-card': 'choose.member-card',
  oidc: 'choose.oidc',
  staff: 'choose.staff',
};

function labelOf({ store, t }: Scene, way: Way): string {
  const provider = providerOf(store, way)?.name ?? '';
  return t(METHOD_LABEL[methodOfWay(way)], { provider });
}

export function backPage(scene: Scene): Page {
  return pageOf(scene, 'back', scene.t('back.title'), plainLocals(scene));
}

export function agePage(scene: Scene): Page {
  const age = scene.store.ageGate ?? 0;
  const title = scene.t('age.title', { age });
  return pageOf(scene, 'age', title, { ...plainLocals(scene), age });
}

export async function choosePage(scene: Scene): Promise<Page> {
  const { kit, store, journey, t } = scene;
  const { language } = journey;
  const choices = waysOf(kit.ports, store).map((way) => ({ way, label: labelOf(scene, way) }));
  const slot = await slotFor(kit, store, 'pre_auth', { language });
  // Equipment lets guests reach the link's host before they are in: it is one of `walledGarden`.
  const leads = leadsBeforeLogin(slot.house?.link ?? undefined) !== null;
  const house = slot.house && (leads ? slot.house : { ...slot.house, link: null });
  const offer = slot.card && offerViewOf(slot.card, store, language, t, kit.ports.clock());
  return pageOf(scene, 'choose', t('choose.title'), {
    ...plainLocals(scene),
    choices,
    slot: { offer, house },
  });
}

const GRACE_TEXT = {
  'email-code': 'grace.email',
  'sms-code': 'grace.sms',
  oidc: 'grace.oidc',
} as const;

/** The offer of a few minutes online, with the terms it is tied to; null where it is not made. */
function graceLocals({ kit, store, journey, t }: Scene) {
  const towards = graceTowards(kit, { store, journey });
  const [access] = wordingsAsked(kit, store, journey);
  if (towards === null || access === undefined) return null;
  const count = store.policy?.graceMinutes ?? 0;
  return {
    button: t(GRACE_TEXT[towards], { count }),
    terms: worded(access.text, journey.language),
    wording: access,
  };
}

/** Until when the few minutes last that a guest is using now. */
function graceUntil({ kit, store, journey }: Scene): string {
  const { session, language } = journey;
  const running = session?.grace === true && session.expiresAt > kit.ports.clock();
  return running ? clockTime(session.expiresAt, language, store.timezone) : '';
}

/** The page with its offer of a few minutes: what it says about the terms is part of what is sealed. */
function withGrace(
  scene: Scene,
  view: Page['view'],
  title: string,
  locals: Record<string, unknown>,
): Page {
  const { kit, store, journey } = scene;
  const offer = graceLocals(scene);
  const make = (sealed?: string) =>
    pageOf(scene, view, title, { ...formLocals(scene, sealed), ...locals, offer });
  if (offer === null) return make();
  const shown = wordsShown('grace', kit.renderer.main(make('')), [offer.wording]);
  return make(kit.seal.close({ ...journey, shown }, store));
}

async function linkLocals({ kit, store, journey, t }: Scene) {
  const link = await shortLink(kit, store, journey);
  if (link === null) return null;
  return { where: link.where, key: link.key, qr: qrSvg(link.href, t('leave.qr-label')) };
}

function codeWords({ kit, store, journey, t }: Scene) {
  const way = wayOf(kit, store, journey);
  const sms = way !== null && methodOfWay(way) === 'sms-code';
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
  return { sms, words };
}

export function addressPage(scene: Scene): Page {
  const { sms, words } = codeWords(scene);
  const locals = { ...formLocals(scene), words, channel: sms ? 'sms' : 'email', sentTo: '' };
  return pageOf(scene, 'code', words.title, { ...locals, sent: false });
}

/** After these no digits help any more: the page asks for a new code instead. */
const SPENT: readonly Trouble['kind'][] = ['code-locked', 'code-expired', 'code-used'];

export async function codePage(scene: Scene): Promise<Page> {
  const { kit, store, journey, t } = scene;
  const { sms, words } = codeWords(scene);
  const { address = '', resendAt = 0, language } = journey;
  const time = clockTime(resendAt, language, store.timezone);
  const soon = kit.ports.clock() < resendAt;
  const spent = journey.trouble !== undefined && SPENT.includes(journey.trouble.kind);
  return withGrace(scene, 'code', t('code.title'), {
    words,
    channel: sms ? 'sms' : 'email',
    sent: true,
    sentTo: journey.claimed === true ? '' : masked(address),
    otherAddress: stepPath(kit, store, atAddress(journey)),
    spent,
    resend: soon ? t('code.again-soon', { time }) : spent ? '' : t('code.again-now'),
    until: graceUntil(scene),
    leave: sms ? null : await linkLocals(scene),
  });
}

export function voucherPage(scene: Scene): Page {
  const typed = scene.journey.typed ?? scene.walker.slip ?? '';
  return pageOf(scene, 'voucher', scene.t('voucher.title'), { ...formLocals(scene), typed });
}

export function memberPage(scene: Scene): Page {
  return pageOf(scene, 'member', scene.t('member.title'), formLocals(scene));
}

export function staffPage(scene: Scene): Page {
  return pageOf(scene, 'staff', scene.t('staff.title'), formLocals(scene));
}

/** Asks again every few seconds, without a script and with one. */
export function waitingPage(scene: Scene): Page {
  const { kit, store, journey, t } = scene;
  const here = stepPath(kit, store, journey);
  const made = pageOf(scene, 'waiting', t('waiting.title'), { ...formLocals(scene), here });
  const poll = `${basePath(store)}/status.json?j=${kit.seal.close(journey, store)}&at=waiting`;
  return { ...made, poll, refresh: { seconds: 5, url: here } };
}

/**
 * Providers refuse sign-in windows, and such a window has no address line to tell a provider by: there
 * the way out comes first.
 */
export async function oidcPage(scene: Scene): Promise<Page> {
  const { kit, store, journey, walker, t } = scene;
  const provider = providerOf(store, wayOf(kit, store, journey))?.name ?? '';
  const small = miniBrowser(walker.userAgent) !== null;
  return withGrace(scene, 'oidc', t('oidc.title', { provider }), {
    provider,
    small,
    href: `${basePath(store)}/leave?j=${kit.seal.close(journey, store)}`,
    until: graceUntil(scene),
    leave: small ? await linkLocals(scene) : null,
  });
}

/** The page's own text is sealed with the form: what is agreed to is what was shown. */
export async function consentPage(scene: Scene): Promise<Page> {
  const { kit, store, journey, t } = scene;
  const [access, ...others] = wordingsAsked(kit, store, journey);
  if (access === undefined) throw new Error('a store without terms lets nobody in');
  const { language } = journey;
  const asked = others.map(({ purpose, text }) => ({ purpose, ...worded(text, language) }));
  const asks = await questionDue(kit, store, journey);
  const make = (sealed: string) =>
    pageOf(scene, 'consent', t('consent.title'), {
      ...formLocals(scene, sealed),
      access: worded(access.text, language),
      asked,
      asks: asks !== undefined,
    });
  const shown = wordsShown('consent', kit.renderer.main(make('')), [access, ...others]);
  const { asks: _before, ...rest } = journey;
  const next = asks === undefined ? rest : { ...rest, asks };
  return make(kit.seal.close({ ...next, shown }, store));
}

export function profilePage(scene: Scene): Page {
  const { store, journey, t } = scene;
  const question = questionOf(store, journey);
  const options = (question?.options ?? []).map(({ value, label }) => ({
    value,
    ...worded(label, journey.language),
  }));
  const label = question && worded(question.label, journey.language);
  return pageOf(scene, 'profile', t('profile.title'), { ...formLocals(scene), label, options });
}

export function retryPage(scene: Scene): Page {
  return pageOf(scene, 'retry', scene.t('retry.title'), formLocals(scene));
}
