/** The forms of the journey: each does its one thing and sends the browser on to a page it may reload. */
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Journey } from './context.ts';
import { MAX_SEALED } from './context.ts';
import { grace } from './grace.ts';
import { seeOther } from './headers.ts';
import type { Kit } from './kit.ts';
import { stepPath } from './kit.ts';
import { advance, comeBack, knockAgain } from './admit.ts';
import { consent, OPTIONAL } from './agree.ts';
import { markShown, offersHtml } from './pages-inside.ts';
import type { StoreView } from './ports-store.ts';
import { fieldsOf, opened, showSorry, walkerOf, withStore } from './reply.ts';
import { answer, choose, look, prove, tellAge } from './walk.ts';
import type { Walker } from './walk.ts';

const text = (most: number) => z.string().max(most).default('');

const Fields = z.object({
  j: text(MAX_SEALED),
  method: text(80),
  value: text(300),
  factor: text(60),
  skip: text(10),
  /** Boxes that were ticked. */
  ...Object.fromEntries(OPTIONAL.map((purpose) => [purpose, text(10)])),
});
type Fields = z.infer<typeof Fields>;
type Act = (kit: Kit, walker: Walker, fields: Fields) => Promise<Journey> | Journey;

/** Double presses, the back button and refreshes repeat a form; each must end on the same page. */
function action(act: Act) {
  return (kit: Kit) =>
    withStore(kit, async (guest, req, res) => {
      const { store, language } = guest;
      const read = Fields.safeParse(req.body ?? {});
      if (!read.success) return showSorry(kit, res, { kind: 'bad-form', store, language });
      const journey = opened(kit, guest, read.data.j, req, res);
      if (journey === null) return;
      // Where to go on if the host fails now: the page before, with all that was kept.
      res.locals['here'] = () => stepPath(kit, store, journey);
      const walker = walkerOf(kit, store, journey, req, res);
      const { session } = journey;
      // Whoever is inside already is led there, whatever an old page still sends.
      const outside = session === undefined || session.grace === true || act === again;
      const next = outside
        ? await advance(kit, { ...walker, journey: await act(kit, walker, read.data) })
        : journey;
      seeOther(res, stepPath(kit, store, next));
    });
}

const again: Act = (kit, walker) => knockAgain(kit, walker);

function ticked(fields: Record<string, string>): ReadonlySet<string> {
  return new Set(OPTIONAL.filter((purpose) => fields[purpose] === 'yes'));
}

export const actions: Record<string, (kit: Kit) => ReturnType<typeof withStore>> = {
  back: action((kit, walker, { value }) => comeBack(kit, walker, value === 'yes')),
  age: action((_kit, walker, { value }) => tellAge(walker, value)),
  choose: action((kit, walker, { method }) => choose(kit, walker, method)),
  start: action((kit, walker, { value }) => prove(kit, walker, { action: 'start', value })),
  finish: action((kit, walker, { value, factor }) =>
    prove(kit, walker, { action: 'finish', value, factor }),
  ),
  grace: action((kit, walker) => grace(kit, walker)),
  consent: action((kit, walker, fields) => consent(kit, walker, ticked(fields))),
  profile: action((_kit, walker, { value, skip }) => answer(walker, value, skip !== '')),
  admit: action((_kit, walker) => walker.journey),
  again: action(again),
};

/** Steps whose page waits, by the name its script goes by. */
const WAITS: Record<string, number> = { connecting: 1_000, waiting: 2_000 };

/** For the script of a page that waits: stay, or go on. */
export function liveness(kit: Kit) {
  return withStore(kit, async ({ store }, req, res) => {
    const read = kit.seal.open(fieldsOf(req).get('j') ?? '', store);
    if (!read.ok) {
      res.status(410).json({});
      return;
    }
    const { step } = await look(kit, walkerOf(kit, store, read.journey, req, res));
    const at = fieldsOf(req).get('at') ?? 'connecting';
    const wait = step === at ? WAITS[step] : undefined;
    res.json(wait === undefined ? { go: stepPath(kit, store, read.journey) } : { wait });
  });
}

const OFFER_WAIT_MS = 20_000;
/** More guests than this waiting at once are asked to come back instead of being held. */
const MAX_HELD = 2_000;
const QUICK_MS = 1_000;

function knownIds(req: Request): string[] {
  const ids = (fieldsOf(req).get('known') ?? '').slice(0, 4_000).split(',');
  return ids.filter((id) => /^[\w-]{1,64}$/.test(id)).slice(0, 50);
}

/** For the welcome page's script: held open until an offer appears that it does not show yet. */
export function offersNews(kit: Kit) {
  let held = 0;
  const { desk, clock } = kit.ports;
  const answerWith = async (journey: Journey, store: StoreView, req: Request, res: Response) => {
    const known = knownIds(req);
    const sessionId = journey.session?.grant.sessionId ?? '';
    const started = clock();
    const full = held > MAX_HELD;
    const wait = full ? 0 : (kit.settings.offerWaitMs ?? OFFER_WAIT_MS);
    const cards = await desk.offers(store, sessionId, wait, known);
    const ids = cards.map((card) => card.voucherId);
    const changed = ids.some((id) => !known.includes(id)) || ids.length !== known.length;
    if (res.destroyed) return;
    if (changed) await markShown(kit, store, sessionId, cards);
    const html = changed ? offersHtml(kit, store, cards, journey.language) : '';
    const early = !changed && clock() - started < QUICK_MS;
    res.json({ changed, html, wait: full || early ? 5_000 : 100 });
  };
  return withStore(kit, async ({ store }, req, res) => {
    const read = kit.seal.open(fieldsOf(req).get('j') ?? '', store);
    if (!read.ok || read.journey.session === undefined) {
      res.status(410).json({});
      return;
    }
    const { step } = await look(kit, walkerOf(kit, store, read.journey, req, res));
    if (step !== 'welcome') {
      res.json({ go: stepPath(kit, store, read.journey) });
      return;
    }
    if (read.journey.claimed === true) {
      res.json({ changed: false, html: '', wait: 30_000 });
      return;
    }
    held += 1;
    try {
      await answerWith(read.journey, store, req, res);
    } finally {
      held -= 1;
    }
  });
}
