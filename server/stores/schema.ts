/** A store's settings: what they may hold, what they are when nothing was said, and what saving them corrects. */
import { z } from 'zod';
import { readableAccent } from './colour.ts';
import { inWords, languages } from './words.ts';
import type { Language, Text } from './words.ts';
import { defaultWordings } from './wordings.ts';
import type { Wording } from './wordings.ts';

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

const noControl = /^[^\p{Cc}\p{Cs}]*$/u;
const line = (max: number): z.ZodString =>
  z.string().trim().min(1).max(max).regex(noControl, 'must not hold control characters');
/** Paragraphs are allowed: a wording may need them. */
const text = (max: number): z.ZodString =>
  z
    .string()
    .overwrite((typed) => typed.replaceAll('\r\n', '\n').trim())
    .min(1)
    .max(max)
    .refine((typed) => noControl.test(typed.replaceAll('\n', '')), 'must be plain text');
const colour = z.string().regex(/^#[0-9a-f]{6}$/i, 'must look like #0e6655');
const host = z
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
    .refine(
      (list) => new Set(list.map((option) => option.value)).size === list.length,
      'each value once',
    )
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
  upQuotaKB: z.number().int().min(0).max(1_000_000_000).describe('Upload quota, KB; 0 = none.'),
  downQuotaKB: z.number().int().min(0).max(1_000_000_000).describe('Download quota, KB; 0 = none.'),
});

/** What may be changed; anything left out stays as it is. */
export const settingsChange = z.object({
  defaultLanguage: z.enum(languages).optional().describe('Language when the guest’s is neither.'),
  methods: z
    .array(z.enum(methods))
    .min(1)
    .max(methods.length)
    .refine((list) => new Set(list).size === list.length, 'each method once')
    .optional()
    .describe('Ways to prove oneself, in the order they are offered.'),
  accent: colour
    .optional()
    .describe('Accent colour, #rrggbb; darkened if no text is readable on it.'),
  promise: z
    .object({
      en: line(120).optional().describe('In English.'),
      'zh-CN': line(120).optional().describe('In simplified Chinese.'),
      es: line(120).optional().describe('In Spanish.'),
      ar: line(120).optional().describe('In Arabic.'),
    })
    .optional()
    .describe('One line under the shop’s name on the portal.'),
  wordings: z
    .object({
      access: inWords(text(4000)).optional().describe('Terms of access.'),
      marketing: inWords(text(1000)).optional().describe('Offers on this page and in the app.'),
      'marketing-email': inWords(text(1000)).optional().describe('Offers by mail.'),
      'marketing-sms': inWords(text(1000)).optional().describe('Offers by text message.'),
      analytics: inWords(text(1000)).optional().describe('Own visits used for statistics.'),
      profiling: inWords(text(1000)).optional().describe('A profile used to choose offers.'),
    })
    .optional()
    .describe('Texts guests agree to; an edit makes a new version.'),
  question: questionSchema
    .nullable()
    .optional()
    .describe('The one optional question; null asks none.'),
  landingHosts: z.array(host).max(20).optional().describe('Hosts a guest may be sent on to.'),
  venueUrl: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .nullable()
    .optional()
    .describe('Page about the venue that phones show beside the network (RFC 8908).'),
  session: sessionSchema.partial().optional().describe('Limits of one admission.'),
  countries: z
    .array(z.string().regex(/^[A-Z]{2}$/, 'must be a country code such as DE'))
    .max(60)
    .optional()
    .describe('Countries whose numbers get codes by SMS; none means the store’s own only.'),
});
export type SettingsChange = z.output<typeof settingsChange>;

export interface StoreSettings {
  defaultLanguage: Language;
  methods: Method[];
  theme: { accent: string; onAccent: string; promise: Partial<Text> };
  wordings: Wording[];
  question: z.output<typeof questionSchema> | null;
  landingHosts: string[];
  venueUrl: string | null;
  /** Minutes, kbit/s, KB; 0 = unlimited. */
  session: z.output<typeof sessionSchema>;
  /** ISO 3166-1 alpha-2; empty = the store's own country. */
  countries: string[];
}

export function defaultSettings(): StoreSettings {
  return {
    defaultLanguage: 'en',
    methods: ['click-through'],
    theme: { accent: '#0e6655', onAccent: '#ffffff', promise: {} },
    wordings: defaultWordings.map((wording) => ({ ...wording, text: { ...wording.text } })),
    question: null,
    landingHosts: [],
    venueUrl: null,
    session: { minutes: 240, upKbps: 0, downKbps: 0, upQuotaKB: 0, downQuotaKB: 0 },
    countries: [],
  };
}

/** PURE. What is stored, with defaults for what is not: rows older than a setting stay readable. */
export function readSettings(stored: unknown): StoreSettings {
  const own = (stored ?? {}) as Partial<StoreSettings>;
  const usual = defaultSettings();
  return {
    ...usual,
    ...own,
    theme: { ...usual.theme, ...own.theme },
    session: { ...usual.session, ...own.session },
    wordings: usual.wordings.map(
      (wording) => own.wordings?.find((one) => one.purpose === wording.purpose) ?? wording,
    ),
  };
}

/** PURE. The settings after a change: accent made readable, edited wordings under a new version. */
export function applyChange(current: StoreSettings, change: SettingsChange): StoreSettings {
  const theme = { ...current.theme };
  if (change.accent !== undefined) {
    const pair = readableAccent(change.accent);
    theme.accent = pair.accent;
    theme.onAccent = pair.onAccent;
  }
  if (change.promise !== undefined) theme.promise = given(change.promise);
  return {
    defaultLanguage: change.defaultLanguage ?? current.defaultLanguage,
    methods: change.methods ?? current.methods,
    theme,
    wordings: current.wordings.map((wording) =>
      reworded(wording, change.wordings?.[wording.purpose]),
    ),
    question: change.question === undefined ? current.question : change.question,
    landingHosts: change.landingHosts ?? current.landingHosts,
    venueUrl: change.venueUrl === undefined ? current.venueUrl : change.venueUrl,
    session: { ...current.session, ...given(change.session ?? {}) },
    countries: change.countries ?? current.countries,
  };
}

function reworded(wording: Wording, text: Wording['text'] | undefined): Wording {
  if (!text) return wording;
  const same = languages.every((language) => wording.text[language] === text[language]);
  return same ? wording : { ...wording, version: nextVersion(wording.version), text };
}

/** `standard-1` → `own-1` → `own-2`: never a version that stood for another text. */
function nextVersion(version: string): string {
  return `own-${Number(/^own-(\d+)$/.exec(version)?.[1] ?? 0) + 1}`;
}

function given<T extends object>(part: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(part).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

export const slugText = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{1,62}$/, 'must be 2 to 63 lower case letters, digits or dashes')
  // /p/assets is where the portal keeps its own files.
  .refine((slug) => slug !== 'assets', 'is taken by the portal itself');
export const zoneText = z
  .string()
  .max(60)
  .refine((zone) => isZone(zone), 'must be a time zone such as Europe/Berlin');
export const countryText = z.string().regex(/^[A-Z]{2}$/, 'must be a country code such as DE');
export const nameText = line(120);

/** PURE. Whether both Intl and PostgreSQL will know it: a region and a place, or UTC. */
export function isZone(zone: string): boolean {
  if (zone !== 'UTC' && !/^[A-Za-z_]+\/[A-Za-z0-9_+/-]+$/.test(zone)) return false;
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }));
  } catch {
    return false;
  }
}
