/** What a store's settings look like in replies of the API: everything but secrets. */
import { z } from 'zod';
import { lawOf } from './law.ts';
import { keepClasses, packs } from './packs.ts';
import { readSettings } from './settings.ts';
import { backgrounds, methods, slots, weekdays } from './settings-parts.ts';
import { languages } from './words.ts';
import { purposes } from './wordings.ts';

const languageReply = z.object({
  en: z.string().optional().describe('In English.'),
  'zh-CN': z.string().optional().describe('In simplified Chinese.'),
  es: z.string().optional().describe('In Spanish.'),
  ar: z.string().optional().describe('In Arabic.'),
});

const questionReply = z.object({
  key: z.string().describe('Names the answers.'),
  label: languageReply.describe('The question.'),
  options: z
    .array(
      z.object({
        value: z.string().describe('What is stored.'),
        label: languageReply.describe('What the guest reads.'),
      }),
    )
    .describe('Answers to choose from; none means free text.'),
});

const houseReply = z.object({
  headline: languageReply.describe('In large letters.'),
  body: languageReply.describe('A few lines below it.'),
  link: z.string().optional().describe('Where a press leads.'),
});
const spans = z.array(
  z.object({ from: z.string().describe('Opens.'), to: z.string().describe('Closes.') }),
);
const shapeOf = <T extends string, V extends z.ZodType>(
  names: readonly T[],
  make: (name: T) => V,
) => Object.fromEntries(names.map((name) => [name, make(name)])) as Record<T, V>;

const themeReply = z.object({
  accent: z.string().describe('Accent colour, #rrggbb.'),
  onAccent: z.string().describe('Colour of text upon the accent.'),
  promise: languageReply.describe('One line under the shop’s name.'),
  background: z.enum(backgrounds).describe('What stands behind the page.'),
  logo: z
    .object({
      data: z.string().describe('PNG, base64.'),
      width: z.number().describe('Pixels.'),
      height: z.number().describe('Pixels.'),
      alt: z.string().describe('What it shows.'),
    })
    .optional()
    .describe('Shown instead of the initial.'),
});

const lawReply = z.object({
  pack: z.enum(packs).describe('Whose law the store follows.'),
  purposes: z.array(z.enum(purposes)).describe('What guests are asked, the terms first.'),
  ageGate: z.number().nullable().describe('Years below which only the terms are asked.'),
  doubleOptIn: z.boolean().describe('Offers by mail wait for a confirmed link.'),
  retention: z
    .object(shapeOf(keepClasses, (name) => z.number().describe(`Days: ${name}.`)))
    .describe('Days each kind of record is kept.'),
});

export const settingsReply = z.object({
  defaultLanguage: z.enum(languages).describe('Language when the guest’s is neither.'),
  languages: z.array(z.enum(languages)).describe('Languages of the switch.'),
  methods: z.array(z.enum(methods)).describe('Ways to prove oneself, in order.'),
  policy: z
    .object({
      graceMinutes: z
        .number()
        .describe(
          'Minutes online to fetch a code; without effect where the pack asks for real names.',
        ),
      gracePerDay: z.number().describe('How often a day a device gets them.'),
      rememberDays: z.number().describe('Days a returning device gets in with one tap.'),
    })
    .describe('How the ways in behave.'),
  oidc: z
    .array(
      z.object({
        id: z.string().describe('Names it.'),
        name: z.string().describe('What the button says.'),
        issuer: z.string().describe('Its address.'),
        clientId: z.string().describe('Our name there.'),
        scopes: z.array(z.string()).describe('Scopes asked for.'),
        realName: z.boolean().describe('It vouches for real names.'),
      }),
    )
    .describe('Providers guests may sign in with; their secrets are never shown.'),
  theme: themeReply.describe('Look of the portal.'),
  wordings: z
    .array(
      z.object({
        purpose: z.enum(purposes).describe('What is agreed to.'),
        version: z.string().describe('Version that the consent ledger names.'),
        text: languageReply.describe('The text.'),
      }),
    )
    .describe('Texts for every purpose, asked or not.'),
  purposes: z
    .array(z.enum(purposes))
    .nullable()
    .describe('The store’s own choice of what is asked; null is the pack’s.'),
  questions: z.array(questionReply).describe('Optional questions in order.'),
  question: questionReply.nullable().describe('The first of them.'),
  ageGate: z.number().nullish().describe('The store’s own age; absent is the pack’s.'),
  pack: z.enum(packs).nullable().describe('The store’s own pack; null is the country’s.'),
  doubleOptIn: z.boolean().nullable().describe('The store’s own choice; null is the pack’s.'),
  retention: z
    .object(shapeOf(keepClasses, (name) => z.number().optional().describe(`Days: ${name}.`)))
    .describe('The store’s own days; absent is the pack’s.'),
  law: lawReply.describe('What holds, with the pack’s say for all that was left to it.'),
  house: z
    .object(shapeOf(slots, () => houseReply.optional().describe('Words for this place.')))
    .describe('Words of the house where no offer is due.'),
  hours: z
    .object(shapeOf(weekdays, () => spans.describe('Hours of the day.')))
    .nullable()
    .describe('When the WiFi is open; null is always.'),
  sms: z
    .object({ perDay: z.number().describe('Most text messages with codes a day.') })
    .describe('What text messages may cost.'),
  landingHosts: z.array(z.string()).describe('Hosts a guest may be sent on to.'),
  venueUrl: z.string().nullable().describe('Page about the venue.'),
  session: z
    .object({
      minutes: z.number().describe('How long one sign-in lasts, minutes.'),
      idleMinutes: z.number().describe('Silence after which a session ends, minutes.'),
      upKbps: z.number().describe('Upload speed limit, kbit/s.'),
      downKbps: z.number().describe('Download speed limit, kbit/s.'),
      upQuotaKB: z.number().describe('Upload quota, KB.'),
      downQuotaKB: z.number().describe('Download quota, KB.'),
    })
    .describe('Limits of one admission; 0 = none.'),
  countries: z.array(z.string()).describe('Countries whose numbers get codes by SMS.'),
});

/** PURE. Settings as stored, ready to show; the reply's schema drops what it does not name. */
export function shownSettings(stored: unknown, country: string): z.input<typeof settingsReply> {
  const settings = readSettings(stored);
  const oidc = settings.oidc.map(({ clientSecret: _hidden, ...shown }) => shown);
  return { ...settings, oidc, law: lawOf(settings, country) };
}
