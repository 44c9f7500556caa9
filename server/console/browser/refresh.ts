/** Keeps the part of a page that changes by itself up to date, without moving what is being used. */

const everyMs = 10_000;
const living = document.querySelector<HTMLElement>('[data-part="refresh"]');

/** Nothing changes under a pointer, the keyboard or a selection; nor where nobody looks. */
function inUse(shown: HTMLElement): boolean {
  const selected = getSelection();
  const marked = selected !== null && !selected.isCollapsed && shown.contains(selected.anchorNode);
  return (
    document.hidden || marked || shown.contains(document.activeElement) || shown.matches(':hover')
  );
}

async function freshen(shown: HTMLElement): Promise<void> {
  if (inUse(shown)) return;
  try {
    const response = await fetch(location.href, { credentials: 'same-origin' });
    if (!response.ok || response.redirected) return;
    const text = await response.text();
    const fresh = new DOMParser().parseFromString(text, 'text/html');
    const next = fresh.querySelector<HTMLElement>('[data-part="refresh"]');
    if (next && !inUse(shown) && next.innerHTML !== shown.innerHTML) {
      shown.replaceChildren(...document.importNode(next, true).childNodes);
    }
  } catch {
    // Away for a moment: the next round asks again.
  }
}

if (living) setInterval(() => void freshen(living), everyMs);
