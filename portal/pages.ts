/** Which page belongs to each step. */
import type { Step } from './journey.ts';
import type { Kit } from './kit.ts';
import {
  connectingPage,
  doorPage,
  latePage,
  renewPage,
  shutPage,
  welcomePage,
} from './pages-inside.ts';
import {
  addressPage,
  agePage,
  backPage,
  choosePage,
  codePage,
  consentPage,
  memberPage,
  oidcPage,
  profilePage,
  retryPage,
  staffPage,
  voucherPage,
  waitingPage,
} from './pages-ways.ts';
import type { Page, Shown } from './render.ts';
import type { Scene } from './scene.ts';
import type { SorryKind } from './sorry.ts';
import { sorryPage } from './sorry.ts';
import type { Looked, Walker } from './walk.ts';

const SORRY: Partial<Record<Step, SorryKind>> = {
  closed: 'closed',
  refused: 'refused',
  resting: 'resting',
  ended: 'ended',
};

const PAGES: Partial<Record<Step, (scene: Scene) => Page | Promise<Page>>> = {
  back: backPage,
  age: agePage,
  choose: choosePage,
  address: addressPage,
  code: codePage,
  voucher: voucherPage,
  member: memberPage,
  oidc: oidcPage,
  staff: staffPage,
  waiting: waitingPage,
  consent: consentPage,
  profile: profilePage,
  admit: retryPage,
  renew: renewPage,
  door: doorPage,
  connecting: connectingPage,
  late: latePage,
  shut: (scene) => shutPage(scene),
  welcome: welcomePage,
};

/** The page for where a journey stands. `turns` counts how often it refreshed itself without a script. */
export async function pageFor(
  kit: Kit,
  walker: Walker,
  { step, journey }: Looked,
  turns = 0,
): Promise<Shown> {
  const { store } = walker;
  const { language } = journey;
  const sorry = SORRY[step];
  if (sorry !== undefined) return sorryPage(kit, { kind: sorry, store, language, journey });
  const make = PAGES[step];
  if (make === undefined) throw new Error(`no page for the step ${step}`);
  const here = { ...walker, journey };
  const scene: Scene = { kit, store, journey, walker: here, t: kit.texts.in(language), turns };
  return { page: await make(scene), status: journey.trouble?.kind === 'host-down' ? 503 : 200 };
}
