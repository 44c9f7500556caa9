/** Phone numbers and mail addresses as people type them, into the one form they are kept in. PURE. */
import { domainToASCII } from 'node:url';
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';

const LONGEST_NUMBER = 40;
const LONGEST_MAIL = 320;

/** A number that exists in its country's plan; without + it is read as one of `country`. */
function parsePhone(typed: string, country: string) {
  if (typed.length > LONGEST_NUMBER) return null;
  const text = typed.normalize('NFKC').trim();
  const home = isSupportedCountry(country) ? country : undefined;
  const number = parsePhoneNumberFromString(text, {
    ...(home ? { defaultCountry: home } : {}),
    extract: false,
  });
  return number?.isValid() === true && number.ext === undefined ? number : null;
}

/** E.164, or null when it cannot be a phone number. */
export function normalisePhone(typed: string, country: string): string | null {
  return parsePhone(typed, country)?.number ?? null;
}

/** Kinds of number that cost what a text costs; premium, shared-cost and the like do not. */
const TEXTABLE = new Set(['MOBILE', 'FIXED_LINE_OR_MOBILE']);

/** Where a text goes: the country, and the range of numbers it is counted in. */
export interface TextTarget {
  /** ISO 3166-1 alpha-2. */
  country: string;
  /** `+`, the country's code and the next three digits: a range of ten thousands of numbers or more. */
  prefix: string;
}

const RANGE_DIGITS = 3;

/** The target of a number that takes texts at an ordinary price, else null. */
export function textTarget(e164: string): TextTarget | null {
  const number = parsePhone(e164, '');
  const type = number?.getType();
  if (number?.country === undefined || type === undefined || !TEXTABLE.has(type)) return null;
  const range = number.nationalNumber.slice(0, RANGE_DIGITS);
  return { country: number.country, prefix: `+${number.countryCallingCode}${range}` };
}

const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

/** Lower case with the domain in its ASCII form, or null when it cannot be delivered to (RFC 5321 lengths). */
export function normaliseEmail(typed: string): string | null {
  if (typed.length > LONGEST_MAIL) return null;
  const text = typed.normalize('NFKC').trim().toLowerCase();
  const at = text.lastIndexOf('@');
  if (at < 1) return null;
  const local = text.slice(0, at);
  const domain = domainToASCII(text.slice(at + 1));
  const fits = local.length <= 64 && local.length + 1 + domain.length <= 254;
  return fits && LOCAL.test(local) && DOMAIN.test(domain) ? `${local}@${domain}` : null;
}
