/** PURE. Dates, amounts and states as a guest reads them on their own page. */
import type { Language, Purpose } from '../ports-store.ts';
import type { SelfConsent, SelfRecord, SelfVoucher } from '../ports-self.ts';
import type { Translate } from '../texts.ts';
import { directionOf, worded } from '../texts.ts';

/**
 * Arabic reads dates by their figures (2026-11-22 09:32): set between isolates within a sentence, those
 * alone keep their order.
 */
function localeOf(language: Language): string {
  if (language === 'en') return 'en-GB';
  return language === 'ar' ? 'sv-SE' : language;
}

export function dayOf(at: number, language: Language, timezone: string): string {
  const dateStyle = language === 'ar' ? 'short' : 'long';
  return new Intl.DateTimeFormat(localeOf(language), { dateStyle, timeZone: timezone }).format(at);
}

function momentOf(at: number, language: Language, timezone: string): string {
  return new Intl.DateTimeFormat(localeOf(language), {
    dateStyle: language === 'ar' ? 'short' : 'medium',
    timeStyle: 'short',
    hourCycle: 'h23',
    timeZone: timezone,
  }).format(at);
}

export function megabytes(bytes: number, language: Language): string {
  const locale = language === 'ar' ? 'en-GB' : localeOf(language);
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: 'megabyte',
    maximumFractionDigits: 1,
  }).format(bytes / 1_000_000);
}

/** Written out, so that a key nobody uses can be found by looking. */
const PURPOSE: Record<Purpose, string> = {
  access: 'self.purpose.access',
  marketing: 'self.purpose.marketing',
  'marketing-email': 'self.purpose.marketing-email',
  'marketing-sms': 'self.purpose.marketing-sms',
  analytics: 'self.purpose.analytics',
  profiling: 'self.purpose.profiling',
};
const VOUCHER: Record<SelfVoucher['state'], string> = {
  open: 'self.voucher.open',
  used: 'self.voucher.used',
  over: 'self.voucher.over',
};

function standing(consent: SelfConsent, t: Translate, time: string): string {
  if (consent.granted) return t('self.consent.agreed', { time });
  if (consent.awaiting === true) return t('self.consent.awaiting');
  return consent.at === undefined ? t('self.consent.never') : t('self.consent.refused', { time });
}

function consentView(
  consent: SelfConsent,
  record: SelfRecord,
  t: Translate,
  language: Language,
  timezone: string,
) {
  const time = consent.at === undefined ? '' : momentOf(consent.at, language, timezone);
  const asksAge = record.ageAsked;
  return {
    ...consent,
    title: t(PURPOSE[consent.purpose]),
    dir: directionOf(consent.language),
    standing: standing(consent, t, time),
    agree:
      asksAge === undefined
        ? t('self.consent.agree')
        : t('self.consent.agree-age', { age: asksAge }),
    overAge: asksAge !== undefined,
  };
}

/** Everything on the page, in words. */
export function recordView(record: SelfRecord, t: Translate, language: Language, timezone: string) {
  const moment = (at: number) => momentOf(at, language, timezone);
  const day = (at: number) => dayOf(at, language, timezone);
  return {
    limited: record.limited,
    who: [
      { label: t('self.you.name'), value: record.name },
      { label: t('self.you.phone'), value: record.phone, ltr: true },
      { label: t('self.you.email'), value: record.email, ltr: true },
      { label: t('self.you.since'), value: day(record.since) },
      { label: t('self.you.seen'), value: moment(record.lastSeen) },
    ],
    consents: record.consents.map((consent) => consentView(consent, record, t, language, timezone)),
    counts: { sessions: record.sessionCount, visits: record.visitCount },
    sessions: record.sessions.map((session) => ({
      store: session.store,
      when: moment(session.from),
      until: session.until === undefined ? t('self.session.now') : moment(session.until),
      data: megabytes(session.bytesIn + session.bytesOut, language),
    })),
    vouchers: record.vouchers.map((voucher) => ({
      ...voucher,
      state: t(VOUCHER[voucher.state]),
      until: day(voucher.validUntil),
    })),
    answers: record.answers.map((answer) => ({
      label: answer.label ? worded(answer.label, language).text : answer.key,
      value: answerText(answer, language) ?? t('self.answer.waved'),
    })),
    devices: record.devices.map((device) => ({
      name:
        device.kind === 'wifi'
          ? t('self.device.wifi', { store: device.name })
          : t('self.device.app', { name: device.name }),
      since: day(device.since),
    })),
    logDays: record.logDays,
  };
}

function answerText(answer: SelfRecord['answers'][number], language: Language): string | null {
  const chosen = answer.options.find((option) => option.value === answer.value);
  return chosen ? worded(chosen.label, language).text : answer.value;
}
