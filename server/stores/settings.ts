/** A store's settings in storage: what they are when nothing was said, how old rows read, what a change makes of them. */
import type { z } from 'zod';
import { problem } from '../errors.ts';
import { readableAccent } from './colour.ts';
import { keptLogo } from './logo.ts';
import type { KeptLogo } from './logo.ts';
import type { KeepClass, PackName } from './packs.ts';
import { packFor, packOf } from './packs.ts';
import type { SettingsChange } from './schema.ts';
import type {
  Method,
  backgrounds,
  hoursSchema,
  houseSchema,
  oidcSchema,
  policySchema,
  questionSchema,
  sessionSchema,
  smsSchema,
} from './settings-parts.ts';
import { slots } from './settings-parts.ts';
import { languages } from './words.ts';
import type { Language, Text } from './words.ts';
import { defaultWordings } from './wordings.ts';
import type { Purpose, Wording } from './wordings.ts';

type Question = z.output<typeof questionSchema>;
interface House {
  headline: Text;
  body: Partial<Text>;
  link?: string;
}
type Slot = (typeof slots)[number];

export type KeptOidc = Omit<z.output<typeof oidcSchema>, 'clientSecret'> & { clientSecret: string };

/** What `null` leaves to the country's pack is worked out by law.ts. */
export interface StoreSettings {
  defaultLanguage: Language;
  languages: Language[];
  methods: Method[];
  policy: z.output<typeof policySchema>;
  oidc: KeptOidc[];
  theme: {
    accent: string;
    onAccent: string;
    promise: Partial<Text>;
    background: (typeof backgrounds)[number];
    logo?: KeptLogo;
  };
  /** One for each purpose, asked or not. */
  wordings: Wording[];
  /** Beside the terms; null asks what the pack usually asks. */
  purposes: Exclude<Purpose, 'access'>[] | null;
  questions: Question[];
  /** The first of `questions`: what stores had before they had several. */
  question: Question | null;
  /** `undefined` leaves it to the pack, null asks nobody. */
  ageGate?: number | null;
  pack: PackName | null;
  doubleOptIn: boolean | null;
  retention: Partial<Record<KeepClass, number>>;
  house: Partial<Record<Slot, House>>;
  hours: z.output<typeof hoursSchema> | null;
  sms: z.output<typeof smsSchema>;
  landingHosts: string[];
  venueUrl: string | null;
  /** Minutes, kbit/s, KB; 0 = unlimited. */
  session: z.output<typeof sessionSchema>;
  /** ISO 3166-1 alpha-2; empty = the store's own country. */
  countries: string[];
}

/** What a new store in a country starts with. */
export function defaultSettings(country = ''): StoreSettings {
  return {
    defaultLanguage: 'en',
    languages: [...languages],
    methods: [...packOf(packFor(country)).methods],
    policy: { graceMinutes: 5, gracePerDay: 3, rememberDays: 30 },
    oidc: [],
    theme: { accent: '#0e6655', onAccent: '#ffffff', promise: {}, background: 'paper' },
    wordings: defaultWordings.map((wording) => ({ ...wording, text: { ...wording.text } })),
    purposes: null,
    questions: [],
    question: null,
    pack: null,
    doubleOptIn: null,
    retention: {},
    house: {},
    hours: null,
    sms: { perDay: 1000 },
    landingHosts: [],
    venueUrl: null,
    session: {
      minutes: 240,
      idleMinutes: 15,
      upKbps: 0,
      downKbps: 0,
      upQuotaKB: 0,
      downQuotaKB: 0,
    },
    countries: [],
  };
}

/** PURE. What is stored, with defaults for what is not: rows older than a setting stay readable. */
export function readSettings(stored: unknown): StoreSettings {
  const own = (stored ?? {}) as Partial<StoreSettings>;
  const usual = defaultSettings();
  const questions = own.questions ?? (own.question ? [own.question] : []);
  return {
    ...usual,
    ...own,
    theme: { ...usual.theme, ...own.theme },
    session: { ...usual.session, ...own.session },
    policy: { ...usual.policy, ...own.policy },
    sms: { ...usual.sms, ...own.sms },
    questions,
    question: questions[0] ?? null,
    wordings: usual.wordings.map((wording) => ownWording(own.wordings, wording)),
  };
}

/** The merchant's own words; our standard ones are always read in their newest version. */
function ownWording(stored: Wording[] | undefined, usual: Wording): Wording {
  const own = stored?.find((one) => one.purpose === usual.purpose);
  return own === undefined || own.version.startsWith('standard-') ? usual : own;
}

/** PURE. The settings after a change: accent made readable, logo drawn anew, edited wordings under a new version. */
export function applyChange(current: StoreSettings, change: SettingsChange): StoreSettings {
  const said = given(change);
  const questions = changedQuestions(current, change);
  const {
    accent: _accent,
    background: _background,
    logo: _logo,
    promise: _promise,
    ...plain
  } = said;
  return {
    ...current,
    ...plain,
    theme: changedTheme(current.theme, change),
    wordings: current.wordings.map((wording) =>
      reworded(wording, change.wordings?.[wording.purpose]),
    ),
    oidc: change.oidc ? change.oidc.map((one) => withSecret(one, current.oidc)) : current.oidc,
    questions,
    question: questions[0] ?? null,
    policy: { ...current.policy, ...given(change.policy ?? {}) },
    retention: { ...current.retention, ...given(change.retention ?? {}) },
    sms: { ...current.sms, ...given(change.sms ?? {}) },
    house: changedHouse(current.house, change.house),
    session: { ...current.session, ...given(change.session ?? {}) },
  };
}

function changedTheme(current: StoreSettings['theme'], change: SettingsChange) {
  const { logo, ...theme } = current;
  if (change.accent !== undefined) {
    const pair = readableAccent(change.accent);
    theme.accent = pair.accent;
    theme.onAccent = pair.onAccent;
  }
  if (change.promise !== undefined) theme.promise = given(change.promise);
  if (change.background !== undefined) theme.background = change.background;
  const next = change.logo === undefined ? logo : change.logo && keptLogo(change.logo);
  return next ? { ...theme, logo: next } : theme;
}

/** The old single question stands for the first of the list. */
function changedQuestions(current: StoreSettings, change: SettingsChange): Question[] {
  if (change.questions !== undefined) return change.questions;
  if (change.question === undefined) return current.questions;
  if (change.question === null) return [];
  const first = change.question;
  return [first, ...current.questions.slice(1).filter((one) => one.key !== first.key)];
}

function changedHouse(
  current: StoreSettings['house'],
  change: SettingsChange['house'],
): StoreSettings['house'] {
  const next = { ...current };
  for (const slot of slots) {
    const words = change?.[slot];
    if (words === null) delete next[slot];
    else if (words) next[slot] = keptWords(words);
  }
  return next;
}

function keptWords({ headline, body, link }: z.output<typeof houseSchema>): House {
  return { headline, body: given(body), ...(link === undefined ? {} : { link }) };
}

/** A provider keeps its secret when it is only changed; a new one, or one that moved, must bring its own. */
function withSecret(asked: z.output<typeof oidcSchema>, known: readonly KeptOidc[]): KeptOidc {
  const before = known.find((one) => one.id === asked.id && one.issuer === asked.issuer);
  const clientSecret = asked.clientSecret ?? before?.clientSecret;
  if (clientSecret === undefined) {
    throw problem('invalid-request', {
      detail: `The provider “${asked.id}” needs its client secret.`,
      errors: [{ path: 'settings.oidc', message: 'clientSecret is missing' }],
    });
  }
  return { ...asked, clientSecret, scopes: [...new Set(['openid', ...asked.scopes])] };
}

function reworded(wording: Wording, text: Wording['text'] | undefined): Wording {
  if (!text) return wording;
  // A form that does not know Spanish and Arabic changes nothing when the rest is the same.
  const same = languages.every(
    (language) => text[language] === undefined || text[language] === (wording.text[language] ?? ''),
  );
  if (same) return wording;
  const { es, ar, ...always } = text;
  const kept = { ...always, ...(es ? { es } : {}), ...(ar ? { ar } : {}) };
  return { ...wording, version: nextVersion(wording.version), text: kept };
}

/** `standard-2` → `own-1` → `own-2`: never a version that stood for another text. */
function nextVersion(version: string): string {
  return `own-${Number(/^own-(\d+)$/.exec(version)?.[1] ?? 0) + 1}`;
}

function given<T extends object>(part: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(part).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
