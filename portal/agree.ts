/** Agreement: which purposes are asked on which page, what the page said, and what the guest ticked. */
import { createHash } from 'node:crypto';
import type { Journey, WordsShown } from './context.ts';
import type { Kit } from './kit.ts';
import { troubled, untroubled } from './methods/method.ts';
import type { ConsentWording, Purpose, StoreView } from './ports-store.ts';
import type { ConsentGiven, ConsentProof } from './ports.ts';
import type { Walker } from './walk.ts';
import { proofOf, wordingFor } from './walk.ts';

/** Purposes that are asked for by a box of their own: all but the terms. */
export const OPTIONAL: readonly Purpose[] = [
  'marketing',
  'marketing-email',
  'marketing-sms',
  'analytics',
  'profiling',
];

/** Offers by a channel are asked for only when the address of that channel has just been proved. */
function asksFor(purpose: Purpose, kit: Kit, store: StoreView, journey: Journey): boolean {
  if (purpose === 'access') return true;
  if (journey.age === 'under') return false;
  const proof = proofOf(kit, store, journey);
  if (purpose === 'marketing-sms') return proof?.method === 'sms-code';
  if (purpose !== 'marketing-email') return true;
  return proof?.method === 'email-code' || (proof?.method === 'oidc' && proof.email !== undefined);
}

/** The terms first, then what else has a wording, in the store's order. */
export function wordingsAsked(kit: Kit, store: StoreView, journey: Journey): ConsentWording[] {
  const asked = store.wordings.filter(({ purpose }) => asksFor(purpose, kit, store, journey));
  const terms = asked.filter(({ purpose }) => purpose === 'access');
  return [...terms, ...asked.filter(({ purpose }) => purpose !== 'access')];
}

const ENTITIES: Record<string, string> = {
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
  '&#34;': '"',
  '&#39;': "'",
};

/** What a reader of the page reads: tags gone, entities resolved, blanks joined. */
export function visibleText(html: string): string {
  return html
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&(?:lt|gt|amp|#34|#39);/g, (entity) => ENTITIES[entity] ?? entity)
    .replaceAll(/\s+/g, ' ')
    .trim();
}

export function wordsShown(
  screen: WordsShown['screen'],
  html: string,
  wordings: readonly ConsentWording[],
): WordsShown {
  const sha256 = createHash('sha256').update(visibleText(html)).digest('hex');
  const versions = Object.fromEntries(wordings.map(({ purpose, version }) => [purpose, version]));
  return { screen, sha256, versions };
}

/** For the ledger: this page, to this browser. */
export function proofOfShowing({
  journey,
  networkIp,
  userAgent,
}: Walker): ConsentProof | undefined {
  const { shown } = journey;
  if (shown === undefined) return undefined;
  const { sha256: pageSha256, screen } = shown;
  return { pageSha256, screen, ip: networkIp, userAgent: userAgent.slice(0, 200) };
}

/** Whether these words still stand as they were shown; null when one of them was changed meanwhile. */
export function given(
  { store, journey }: Walker,
  screen: WordsShown['screen'],
  ticked: ReadonlySet<string>,
): ConsentGiven[] | null {
  const { shown, language } = journey;
  if (shown?.screen !== screen || shown.versions.access === undefined) return null;
  const consents: ConsentGiven[] = [];
  for (const [name, version] of Object.entries(shown.versions)) {
    const purpose = name as Purpose;
    const granted = purpose === 'access' || ticked.has(purpose);
    const stands = wordingFor(store, purpose)?.version === version;
    if (granted && !stands) return null;
    if (stands) consents.push({ purpose, granted, version, language });
  }
  return consents;
}

/** Agreement to a wording that changed meanwhile is no agreement: the page is shown again. */
export function consent(kit: Kit, walker: Walker, ticked: ReadonlySet<string>): Journey {
  const { store, journey } = walker;
  if (proofOf(kit, store, journey) === undefined) return journey;
  const consents = given(walker, 'consent', ticked);
  if (consents === null) return troubled(journey, { kind: 'terms-changed' });
  return { ...untroubled(journey), consents };
}
