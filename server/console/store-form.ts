/** What the forms of a store's settings share: saving a change, and what is said at a field that was refused. */
import type { Response } from 'express';
import { ProblemError } from '../errors.ts';
import { changeStore } from '../stores/change.ts';
import type { StoreChange } from '../stores/change.ts';
import type { KeepClass, Pack } from '../stores/packs.ts';
import { keepClasses, packFor, packOf } from '../stores/packs.ts';
import type { StoreRow } from '../stores/queries.ts';
import { settingsChange } from '../stores/schema.ts';
import type { SettingsChange } from '../stores/schema.ts';
import { readSettings } from '../stores/settings.ts';
import type { ConsoleDeps } from './deps.ts';
import { pageOf, staffOf } from './page.ts';
import type { Translate } from './texts.ts';

/** Path in the settings → the sentence to stand at its field. Empty when nothing was wrong. */
export type Faults = Record<string, string>;

/** The sentence for a value that does not fit, by the longest path that has one. */
function faultAt(t: Translate, path: string): string {
  // Which question, which place of the house: the words are the same for each.
  const parts = path.split('.').filter((part) => !/^(\d+|pre_auth|landing|return)$/.test(part));
  const keys = parts.map((_part, at) => `fault.${parts.slice(0, parts.length - at).join('-')}`);
  return t([...keys, 'fault.other']);
}

/** The pack that a store would follow after a change. */
function packAfter(row: StoreRow, change: SettingsChange, country = row.country): Pack {
  const chosen = change.pack === undefined ? readSettings(row.settings).pack : change.pack;
  return packOf(chosen ?? packFor(country));
}

/** What the pack has to say against a value, in words; the law's own texts stand in packs.ts. */
function lawAt(t: Translate, path: string, pack: Pack, country: string): string {
  const [root = '', part = ''] = path.split('.');
  const bounds = keepClasses.includes(part as KeepClass) ? pack.keep[part as KeepClass] : pack.age;
  return t(`law.${root}`, {
    pack: t(`packs.${pack.name}.name`),
    demanded: t(`packs.${packFor(country)}.name`),
    ways: (pack.realName ?? []).map((way) => t(`methods.${way}`)).join(t('law.and')),
    least: bounds.least,
    most: bounds.most,
  });
}

/** Saves what fits; otherwise says why not, and has changed nothing. */
export async function saveChange(
  deps: ConsoleDeps,
  response: Response,
  row: StoreRow,
  change: StoreChange,
): Promise<Faults> {
  const { t } = pageOf(response);
  const country = change.country ?? row.country;
  try {
    await changeStore(deps, staffOf(response).merchantId, row.id, change);
    return {};
  } catch (error) {
    const errors = error instanceof ProblemError ? (error.extras.errors ?? []) : [];
    if (errors.length === 0) throw error;
    const pack = packAfter(row, change.settings ?? {}, country);
    const said = errors.map(({ path }): [string, string] => {
      const at = path.replace(/^settings\./, '');
      const own = at === 'logo' || at === 'oidc';
      return [at, own ? t(`fault.${at}`) : lawAt(t, at, pack, country)];
    });
    return Object.fromEntries(said);
  }
}

/** The same for settings as a form says them, before anything is known to fit. */
export async function saveSettings(
  deps: ConsoleDeps,
  response: Response,
  row: StoreRow,
  said: Record<string, unknown>,
): Promise<Faults> {
  const { t } = pageOf(response);
  const read = settingsChange.safeParse(said);
  if (read.success) return saveChange(deps, response, row, { settings: read.data });
  const paths = read.error.issues.map((issue) => issue.path.map(String).join('.'));
  return Object.fromEntries(paths.map((path) => [path, faultAt(t, path)]));
}

/** The faults at or below a path, each sentence once. */
export function faultsBelow(faults: Faults, path: string): string[] {
  const found = Object.entries(faults).filter(([at]) => at === path || at.startsWith(`${path}.`));
  return [...new Set(found.map(([, sentence]) => sentence))];
}

/** Faults of one entry of a list, under the names of its fields; what concerns the list stands at `rest`, else where it is. */
export function faultsOfEntry(faults: Faults, entry: string, rest?: string): Faults {
  const own = Object.entries(faults).map(([path, sentence]) => [
    path.startsWith(`${entry}.`) ? path.slice(entry.length + 1) : (rest ?? path),
    sentence,
  ]);
  return Object.fromEntries(own) as Faults;
}

/** PURE. A number as it was typed; what is none is left for the schema to refuse. */
export const numberTyped = (text: string): number | string => (text === '' ? text : Number(text));

/** PURE. A key people can read in an export, made from the English words. */
export function keyFrom(words: string, otherwise: string): string {
  const key = words
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return key || otherwise;
}

/** PURE. The same, unlike those that are taken, with room for a number behind it. */
export function freshKey(words: string, otherwise: string, taken: readonly string[]): string {
  const key = keyFrom(words, otherwise).slice(0, 36);
  let fresh = key;
  for (let at = 2; taken.includes(fresh); at += 1) fresh = `${key}-${at}`;
  return fresh;
}
