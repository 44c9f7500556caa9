/** What went right or wrong, in words beside the map. */
import type { Problem } from '../page/api.ts';
import type { Texts } from '../page/data.ts';
import { make, textOf } from '../page/data.ts';

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

/** What the server says to a program is no help to a person: of these the page always has its own words. */
const OWN_WORDS = ['bad-radio', 'bad-members', 'bare-line', 'swapped-axes', 'radius-out-of-range'];

function ownWords(fault: string | undefined, texts: Texts): string | undefined {
  const english = document.documentElement.lang.startsWith('en');
  if (fault === undefined || (english && !OWN_WORDS.includes(fault))) return undefined;
  return texts[`fences.fault.${fault}`] ?? texts[`fences.conflict.${fault}`];
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
  return {
    text: ownWords(problem.fault, texts) ?? problem.detail ?? problem.title,
    details: details.length > 1 ? details : [],
  };
}

/** The same of a file: what is wrong with which of its shapes. */
export function wordsOfFile(
  problem: Problem,
  texts: Texts,
  otherwise: string,
): { text: string; details: string[] } {
  if (problem.code === 'malformed-json') {
    return { text: texts['fences.import.neither'] ?? otherwise, details: [] };
  }
  const faults = problem.faults ?? [];
  if (faults.length === 0) return wordsOf(problem, texts, otherwise);
  const details = faults.map(({ path, message, fault }) => {
    const n = Number(/\.features\.(\d+)/.exec(path)?.[1] ?? -1) + 1;
    const words = ownWords(fault, texts) ?? message;
    return n > 0 ? textOf(texts, 'fences.import.shape', { n, words }) : words;
  });
  return { text: textOf(texts, 'fences.import.mend'), details };
}
