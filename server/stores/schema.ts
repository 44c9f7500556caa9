/** A store's settings: what may be changed in them, and how the plain facts of a store are written. */
import { z } from 'zod';
import { packs } from './packs.ts';
import {
  backgrounds,
  colour,
  host,
  hoursSchema,
  houseSchema,
  line,
  logoSchema,
  methods,
  oidcSchema,
  once,
  policySchema,
  questionSchema,
  retentionSchema,
  sessionSchema,
  smsSchema,
  text,
} from './settings-parts.ts';
import { inWords, languages } from './words.ts';
import { purposes } from './wordings.ts';

const country = z.string().regex(/^[A-Z]{2}$/, 'must be a country code such as DE');

/** A wording in each language; an empty one in Spanish or Arabic takes that language away. */
function wording(max: number) {
  const words = text(max);
  const orNone = words.or(z.literal('')).optional();
  return inWords(words).extend({
    es: orNone.describe('In Spanish; English is shown where it is empty.'),
    ar: orNone.describe('In Arabic; English is shown where it is empty.'),
  });
}

const wordingsChange = z.object({
  access: wording(4000).optional().describe('Terms of access.'),
  marketing: wording(1000).optional().describe('Offers on this page and in the app.'),
  'marketing-email': wording(1000).optional().describe('Offers by mail.'),
  'marketing-sms': wording(1000).optional().describe('Offers by text message.'),
  analytics: wording(1000).optional().describe('Own visits used for statistics.'),
  profiling: wording(1000).optional().describe('A profile used to choose offers.'),
});

/** What may be changed; anything left out stays as it is. */
export const settingsChange = z.object({
  defaultLanguage: z.enum(languages).optional().describe('Language when the guest’s is neither.'),
  languages: z
    .array(z.enum(languages))
    .min(1)
    .max(languages.length)
    .refine(once, 'each language once')
    .optional()
    .describe('Languages the switch on the page offers.'),
  methods: z
    .array(z.enum(methods))
    .min(1)
    .max(methods.length)
    .refine(once, 'each method once')
    .optional()
    .describe('Ways to prove oneself, in the order they are offered.'),
  policy: policySchema.partial().optional().describe('How the ways in behave.'),
  oidc: z
    .array(oidcSchema)
    .max(5)
    .refine((list) => once(list.map((one) => one.id)), 'each provider once')
    .optional()
    .describe('Providers guests may sign in with; replaces the list.'),
  accent: colour
    .optional()
    .describe('Accent colour, #rrggbb; darkened if no text is readable on it.'),
  background: z.enum(backgrounds).optional().describe('What stands behind the page.'),
  logo: logoSchema
    .nullable()
    .optional()
    .describe('Shown instead of the initial; null takes it off.'),
  promise: z
    .object({
      en: line(120).optional().describe('In English.'),
      'zh-CN': line(120).optional().describe('In simplified Chinese.'),
      es: line(120).optional().describe('In Spanish.'),
      ar: line(120).optional().describe('In Arabic.'),
    })
    .optional()
    .describe('One line under the shop’s name on the portal.'),
  wordings: wordingsChange
    .optional()
    .describe('Texts guests agree to; an edit makes a new version.'),
  purposes: z
    .array(z.enum(purposes).exclude(['access']))
    .max(5)
    .refine(once, 'each purpose once')
    .nullable()
    .optional()
    .describe('What guests are asked for beside the terms; null asks what the pack usually asks.'),
  questions: z
    .array(questionSchema)
    .max(5)
    .refine((list) => once(list.map((one) => one.key)), 'each question once')
    .optional()
    .describe('Optional questions in the order they are asked, one a visit.'),
  question: questionSchema
    .nullable()
    .optional()
    .describe('The first optional question alone; null asks none. `questions` says it all.'),
  ageGate: z
    .number()
    .int()
    .min(10)
    .max(21)
    .nullable()
    .optional()
    .describe('Years below which a guest is asked for nothing but the terms; null asks nobody.'),
  pack: z
    .enum(packs)
    .nullable()
    .optional()
    .describe('Whose law the store follows; null takes it from the country.'),
  doubleOptIn: z
    .boolean()
    .nullable()
    .optional()
    .describe('Offers by mail count once a mailed link was confirmed; null does as the pack does.'),
  retention: retentionSchema
    .partial()
    .optional()
    .describe('Days each kind of record is kept, within the bounds of the pack.'),
  house: z
    .object({
      pre_auth: houseSchema.nullable().optional().describe('Before the guest is inside.'),
      landing: houseSchema.nullable().optional().describe('On the page of success.'),
      return: houseSchema.nullable().optional().describe('When somebody comes back.'),
    })
    .optional()
    .describe('Words of the house where no offer is due; null takes a place’s words away.'),
  hours: hoursSchema
    .nullable()
    .optional()
    .describe('When the WiFi is open, by the store’s clock; null is always.'),
  sms: smsSchema.partial().optional().describe('What text messages may cost.'),
  landingHosts: z.array(host).max(20).optional().describe('Hosts a guest may be sent on to.'),
  venueUrl: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .nullable()
    .optional()
    .describe('Page about the venue that phones show beside the network (RFC 8908).'),
  session: sessionSchema.partial().optional().describe('Limits of one admission.'),
  countries: z
    .array(country)
    .max(60)
    .optional()
    .describe('Countries whose numbers get codes by SMS; none means the store’s own only.'),
});
export type SettingsChange = z.output<typeof settingsChange>;

export const slugText = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{1,62}$/, 'must be 2 to 63 lower case letters, digits or dashes')
  // /p/assets is where the portal keeps its own files.
  .refine((slug) => slug !== 'assets', 'is taken by the portal itself');
export const zoneText = z
  .string()
  .max(60)
  .refine((zone) => isZone(zone), 'must be a time zone such as Europe/Berlin');
export const countryText = country;
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
