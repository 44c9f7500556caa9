/** The look of the portal: contrast as the colour is chosen, any picture made a small PNG, the preview kept up to date. */

const enough = 4.5;
const white = '#ffffff';
const ink = '#15171a';

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const part = <T extends HTMLElement>(name: string): T | null =>
  document.querySelector<T>(`[data-part="${name}"]`);

const form = part<HTMLFormElement>('look');
const accent = document.querySelector<HTMLInputElement>('#accent');

function showContrast(): void {
  const [swatch, words] = [part('swatch'), part('contrast')];
  if (!accent || !swatch || !words) return;
  const text = contrast(accent.value, white) >= enough ? white : ink;
  const ratio = contrast(accent.value, text);
  swatch.style.background = accent.value;
  swatch.style.color = text;
  const sentence = ratio >= enough ? words.dataset['fine'] : words.dataset['corrected'];
  // Below the threshold the server darkens the colour until white text reaches it.
  words.textContent = (sentence ?? '').replace('{ratio}', Math.max(ratio, enough).toFixed(1));
}

/** Twice the CSS pixels at which a logo is drawn, then smaller while the file is too large. */
const boxes = [
  [480, 160],
  [360, 120],
  [240, 80],
  [144, 48],
] as const;
// The server draws it anew and takes at most 60 kB of what its own encoder makes of it.
const mostBytes = 45_000;

function drawn(picture: ImageBitmap, [width, height]: readonly [number, number]): Promise<Blob> {
  const scale = Math.min(1, width / picture.width, height / picture.height);
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture'))), 'image/png');
  });
}

function base64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => {
      const { result } = reader;
      resolve(typeof result === 'string' ? (result.split(',')[1] ?? '') : '');
    });
    reader.addEventListener('error', () => reject(new Error('not readable')));
    reader.readAsDataURL(blob);
  });
}

async function asLogo(file: File): Promise<{ data: string; width: number; height: number }> {
  const picture = await createImageBitmap(file);
  for (const box of boxes) {
    const blob = await drawn(picture, box);
    if (blob.size > mostBytes) continue;
    const { width, height } = await createImageBitmap(blob);
    return { data: await base64(blob), width, height };
  }
  throw new Error('too much detail');
}

async function takeLogo(input: HTMLInputElement): Promise<void> {
  const [hidden, said] = [part<HTMLInputElement>('logo'), part('logo-said')];
  const [file] = input.files ?? [];
  if (!file || !hidden || !said) return;
  try {
    const { data, width, height } = await asLogo(file);
    hidden.value = data;
    const words = said.dataset['ready'] ?? '';
    said.textContent = words.replace('{width}', String(width)).replace('{height}', String(height));
    const remove = form?.querySelector<HTMLInputElement>('[name="logo-remove"]');
    if (remove) remove.checked = false;
  } catch {
    hidden.value = '';
    input.value = '';
    said.textContent = said.dataset['refused'] ?? '';
  }
  refresh();
}

let turn = 0;

/** Loads behind the page that is shown and then takes its place: no flash, nothing for the Back button. */
function refresh(): void {
  const [phone, button] = [part('phone'), part<HTMLButtonElement>('show')];
  const shown = phone?.querySelector('iframe:not([hidden])');
  if (!form || !phone || !button || !shown) return;
  turn += 1;
  const mine = turn;
  const next = shown.cloneNode() as HTMLIFrameElement;
  next.removeAttribute('src');
  next.name = `preview-${turn}`;
  next.hidden = true;
  phone.append(next);
  next.addEventListener('load', () => {
    if (mine !== turn) next.remove();
    else {
      for (const old of phone.querySelectorAll('iframe')) if (old !== next) old.remove();
      next.hidden = false;
    }
  });
  button.formTarget = next.name;
  form.requestSubmit(button);
}

let waiting: ReturnType<typeof setTimeout> | undefined;

function refreshSoon(): void {
  clearTimeout(waiting);
  waiting = setTimeout(refresh, 250);
}

accent?.addEventListener('input', showContrast);
part('logo-choice')?.removeAttribute('hidden');
part('logo-plain')?.setAttribute('hidden', '');
part('show')?.setAttribute('hidden', '');
const logoFile = part<HTMLInputElement>('logo-file');
logoFile?.addEventListener('change', () => void takeLogo(logoFile));
form?.addEventListener('input', (event) => {
  if (event.target !== logoFile) refreshSoon();
});
// A form that came back with a fault shows what was typed, not what is kept.
if (form?.querySelector('[aria-invalid], .wrong')) refresh();
