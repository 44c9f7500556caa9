/** PURE. What a store's pack makes of its settings: what is asked, kept and required where it stands. */
import type { KeepClass, Pack, PackName, PackProblem } from './packs.ts';
import { checkPack, keepClasses, packFor, packOf } from './packs.ts';
import type { StoreSettings } from './settings.ts';
import type { Purpose, Wording } from './wordings.ts';
import { purposes } from './wordings.ts';

export interface StoreLaw {
  pack: PackName;
  /** What guests are asked, the terms first. */
  purposes: Purpose[];
  /** Years, or null when nobody is asked. */
  ageGate: number | null;
  doubleOptIn: boolean;
  retention: Record<KeepClass, number>;
}

/** The pack's say for everything the store left to it. */
export function lawOf(settings: StoreSettings, country: string): StoreLaw {
  const pack = packOf(settings.pack ?? packFor(country));
  const asked = settings.purposes ?? pack.asks;
  return {
    pack: pack.name,
    purposes: purposes.filter((purpose) => purpose === 'access' || asked.includes(purpose)),
    ageGate: settings.ageGate === undefined ? pack.age.usual : settings.ageGate,
    doubleOptIn: settings.doubleOptIn ?? pack.doubleOptIn.usual,
    retention: keptDays(settings, pack),
  };
}

/** Where only named people may be online, nobody is before their name is proved. */
export function lawfulPolicy(
  { policy }: StoreSettings,
  { pack }: StoreLaw,
): StoreSettings['policy'] {
  return packOf(pack).realName === null ? policy : { ...policy, graceMinutes: 0 };
}

function keptDays(settings: StoreSettings, pack: Pack): Record<KeepClass, number> {
  const days = keepClasses.map((name) => [name, settings.retention[name] ?? pack.keep[name].usual]);
  return Object.fromEntries(days) as Record<KeepClass, number>;
}

/** What may not be saved. */
export function checkSettings(settings: StoreSettings, country: string): PackProblem[] {
  const { methods, oidc } = settings;
  return checkPack({ ...lawOf(settings, country), methods, oidc }, country);
}

/** What a change makes unlawful; a row that was so before can still be mended step by step. */
export function newProblems(
  before: { settings: StoreSettings; country: string },
  after: { settings: StoreSettings; country: string },
): PackProblem[] {
  const old = new Set(
    checkSettings(before.settings, before.country).map(({ path, message }) => path + message),
  );
  return checkSettings(after.settings, after.country).filter(
    ({ path, message }) => !old.has(path + message),
  );
}

/** The wordings of what is asked, in the order of the page. */
export function askedWordings(settings: StoreSettings, law: StoreLaw): Wording[] {
  return law.purposes.flatMap((purpose) =>
    settings.wordings.filter((wording) => wording.purpose === purpose),
  );
}
