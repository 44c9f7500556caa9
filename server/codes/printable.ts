/** Codes people read from paper and type: no look-alikes, no words, a check character. PURE but for the draw. */
import { randomInt } from 'node:crypto';

/**
 * 23 signs, no vowel but Y, and only one of each group that is mistaken for another in print or
 * handwriting. 23 is prime, so the weighted check sum finds every single wrong sign and every swap
 * of two signs. One sign carries 4.5 bits: ten of them, one being the check, 40 bits.
 */
const ALPHABET = '2345789CDFGHJKMNPRTVWXY';
const BASE = ALPHABET.length;

/** What people type for a sign they misread; the signs on the left are never printed. */
const LOOKS_LIKE: Record<string, string> = {
  '0': 'D',
  O: 'D',
  Q: 'D',
  '6': 'G',
  B: '8',
  S: '5',
  U: 'V',
  Z: '2',
};

const SHORTEST = 5;
/** Weights must stay below the base, or two places would weigh the same. */
const LONGEST = BASE - 1;

function checkSign(payload: string): string {
  let sum = 0;
  for (let i = 0; i < payload.length; i++) sum += (i + 2) * ALPHABET.indexOf(payload[i]!);
  return ALPHABET[(BASE - (sum % BASE)) % BASE]!;
}

/** A new code of `length` signs (5..22), the last being the check. `draw(n)` gives 0..n-1, unguessable. */
export function newPrintableCode(length = 10, draw: (below: number) => number = randomInt): string {
  if (!Number.isInteger(length) || length < SHORTEST || length > LONGEST) {
    throw new RangeError(`a printable code has ${SHORTEST} to ${LONGEST} signs`);
  }
  let payload = '';
  while (payload.length < length - 1) payload += ALPHABET[draw(BASE)]!;
  return payload + checkSign(payload);
}

/** What was meant by `typed`: case, gaps, dashes, wide forms and look-alikes forgiven; null for other signs. */
function plainSigns(typed: string): string | null {
  if (typed.length > 100) return null;
  const plain = typed
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s\p{Pd}_.]/gu, '')
    .replace(/[06BOQSUZ]/g, (sign) => LOOKS_LIKE[sign]!);
  for (const sign of plain) if (!ALPHABET.includes(sign)) return null;
  return plain;
}

/** The code that was meant, or null when it cannot be one. */
export function parsePrintableCode(typed: string): string | null {
  const plain = plainSigns(typed);
  if (plain === null || plain.length < SHORTEST || plain.length > LONGEST) return null;
  return checkSign(plain.slice(0, -1)) === plain.at(-1) ? plain : null;
}

/** Signs of the same alphabet without a check: all of them chance. */
export function newSigns(length: number, draw: (below: number) => number = randomInt): string {
  return Array.from({ length }, () => ALPHABET[draw(BASE)]!).join('');
}

/** What was meant by `typed`, or null when that is not `length` of our signs. */
export function parseSigns(typed: string, length: number): string | null {
  const plain = plainSigns(typed);
  return plain?.length === length ? plain : null;
}

/** As printed: in groups of four or five with dashes. */
export function formatPrintableCode(code: string): string {
  const size = code.length % 4 === 0 ? 4 : 5;
  return code.match(new RegExp(`.{1,${size}}`, 'g'))?.join('-') ?? code;
}
