/** PURE. Contrast by WCAG 2.2, and a merchant's accent made readable. */

/** `#rrggbb` → relative luminance, 0..1. */
export function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** WCAG contrast ratio of two colours, 1..21. */
export function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

export const readable = 4.5;
const white = '#ffffff';
const ink = '#15171a';

export interface AccentPair {
  accent: string;
  /** Text upon the accent; their contrast is at least 4.5. */
  onAccent: string;
  /** Whether the accent had to be darkened to get there. */
  corrected: boolean;
}

/**
 * White text where it is readable, else ink. Between the two lies a narrow band of middle tones that
 * carries neither: those are darkened, one step in a hundred at a time, until white can be read.
 */
export function readableAccent(wanted: string): AccentPair {
  const accent = wanted.toLowerCase();
  if (contrast(accent, white) >= readable) return { accent, onAccent: white, corrected: false };
  if (contrast(accent, ink) >= readable) return { accent, onAccent: ink, corrected: false };
  for (let step = 99; step > 0; step -= 1) {
    const darker = hex(channels(accent).map((value) => Math.round((value * step) / 100)));
    if (contrast(darker, white) >= readable) {
      return { accent: darker, onAccent: white, corrected: true };
    }
  }
  return { accent: ink, onAccent: white, corrected: true };
}

function channels(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

function hex(values: number[]): string {
  return `#${values.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}
