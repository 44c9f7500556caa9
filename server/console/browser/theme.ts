/** The accent colour of the portal's settings: shows at once how readable text on it will be. */

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

const input = document.querySelector<HTMLInputElement>('#accent');
const swatch = document.querySelector<HTMLElement>('[data-part="swatch"]');
const words = document.querySelector<HTMLElement>('[data-part="contrast"]');

function show(): void {
  if (!input || !swatch || !words) return;
  const text = contrast(input.value, white) >= enough ? white : ink;
  const ratio = contrast(input.value, text);
  swatch.style.background = input.value;
  swatch.style.color = text;
  const sentence = ratio >= enough ? words.dataset['fine'] : words.dataset['corrected'];
  // Below the threshold the server darkens the colour until white text reaches it.
  words.textContent = (sentence ?? '').replace('{ratio}', Math.max(ratio, enough).toFixed(1));
}

input?.addEventListener('input', show);
