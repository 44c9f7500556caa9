/** On every page: a choice of store, day or filter shows at once, and the phone's menu closes by itself. */

/**
 * Arrow keys pass through choices nobody meant: with the keyboard a choice counts on Enter or when
 * the field is left, with the pointer at once.
 */
function submitOnChoice(form: HTMLFormElement): void {
  let byKeyboard = false;
  let changed = false;
  const send = (): void => {
    if (changed && form.reportValidity()) form.requestSubmit();
  };
  form.addEventListener('pointerdown', () => (byKeyboard = false));
  form.addEventListener('keydown', (event) => {
    byKeyboard = event.key !== 'Enter';
    if (event.key === 'Enter' && changed) {
      event.preventDefault();
      send();
    }
  });
  form.addEventListener('change', () => {
    changed = true;
    if (!byKeyboard) send();
  });
  form.addEventListener('focusout', send);
  form.classList.add('sends-itself');
}

for (const form of document.querySelectorAll<HTMLFormElement>('[data-part="picker"]')) {
  submitOnChoice(form);
}

const menu = document.querySelector<HTMLDetailsElement>('.nav .more > details');
menu?.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || !menu.open) return;
  menu.open = false;
  menu.querySelector('summary')?.focus();
});
document.addEventListener('pointerdown', (event) => {
  if (menu?.open && !menu.contains(event.target as Node)) menu.open = false;
});
