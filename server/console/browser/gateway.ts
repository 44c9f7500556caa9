/** A gateway's pages: what has to be copied is copied by one press. */

async function copyFor(button: HTMLButtonElement): Promise<void> {
  const source = document.getElementById(button.dataset['copy'] ?? '');
  if (!source) return;
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent ?? '');
    button.textContent = button.dataset['done'] ?? before;
    setTimeout(() => (button.textContent = before), 2000);
  } catch {
    // Not allowed: marked instead, ready for the keyboard.
    getSelection()?.selectAllChildren(source);
  }
}

// Without a secure address browsers have no clipboard to write to; the text can still be marked.
for (const button of document.querySelectorAll<HTMLButtonElement>('[data-copy]')) {
  button.hidden = false;
  button.addEventListener('click', () => void copyFor(button));
}
