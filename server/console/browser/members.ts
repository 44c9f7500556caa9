/** Member cards from a file: its text goes into the field, where one can look at it before it is sent. */

const field = document.querySelector<HTMLElement>('[data-part="file-field"]');
const input = document.querySelector<HTMLInputElement>('[data-part="file"]');
const text = document.querySelector<HTMLTextAreaElement>('#csv');

field?.removeAttribute('hidden');
input?.addEventListener('change', () => {
  const [file] = input.files ?? [];
  if (!file || !text) return;
  void file.text().then((words) => {
    text.value = words;
    text.focus();
  });
});
