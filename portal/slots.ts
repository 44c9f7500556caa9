/** What stands in a place on a page: an offer that is due, else words of the house, else nothing; never a wait. */
import type { Kit } from './kit.ts';
import type { HouseContent, Language, SlotName, StoreView } from './ports-store.ts';
import type { OfferCard } from './ports.ts';
import { within } from './patience.ts';
import { worded } from './texts.ts';

/** A page is not held up for an offer longer than this. */
const SLOT_MS = 150;

export interface HouseWords {
  headline: { text: string; language: Language };
  body: { text: string; language: Language } | null;
  link: string | null;
}

export interface Filled {
  card: OfferCard | null;
  house: HouseWords | null;
}

function houseWords(content: HouseContent | undefined, language: Language): HouseWords | null {
  if (content === undefined) return null;
  const { headline, body, link } = content;
  const own = body[language] ?? body.en;
  const safe = link !== undefined && URL.canParse(link) && new URL(link).protocol === 'https:';
  return {
    headline: worded(headline, language),
    body:
      own === undefined
        ? null
        : { text: own, language: body[language] === undefined ? 'en' : language },
    link: safe ? link : null,
  };
}

export async function slotFor(
  kit: Kit,
  store: StoreView,
  slot: SlotName,
  who: { sessionId?: string; language: Language },
): Promise<Filled> {
  const { desk, log } = kit.ports;
  const house = houseWords(store.house?.[slot], who.language);
  if (desk.slot === undefined) return { card: null, house };
  const asked = desk.slot(store, slot, who).catch(() => {
    log.warn({ store: store.id, slot }, 'a slot could not be filled');
    return null;
  });
  const content = await within(SLOT_MS, asked);
  if (content === null) return { card: null, house };
  if (content.kind === 'offer') return { card: content.card, house: null };
  return { card: null, house: houseWords(content.content, who.language) };
}
