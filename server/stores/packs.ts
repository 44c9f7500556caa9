/** PURE. Country packs as data: what a store asks, keeps and may not do where it stands, and the check of its settings. */
import type { Purpose } from './wordings.ts';

export const packs = ['generic', 'eu', 'us', 'cn'] as const;
export type PackName = (typeof packs)[number];

type WayIn =
  'click-through' | 'sms-code' | 'email-code' | 'voucher' | 'member-card' | 'oidc' | 'staff';

/** Days a class of records is kept: the usual, and the bounds a store may choose within. */
export interface Keep {
  least: number;
  usual: number;
  most: number;
}
export const keepClasses = [
  'sessionsDays',
  'visitsDays',
  'guestsDays',
  'messagesDays',
  'codesDays',
] as const;
export type KeepClass = (typeof keepClasses)[number];

export interface Pack {
  name: PackName;
  /** Purposes a store asks for, beside the terms, until it chooses itself. */
  asks: readonly Purpose[];
  /** Purposes that are off until the guest said yes to that very purpose. */
  separately: readonly Purpose[];
  /** Offers by mail count only once a mailed link was confirmed. */
  doubleOptIn: { usual: boolean; required: boolean };
  /** Years from which a guest may be asked for more than the terms; `usual` null asks nobody. */
  age: { usual: number | null; least: number; most: number; required: boolean };
  /** Ways in that name a real person, when only such are allowed; null allows all. */
  realName: readonly WayIn[] | null;
  /** Ways in of a store that said nothing. */
  methods: readonly WayIn[];
  /** The log of sessions outlives the guest's record for this many days; 0 = it does not. */
  sessionLogDays: number;
  keep: Record<KeepClass, Keep>;
  /** Local hours in which nothing may be pushed, by channel; null leaves it to the rules. */
  quiet: { from: string; to: string } | null;
  /** Words every marketing text ends with, so that it says how to stop. */
  refusal: boolean;
}

const usualKeep: Record<KeepClass, Keep> = {
  sessionsDays: { least: 1, usual: 180, most: 1100 },
  visitsDays: { least: 30, usual: 395, most: 1100 },
  guestsDays: { least: 30, usual: 1095, most: 3650 },
  // The limits on sending codes look back a day; the outbox shows a week.
  messagesDays: { least: 1, usual: 7, most: 7 },
  codesDays: { least: 1, usual: 2, most: 2 },
};

const generic: Pack = {
  name: 'generic',
  asks: ['marketing'],
  separately: [],
  doubleOptIn: { usual: false, required: false },
  age: { usual: null, least: 10, most: 21, required: false },
  realName: null,
  methods: ['click-through'],
  sessionLogDays: 0,
  keep: usualKeep,
  quiet: null,
  refusal: false,
};

/** GDPR Art. 6–8 and ePrivacy Art. 5(3), 13: each purpose by itself, short keeping, a second yes for mail. */
const eu: Pack = {
  ...generic,
  name: 'eu',
  asks: ['marketing', 'analytics', 'profiling'],
  separately: ['analytics', 'profiling'],
  doubleOptIn: { usual: true, required: false },
  age: { usual: 16, least: 13, most: 16, required: false },
  keep: {
    ...usualKeep,
    sessionsDays: { least: 1, usual: 60, most: 365 },
    visitsDays: { least: 30, usual: 395, most: 395 },
    guestsDays: { least: 30, usual: 730, most: 1095 },
  },
};

/** TCPA (47 CFR 64.1200): texts only by express written consent, and only between 8 and 21 at the recipient. */
const us: Pack = {
  ...generic,
  name: 'us',
  age: { usual: null, least: 13, most: 21, required: false },
  quiet: { from: '21:00', to: '08:00' },
  refusal: true,
};

/**
 * Cybersecurity Law (network log of six months, real names), PIPL Art. 14, 24, 29, 31 (a consent of its
 * own for where somebody goes and for choosing by a profile; under 14 a guardian), and the rules on
 * commercial messages (each says how to refuse).
 */
const cn: Pack = {
  ...generic,
  name: 'cn',
  asks: ['marketing', 'analytics', 'profiling'],
  separately: ['analytics', 'profiling'],
  age: { usual: 14, least: 14, most: 18, required: true },
  realName: ['sms-code', 'member-card', 'oidc'],
  methods: ['sms-code'],
  sessionLogDays: 180,
  keep: { ...usualKeep, sessionsDays: { least: 180, usual: 180, most: 1100 } },
  refusal: true,
};

const all: Record<PackName, Pack> = { generic, eu, us, cn };

/** The European Economic Area, and countries whose law follows the same lines. */
const EUROPE = new Set(
  (
    'AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK ' +
    'GF GI GP GG IM JE MF MQ RE YT AX'
  ).split(' '),
);
const UNITED_STATES = new Set(['US', 'PR', 'VI', 'GU', 'AS', 'MP']);

export function packOf(name: PackName): Pack {
  return all[name];
}

/** The pack of a country (ISO 3166-1 alpha-2) when the store chose none. */
export function packFor(country: string): PackName {
  if (country === 'CN') return 'cn';
  if (UNITED_STATES.has(country)) return 'us';
  return EUROPE.has(country) ? 'eu' : 'generic';
}

/** The pack a country's law demands at least; a stricter choice elsewhere is the merchant's. */
function demanded(country: string): PackName | null {
  const pack = packFor(country);
  return pack === 'generic' ? null : pack;
}

/** What a store says, as far as a pack has a word in it. */
export interface PackedSettings {
  pack: PackName;
  methods: readonly WayIn[];
  oidc: readonly { id: string; name: string; realName?: boolean | undefined }[];
  ageGate: number | null;
  doubleOptIn: boolean;
  retention: Readonly<Record<KeepClass, number>>;
  /** Purposes asked; `access` always is. */
  purposes: readonly Purpose[];
}

export interface PackProblem {
  /** Path in the settings. */
  path: string;
  message: string;
}

/** PURE. What the pack of the settings forbids in them; empty when they may be saved. */
export function checkPack(settings: PackedSettings, country: string): PackProblem[] {
  const pack = packOf(settings.pack);
  const wanted = demanded(country);
  const found: PackProblem[] = [];
  const say = (path: string, message: string) => found.push({ path, message });
  if (wanted !== null && wanted !== settings.pack) {
    say('pack', `a store in ${country} follows the pack “${wanted}”`);
  }
  for (const method of settings.methods) {
    const why = unnamed(pack, method, settings.oidc);
    if (why !== null) say('methods', why);
  }
  const { ageGate } = settings;
  if (ageGate === null ? pack.age.required : outside(ageGate, pack.age)) {
    say('ageGate', `the pack “${pack.name}” takes an age from ${range(pack.age)}`);
  }
  if (pack.doubleOptIn.required && !settings.doubleOptIn) {
    say('doubleOptIn', `the pack “${pack.name}” confirms mail addresses by a link`);
  }
  for (const name of keepClasses) {
    const bounds = pack.keep[name];
    if (outside(settings.retention[name], bounds)) {
      say(`retention.${name}`, `the pack “${pack.name}” keeps these for ${range(bounds)} days`);
    }
  }
  return found;
}

function unnamed(
  { name, realName }: Pack,
  method: WayIn,
  oidc: PackedSettings['oidc'],
): string | null {
  if (realName === null) return null;
  if (!realName.includes(method)) {
    return `“${method}” names no person; the pack “${name}” allows ${realName.join(', ')}`;
  }
  const nameless = oidc.find((provider) => !provider.realName);
  return method === 'oidc' && nameless
    ? `the provider “${nameless.name}” must vouch for real names (realName) under the pack “${name}”`
    : null;
}

function outside(value: number, { least, most }: { least: number; most: number }): boolean {
  return value < least || value > most;
}

function range({ least, most }: { least: number; most: number }): string {
  return `${least} to ${most}`;
}

/** Channels that reach a guest where they are; a page or a socket only answers who is looking. */
export type PushChannel = 'sms' | 'email' | 'push';

/**
 * The hours in which the pack lets nothing be pushed on a channel, in the recipient's local time, or
 * null. A floor: a rule's own quiet hours come on top.
 */
export function quietHours(
  name: PackName,
  channel: PushChannel | 'page' | 'socket',
): { from: string; to: string } | null {
  if (channel === 'page' || channel === 'socket') return null;
  return packOf(name).quiet;
}
