/** What went right or wrong, in words beside the map. */
import type { Problem } from '../page/api.ts';
import type { Texts } from '../page/data.ts';
import { make } from '../page/data.ts';

export interface Notices {
  good(text: string): void;
  /** It went right, and still something is odd. */
  warn(text: string, details: readonly string[]): void;
  bad(text: string, details?: readonly string[]): void;
  clear(): void;
}

export function createNotices(box: HTMLElement): Notices {
  const show = (tone: string, text: string, details: readonly string[]): void => {
    const notice = make('div', `note ${tone}`);
    const words = make('div');
    words.append(make('p', '', text));
    if (details.length > 0) {
      const list = make('ul');
      list.append(...details.map((detail) => make('li', '', detail)));
      words.append(list);
    }
    notice.append(words);
    box.replaceChildren(notice);
    // On a phone the words stand below the map.
    notice.scrollIntoView({ block: 'nearest' });
  };
  return {
    good: (text) => show('good', text, []),
    warn: (text, details) => show('warn', text, details),
    bad: (text, details = []) => show('bad', text, details),
    clear: () => box.replaceChildren(),
  };
}

/**
 * What a problem says, or `otherwise` when the server could not be reached. The server speaks
 * English; in another language the page has words of its own for what is known by name.
 */
export function wordsOf(
  problem: Problem,
  texts: Texts,
  otherwise: string,
): { text: string; details: string[] } {
  if (problem.code === 'unreachable') return { text: otherwise, details: [] };
  const details = (problem.errors ?? []).map(({ message }) => message);
  const said = {
    text: problem.detail ?? problem.title,
    details: details.length > 1 ? details : [],
  };
  if (document.documentElement.lang.startsWith('en') || !problem.fault) return said;
  const own = texts[`fences.fault.${problem.fault}`] ?? texts[`fences.conflict.${problem.fault}`];
  return own === undefined ? said : { ...said, text: own };
}
