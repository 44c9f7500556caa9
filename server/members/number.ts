/** PURE but for the draw. Card numbers as people type them, numbers of our own with a check digit, and what goes with them. */
import { randomInt } from 'node:crypto';

const LONGEST_TYPED = 80;
const DIGITS = 12;
const PIN_DIGITS = 6;

type Draw = (below: number) => number;

/** Upper-case letters and digits, 3 to 32 of them: case, gaps, dashes, dots and wide forms forgiven. */
export function cardNumber(typed: string): string | null {
  if (typed.length > LONGEST_TYPED) return null;
  const plain = typed
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s\p{Pd}_./]/gu, '');
  return /^[0-9A-Z]{3,32}$/.test(plain) ? plain : null;
}

/** ISO 7064 MOD 11,10: finds every single wrong digit and nearly every swap of two. */
export function checkDigit(digits: string): string {
  let product = 10;
  for (const digit of digits) {
    const sum = (product + Number(digit)) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return String((11 - product) % 10);
}

/** A number of our own: twelve digits, the last one the check, drawn so that none tells of another. */
export function newCardNumber(draw: Draw = randomInt): string {
  let digits = String(1 + draw(9));
  while (digits.length < DIGITS - 1) digits += String(draw(10));
  return digits + checkDigit(digits);
}

export function newPin(draw: Draw = randomInt): string {
  let pin = '';
  while (pin.length < PIN_DIGITS) pin += String(draw(10));
  return pin;
}

const plainDigits = (typed: string): string =>
  typed
    .slice(0, LONGEST_TYPED)
    .normalize('NFKC')
    .replace(/[\s\p{Pd}./()]/gu, '');

/** What is typed beside the number: a PIN of 4 to 8 digits or the last four of a phone; null for anything else. */
export function factorDigits(typed: string): string | null {
  const digits = plainDigits(typed);
  return /^\d{4,8}$/.test(digits) ? digits : null;
}

/** The last four digits of a phone number, however it is written. */
export function lastFour(phone: string): string | null {
  const digits = plainDigits(phone).replace(/^\+/, '');
  return /^\d{4,15}$/.test(digits) ? digits.slice(-4) : null;
}
