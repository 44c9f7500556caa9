/** What each part of a store's settings may hold, as it is typed in. */
import { z } from 'zod';
import { keepClasses } from './packs.ts';
import { inWords } from './words.ts';

export const methods = [
  'click-through',
  'sms-code',
  'email-code',
  'voucher',
  'member-card',
  'oidc',
  'staff',
] as const;
export type Method = (typeof methods)[number];
export const backgrounds = ['paper', 'tint', 'accent'] as const;
export const slots = ['pre_auth', 'landing', 'return'] as const;
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

const noControl = /^[^\p{Cc}\p{Cs}]*$/u;
export const line = (max: number): z.ZodString =>
  z.string().trim().min(1).max(max).regex(noControl, 'must not hold control characters');
/** Paragraphs are allowed: a wording may need them. */
export const text = (max: number): z.ZodString =>
  z
    .string()
    .overwrite((typed) => typed.replaceAll('\r\n', '\n').trim())
    .min(1)
    .max(max)
    .refine((typed) => noControl.test(typed.replaceAll('\n', '')), 'must be plain text');
export const colour = z.string().regex(/^#[0-9a-f]{6}$/i, 'must look like #0e6655');
export const host = z
  .string()
  .toLowerCase()
  .max(253)
  .regex(
    /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
    'must be a host name',
  );
const key = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be lower case letters, digits, dashes');
export const once = <T>(list: readonly T[]): boolean => new Set(list).size === list.length;

export const questionSchema = z.object({
  key: key.describe(
    'Names the answers in the guest list; keep it while the question stays the same.',
  ),
  label: inWords(line(160)).describe('The question.'),
  options: z
    .array(
      z.object({
        value: key.describe('What is stored.'),
        label: inWords(line(60)).describe('What the guest reads.'),
      }),
    )
    .max(8)
    .refine((list) => once(list.map((option) => option.value)), 'each value once')
    .describe('Answers to choose from; none means free text.'),
});

export const sessionSchema = z.object({
  minutes: z.number().int().min(5).max(10_080).describe('How long one sign-in lasts, minutes.'),
  upKbps: z.number().int().min(0).max(10_000_000).describe('Upload speed limit, kbit/s; 0 = none.'),
  downKbps: z
    .number()
    .int()
    .min(0)
    .max(10_000_000)
    .describe('Download speed limit, kbit/s; 0 = none.'),
  idleMinutes: z
    .number()
    .int()
    .min(0)
    .max(1440)
    .refine((minutes) => minutes === 0 || minutes >= 5, 'must be 0 or at least 5: phones sleep')
    .describe('Minutes of silence after which gateways that can end a session; 0 = never.'),
  upQuotaKB: z.number().int().min(0).max(1_000_000_000).describe('Upload quota, KB; 0 = none.'),
  downQuotaKB: z.number().int().min(0).max(1_000_000_000).describe('Download quota, KB; 0 = none.'),
});

export const policySchema = z.object({
  graceMinutes: z
    .number()
    .int()
    .min(0)
    .max(15)
    .describe(
      'Minutes online to fetch a code or sign in elsewhere; 0 = none. Without effect where the store’s pack asks for real names: nobody is online there before theirs is proved.',
    ),
  gracePerDay: z.number().int().min(1).max(10).describe('How often a day a device gets them.'),
  rememberDays: z
    .number()
    .int()
    .min(0)
    .max(365)
    .describe('Days a returning device gets in with one tap; 0 = asks each time.'),
});

/** Where a guest's browser is sent: https, except to a provider on this very machine. */
const issuer = z
  .url()
  .max(300)
  .refine((typed) => {
    // Refinements run also on what is no address.
    if (!URL.canParse(typed)) return false;
    const url = new URL(typed);
    const here = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
    const plain = url.username === '' && url.search === '' && url.hash === '';
    return plain && (url.protocol === 'https:' || (here && url.protocol === 'http:'));
  }, 'must be an https address without a query');

export const oidcSchema = z.object({
  id: key.describe('Names it; part of its return address. Keep it.'),
  name: line(40).describe('What the button says after “Continue with”.'),
  issuer: issuer.describe('Its address, as its own configuration names it.'),
  clientId: line(300).describe('Our name there.'),
  clientSecret: z
    .string()
    .min(1)
    .max(500)
    .regex(/^[\x20-\x7e]+$/, 'must be plain characters')
    .optional()
    .describe('Our secret there; write-only. Left out: the one that is kept stays.'),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,60}$/, 'must be a scope'))
    .max(10)
    .default(['openid', 'email', 'profile'])
    .describe('Scopes asked for; openid is always among them.'),
  realName: z
    .boolean()
    .default(false)
    .describe('It vouches for real names, as some countries ask of a way in.'),
});

export const houseSchema = z.object({
  headline: inWords(line(80)).describe('In large letters.'),
  body: z
    .object({
      en: text(300).optional().describe('In English.'),
      'zh-CN': text(300).optional().describe('In simplified Chinese.'),
      es: text(300).optional().describe('In Spanish.'),
      ar: text(300).optional().describe('In Arabic.'),
    })
    .default({})
    .describe('A few lines below it.'),
  link: z
    .url({ protocol: /^https$/ })
    .max(500)
    .optional()
    .describe('Where a press leads, https only.'),
});

const clock = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must look like 09:00; 24:00 is midnight');
const span = z
  .object({
    from: clock.describe('Opens, HH:MM.'),
    to: clock.describe('Closes, HH:MM; earlier than `from` means on the next day.'),
  })
  .refine(({ from, to }) => from !== to && from !== '24:00', 'must open before it closes');
const day = z.array(span).max(4);
export const hoursSchema = z.object({
  mon: day.describe('On Mondays; none means closed.'),
  tue: day.describe('On Tuesdays.'),
  wed: day.describe('On Wednesdays.'),
  thu: day.describe('On Thursdays.'),
  fri: day.describe('On Fridays.'),
  sat: day.describe('On Saturdays.'),
  sun: day.describe('On Sundays.'),
});

export const smsSchema = z.object({
  perDay: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .describe('Most text messages with codes a day: the spend breaker.'),
});

/** A number of days for each class of record; the pack says between which bounds. */
const days = z.number().int().min(1).max(3650);
export const retentionSchema = z.object({
  sessionsDays: days.describe('WiFi sessions, after they ended.'),
  visitsDays: days.describe('Visits, after they ended.'),
  guestsDays: days.describe('Guests who did not come back, with all they left.'),
  messagesDays: days.describe('Mail and texts to guests.'),
  codesDays: days.describe('One-time codes, which are kept as hashes only.'),
} satisfies Record<(typeof keepClasses)[number], z.ZodType>);

/** As uploaded; what is kept is drawn anew from its pixels. */
export const logoSchema = z.object({
  data: z
    .string()
    .max(400_000)
    .regex(/^[A-Za-z0-9+/]+={0,2}$/, 'must be base64')
    .describe('A PNG, base64, at most 300 kB.'),
  alt: line(120).describe('What it shows, for those who do not see it.'),
});
