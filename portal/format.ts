/** PURE. Times, addresses and codes as a guest reads them. */
import QRCode from 'qrcode';
import type { Language, OfferCard } from './ports.ts';

const DAY_MS = 86_400_000;

/** Hour and minute where the shop is, rounded up, so that nobody comes too early. */
export function clockTime(at: number, language: Language, timezone: string): string {
  const minute = Math.ceil(at / 60_000) * 60_000;
  return new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: timezone,
  }).format(minute);
}

/** A day for what is far off, a day and time for what ends within two days. */
export function deadline(at: number, now: number, language: Language, timezone: string): string {
  const near = at - now < 2 * DAY_MS;
  const form = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
    day: 'numeric',
    month: 'long',
    timeZone: timezone,
    ...(near ? { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } : {}),
  });
  return form.format(at);
}

/** Enough to recognise one's own address, too little to learn another's. */
export function masked(address: string): string {
  const at = address.lastIndexOf('@');
  if (at > 0) return `${address.slice(0, 1)}•••${address.slice(at)}`;
  return `${address.slice(0, 3)} •••• ${address.slice(-4)}`;
}

/** The code as a QR: dark on white in either theme, because tills read no other. */
function qrSvg(code: string, label: string): string {
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

export function offerView(
  card: OfferCard,
  now: number,
  language: Language,
  timezone: string,
  label: string,
) {
  const code = card.code.slice(0, 100);
  return {
    ...card,
    until: deadline(card.validUntil, now, language, timezone),
    qr: qrSvg(code, label),
  };
}
