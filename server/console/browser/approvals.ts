/** Guests who ask to be let in: the list follows by itself, and never moves under a finger or the focus. */

const every = 4000;

function listIn(page: Document): HTMLElement | null {
  return page.querySelector<HTMLElement>('[data-part="approvals"]');
}

function showCount(list: HTMLElement): void {
  const count = Number(list.querySelector<HTMLElement>('[data-count]')?.dataset['count'] ?? 0);
  const title = list.dataset['title'] ?? '';
  document.title = count > 0 ? `(${count}) ${title}` : title;
}

/** Somebody is about to press: what they look at stays where it is. */
function busy(list: HTMLElement): boolean {
  return list.contains(document.activeElement) || list.querySelector('form:hover') !== null;
}

function idsOf(list: HTMLElement): string {
  return [...list.querySelectorAll('[id^="ask-"]')].map(({ id }) => id).join(' ');
}

async function look(): Promise<void> {
  const shown = listIn(document);
  if (!shown || document.hidden) return;
  try {
    const answer = await fetch(location.pathname, { headers: { accept: 'text/html' } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const next = listIn(page);
    if (!next) return;
    showCount(next);
    const said = shown.querySelector('[data-part="said"]');
    const words = next.querySelector('[data-part="said"]')?.textContent ?? '';
    // Who is about to press is told as well, while the list stands still under them.
    if (said && said.textContent !== words) said.textContent = words;
    if (busy(shown)) return;
    const news = idsOf(shown) !== idsOf(next);
    // The line that is read aloud stays the same element, and changes only when there is news.
    const fresh = Array.from(next.children)
      .filter((one) => one.getAttribute('data-part') !== 'said')
      .map((one) => document.importNode(one, true));
    shown.replaceChildren(...(said ? [said] : []), ...fresh);
    if (said && news) said.textContent = words;
  } catch {
    // The next look will tell.
  }
}

const first = listIn(document);
if (first) showCount(first);
setInterval(() => void look(), every);
document.addEventListener('visibilitychange', () => void look());
