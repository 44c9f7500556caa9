/** PURE. Times, addresses and codes as a guest reads them. */
import QRCode from 'qrcode';
import type { Language, StoreView } from './ports-store.ts';
import type { OfferCard } from './ports.ts';
import type { Translate } from './texts.ts';

const DAY_MS = 86_400_000;

/** Where a language alone leaves the digits open, they are those of the codes a guest types: 0 to 9. */
const LOCALE: Record<Language, string> = {
  en: 'en-GB',
  'zh-CN': 'zh-CN',
  es: 'es',
  ar: 'ar-u-nu-latn',
};

const HOUR_AND_MINUTE = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
/** Making one costs more than a page; shops have a few hundred places and languages between them. */
const clocks = new Map<string, Intl.DateTimeFormat>();
const MOST_CLOCKS = 500;

function clockOf(language: Language, timeZone: string): Intl.DateTimeFormat {
  const name = `${language} ${timeZone}`;
  const known = clocks.get(name);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat(LOCALE[language], { ...HOUR_AND_MINUTE, timeZone });
  if (clocks.size >= MOST_CLOCKS) clocks.clear();
  clocks.set(name, made);
  return made;
}

/** Hour and minute where the shop is, rounded up, so that nobody comes too early. */
export function clockTime(at: number, language: Language, timezone: string): string {
  const minute = Math.ceil(at / 60_000) * 60_000;
  return clockOf(language, timezone).format(minute);
}

/** A day for what is far off, a day and time for what ends within two days. */
export function deadline(at: number, now: number, language: Language, timezone: string): string {
  const near = at - now < 2 * DAY_MS;
  const form = new Intl.DateTimeFormat(LOCALE[language], {
    day: 'numeric',
    month: 'long',
    timeZone: timezone,
    ...(near ? HOUR_AND_MINUTE : {}),
  });
  return form.format(at);
}

/** Enough to recognise one's own address, too little to learn another's. */
export function masked(address: string): string {
  const at = address.lastIndexOf('@');
  if (at > 0) return `${address.slice(0, 1)}•••${address.slice(at)}`;
  // Of the countries' codes only 1 and 7 have one digit.
  const shown = /^\+[17]/.test(address) ? 2 : 3;
  return `${address.slice(0, shown)} •••• ${address.slice(-4)}`;
}

/** The code as a QR: dark on white in either theme, because tills read no other. */
export function qrSvg(code: string, label: string): string {
  const { modules } = QRCode.create(code, { errorCorrectionLevel: 'M' });
  const quiet = 3;
  const size = modules.size + 2 * quiet;
  let path = '';
  for (let row = 0; row < modules.size; row++)
    for (let column = 0; column < modules.size; column++)
      if (modules.get(row, column)) path += `M${column + quiet} ${row + quiet}h1v1h-1z`;
  const name = label.replaceAll(/[<>&"]/g, '');
  return `<svg viewBox="0 0 ${size} ${size}" role="img" aria-label="${name}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${path}"/></svg>`;
}

/** A card as the page shows it. */
export function offerViewOf(
  card: OfferCard,
  { timezone }: StoreView,
  language: Language,
  t: Translate,
  now: number,
) {
  const code = card.code.slice(0, 100);
  return {
    ...card,
    until: deadline(card.validUntil, now, language, timezone),
    qr: qrSvg(code, t('offer.qr', { code })),
  };
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** When the WiFi opens next by its hours, as a guest says it; null when they do not tell. */
export function nextOpening(store: StoreView, now: number, language: Language): string | null {
  const { hours, timezone } = store;
  if (hours === undefined) return null;
  const wall = new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: timezone,
  });
  for (let ahead = 0; ahead <= 7; ahead++) {
    const at = now + ahead * DAY_MS;
    const parts = Object.fromEntries(
      wall.formatToParts(at).map(({ type, value }) => [type, value]),
    );
    const day = DAYS.find((name) => name === parts['weekday']?.toLowerCase());
    const clock = ahead === 0 ? `${parts['hour']}:${parts['minute']}` : '';
    const next = (day === undefined ? [] : hours[day]).map(({ from }) => from).toSorted();
    const from = next.find((time) => time > clock);
    if (from === undefined) continue;
    if (ahead === 0) return from;
    const name = new Intl.DateTimeFormat(LOCALE[language], { weekday: 'long', timeZone: timezone });
    return `${name.format(at)} ${from}`;
  }
  return null;
}
