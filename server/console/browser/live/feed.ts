/** The quiet list at the side: newest on top, one short motion, can be paused. */
import type { FeedMessage } from '../../shared/feed-line.ts';
import { feedLine, stacking } from '../../shared/feed-line.ts';
import type { Texts } from '../page/data.ts';
import { make, textOf } from '../page/data.ts';

export interface Feed {
  add(message: FeedMessage): void;
}

export interface FeedOptions {
  list: HTMLElement;
  pause: HTMLButtonElement;
  empty: HTMLElement;
  texts: Texts;
  /** IANA name: times are the shop's, not the reader's. */
  timezone: string;
  language: string;
}

const KEPT = 60;

const timeOf = (item: Element): number =>
  Date.parse(item.querySelector('time')?.dateTime ?? '') || 0;
const stacks = (item: Element): boolean =>
  stacking.some((tone) => item.classList.contains(`feed__item--${tone}`));
/** What a line says, without its number. */
const wordsOf = (item: Element): string =>
  item.querySelector('.feed__text')?.firstChild?.textContent ?? '';

export function createFeed(options: FeedOptions): Feed {
  const { list, pause, empty, texts } = options;
  const clock = new Intl.DateTimeFormat(options.language, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: options.timezone,
  });
  // An event may already stand in the page as the server wrote it, alone or folded into a line.
  const told = new Set(
    [...list.querySelectorAll<HTMLElement>('[data-event]')].flatMap((item) =>
      (item.dataset['event'] ?? '').split(' '),
    ),
  );
  let waiting: FeedMessage[] = [];
  let paused = false;

  /** Events arrive nearly in order: one a little late takes the place of its time. */
  const place = (item: HTMLElement): void => {
    const at = timeOf(item);
    const older = [...list.children].find((other) => timeOf(other) <= at);
    list.insertBefore(item, older ?? null);
  };
  const stack = (item: HTMLElement): boolean => {
    const top = list.firstElementChild;
    if (!stacks(item) || !(top instanceof HTMLElement)) return false;
    if (wordsOf(top) !== wordsOf(item)) return false;
    const count = Number(top.dataset['times'] ?? 1) + 1;
    item.dataset['times'] = String(count);
    item.querySelector('.feed__text')?.append(' ', make('span', 'feed__times', `× ${count}`));
    item.classList.remove('is-new');
    top.replaceWith(item);
    return true;
  };

  const show = (message: FeedMessage): void => {
    const line = feedLine(message);
    if (!line || told.has(message.id)) return;
    told.add(message.id);
    const item = make('li', `feed__item feed__item--${line.tone} is-new`);
    item.dataset['event'] = message.id;
    const at = line.told ?? message.at;
    const time = make('time', 'feed__time', clock.format(new Date(at)));
    time.dateTime = at;
    item.append(
      make('span', 'feed__mark'),
      make('span', 'feed__text', textOf(texts, line.key, line.values)),
      time,
    );
    if (!stack(item)) place(item);
    empty.hidden = true;
    while (list.children.length > KEPT) list.lastElementChild?.remove();
  };
  const label = (): void => {
    const key = paused ? 'live.resume' : 'live.pause';
    const more = paused && waiting.length > 0 ? 'live.resumeWaiting' : key;
    pause.textContent = textOf(texts, more, { count: waiting.length });
    pause.setAttribute('aria-pressed', String(paused));
  };
  pause.addEventListener('click', () => {
    paused = !paused;
    if (!paused) {
      waiting.forEach(show);
      waiting = [];
    }
    label();
  });
  pause.hidden = false;
  label();
  return {
    add(message) {
      if (!paused) show(message);
      else {
        waiting.push(message);
        waiting = waiting.slice(-KEPT);
        label();
      }
    },
  };
}
