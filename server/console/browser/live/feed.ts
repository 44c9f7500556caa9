/** The quiet list at the side: newest on top, one short motion, can be paused. */
import type { FeedMessage } from '../../shared/feed-line.ts';
import { feedLine } from '../../shared/feed-line.ts';
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

export function createFeed(options: FeedOptions): Feed {
  const { list, pause, empty, texts } = options;
  const clock = new Intl.DateTimeFormat(options.language, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: options.timezone,
  });
  let waiting: FeedMessage[] = [];
  let paused = false;

  const show = (message: FeedMessage): void => {
    const line = feedLine(message);
    // An event may already stand in the page as the server wrote it.
    if (!line || list.querySelector(`[data-event="${CSS.escape(message.id)}"]`)) return;
    const item = make('li', `feed__item feed__item--${line.tone} is-new`);
    item.dataset['event'] = message.id;
    const time = make('time', 'feed__time', clock.format(new Date(message.at)));
    time.dateTime = message.at;
    item.append(
      make('span', 'feed__mark'),
      make('span', 'feed__text', textOf(texts, line.key, line.values)),
      time,
    );
    list.prepend(item);
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
