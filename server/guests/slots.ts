/** What stands in a place of the portal: an offer that is due to this guest, else words of the house. */
import type { Log } from '../log.ts';
import type { Language, Text } from '../stores/words.ts';

export type SlotName = 'pre_auth' | 'landing' | 'return';

export interface HouseContent {
  headline: Text;
  body: Partial<Text>;
  link?: string | undefined;
}

export type SlotContent<Card> =
  { kind: 'offer'; card: Card } | { kind: 'house'; content: HouseContent };

/** The part of a store that its slots need. */
export interface SlotStore {
  id: string;
  merchantId: string;
  house?: Partial<Record<SlotName, HouseContent>>;
}

export interface SlotDeps<Card> {
  log: Pick<Log, 'warn'>;
  /** What this session's guest may be shown now, the newest first. */
  due: (sessionId: string) => Promise<Card[]>;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Before admission nobody is known, so only words of the house are shown. Afterwards the newest due
 * offer of the session's guest; whatever goes wrong, the words of the house.
 */
export async function fillSlot<Card>(
  { log, due }: SlotDeps<Card>,
  store: SlotStore,
  slot: SlotName,
  who: { sessionId?: string; language: Language },
): Promise<SlotContent<Card> | null> {
  const words = store.house?.[slot];
  const house: SlotContent<Card> | null = words ? { kind: 'house', content: words } : null;
  const { sessionId } = who;
  if (slot === 'pre_auth' || sessionId === undefined || !UUID.test(sessionId)) return house;
  try {
    const [card] = await due(sessionId);
    return card ? { kind: 'offer', card } : house;
  } catch (error) {
    log.warn({ err: error, storeId: store.id }, 'a slot shows the house instead of an offer');
    return house;
  }
}
