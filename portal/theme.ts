/** PURE. A merchant's look as data: two colours, a ground, a logo; never a template and never free style. */
import { createHash } from 'node:crypto';
import type { StoreView, Theme } from './ports-store.ts';

const COLOUR = /^#[0-9a-f]{6}$/i;
const FALLBACK = { accent: '#1f5fbf', onAccent: '#ffffff' };
/** The papers and the dark card of portal.css, upon which a tint is mixed; a light card stays white. */
const PAPER = { light: '#fbfaf8', dark: '#151517', darkCard: '#1f1f23' };
/** So thin that ink and soft ink keep their contrast upon any tint. */
const TINT = { light: 0.07, dark: 0.1 };

const octets = (colour: string) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

function mixed(colour: string, ground: string, share: number): string {
  const under = octets(ground);
  const parts = octets(colour).map((part, at) =>
    Math.round(part * share + (under[at] ?? 0) * (1 - share)),
  );
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** Anything but two plain colours falls back to ours. */
export function themeCss(theme: Theme | undefined): string {
  const fine = theme !== undefined && COLOUR.test(theme.accent) && COLOUR.test(theme.onAccent);
  const { accent, onAccent } = fine ? theme : FALLBACK;
  const colours = `:root{--accent:${accent};--on-accent:${onAccent}}`;
  if (!fine || theme.background !== 'tint') return colours;
  const light = mixed(accent, PAPER.light, TINT.light);
  const dark = mixed(accent, PAPER.dark, TINT.dark);
  const card = mixed(accent, PAPER.darkCard, TINT.dark);
  return (
    `${colours}:root{--paper:${light}}` +
    `@media (prefers-color-scheme:dark){:root{--paper:${dark};--card:${card}}}`
  );
}

export interface Logo {
  src: string;
  width: number;
  height: number;
  alt: string;
  /** So wide that it says the shop's name itself. */
  wordmark: boolean;
}

/** Up to here a logo travels in the page; a larger one would cost every page its quick start. */
const MAX_INLINE = 3_000;
const BOX = { width: 160, height: 40 };
const MAX_LOGO = 200_000;

export function logoVersion(data: string): string {
  return createHash('sha256').update(data).digest('base64url').slice(0, 12);
}

/** Drawn in the header's box with its own proportions. */
export function logoOf(store: StoreView | null): Logo | null {
  const logo = store?.theme.logo;
  if (store === null || logo === undefined) return null;
  const { data, width, height, alt } = logo;
  const fine = /^[A-Za-z0-9+/]+=*$/.test(data) && data.length <= MAX_LOGO;
  if (!fine || !(width > 0) || !(height > 0)) return null;
  const scale = Math.min(BOX.width / width, BOX.height / height);
  const src =
    data.length <= MAX_INLINE
      ? `data:image/png;base64,${data}`
      : `/p/${encodeURIComponent(store.slug)}/logo.png?v=${logoVersion(data)}`;
  return {
    src,
    alt,
    width: Math.round(width * scale),
    height: Math.round(height * scale),
    wordmark: width / height > 2.2,
  };
}
