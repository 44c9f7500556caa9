/** Settings of how guests get online: which ways in, for how long, when, in which languages, and what texts may cost. */
import express from 'express';
import type { Request, Response } from 'express';
import { problem } from '../errors.ts';
import { packFor, packOf } from '../stores/packs.ts';
import type { StoreRow } from '../stores/queries.ts';
import { readSettings } from '../stores/settings.ts';
import type { StoreSettings } from '../stores/settings.ts';
import { methods, weekdays } from '../stores/settings-parts.ts';
import type { Method } from '../stores/settings-parts.ts';
import { languages } from '../stores/words.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, fields, needs, renderPage } from './page.ts';
import { currentStore, storeOfForm, typedOf } from './settings.ts';
import type { Typed } from './settings.ts';
import { readDay, writeDay } from './shared/opening.ts';
import { faultsBelow, numberTyped, saveSettings } from './store-form.ts';
import type { Faults } from './store-form.ts';

const policyNames = ['graceMinutes', 'gracePerDay', 'rememberDays'] as const;
const limitNames = [
  'minutes',
  'idleMinutes',
  'downKbps',
  'upKbps',
  'downQuotaKB',
  'upQuotaKB',
] as const;
const orderNames = methods.map((name) => `order-${name}`);
const dayNames = weekdays.map((day) => `day-${day}`);
const names = [
  ...orderNames,
  ...policyNames,
  ...limitNames,
  ...dayNames,
  'opening',
  'defaultLanguage',
  'perDay',
  'countries',
  'landingHosts',
  'venueUrl',
];

type Span = { from: string; to: string };

/** What the form holds: its fields, and the languages that are ticked. */
interface WaysTyped {
  typed: Typed;
  offered: string[];
}

export const waysPages: PageModule = (deps) => {
  const router = express.Router();
  router.use('/settings/ways', needs('stores:write'));
  router.get('/settings/ways', async (_request, response) => {
    const row = await currentStore(deps, response);
    if (!row) throw problem('not-found');
    await renderPage(response, 'settings-ways', waysForm(deps, row));
  });
  router.post('/settings/ways', (request, response) => save(deps, request, response));
  return router;
};

const minutesOf = (clock: string): number =>
  Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
const two = (value: number): string => String(value).padStart(2, '0');
const clockOf = (minutes: number): string =>
  `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;

function typedSettings(settings: StoreSettings): WaysTyped {
  const { hours, policy, session, sms } = settings;
  const order = methods.map((name): [string, string] => [
    `order-${name}`,
    String(settings.methods.indexOf(name) + 1 || ''),
  ]);
  const days = weekdays.map((day): [string, string] => [
    `day-${day}`,
    writeDay(
      (hours?.[day] ?? []).map(({ from, to }): [number, number] => [
        minutesOf(from),
        minutesOf(to),
      ]),
    ),
  ]);
  return {
    typed: {
      ...Object.fromEntries([...order, ...days]),
      ...Object.fromEntries(policyNames.map((name) => [name, String(policy[name])])),
      ...Object.fromEntries(limitNames.map((name) => [name, String(session[name])])),
      opening: hours === null ? 'always' : 'hours',
      defaultLanguage: settings.defaultLanguage,
      perDay: String(sms.perDay),
      countries: settings.countries.join(' '),
      landingHosts: settings.landingHosts.join('\n'),
      venueUrl: settings.venueUrl ?? '',
    },
    offered: settings.languages,
  };
}

function waysForm(
  deps: Pick<ConsoleDeps, 'senders'>,
  row: StoreRow,
  given?: WaysTyped,
  faults: Faults = {},
): Record<string, unknown> {
  const settings = readSettings(row.settings);
  const pack = packOf(settings.pack ?? packFor(row.country));
  const { typed, offered } = given ?? typedSettings(settings);
  const on = orderOf(typed);
  return {
    row,
    typed,
    offered,
    faults,
    faultsBelow,
    methods,
    inOrder: [...on, ...methods.filter((name) => !on.includes(name))],
    languages,
    weekdays,
    providers: settings.oidc,
    named: pack.realName !== null,
    forbidden: methods.filter((name) => pack.realName?.includes(name) === false),
    senders: deps.senders,
  };
}

/** One day as people write it; what cannot be read stays, so that the schema says so at its field. */
function spansOf(text: string): Span[] {
  const spans = readDay(text);
  if (spans === null) return [{ from: text, to: text }];
  return spans.map(([from, to]) => ({ from: clockOf(from), to: clockOf(to) }));
}

const words = (text: string): string[] => text.split(/[\s,;]+/).filter(Boolean);

/** PURE. The ways that are on, by the place each was given; two at one place keep our own order. */
function orderOf(typed: Typed): Method[] {
  const place = (name: Method): string => typed[`order-${name}`] ?? '';
  return methods
    .filter((name) => /^[1-7]$/.test(place(name)))
    .toSorted((a, b) => Number(place(a)) - Number(place(b)));
}

/** PURE. What the form says, as a change of settings. */
function waysChange({ typed, offered }: WaysTyped): Record<string, unknown> {
  const text = (name: string): string => typed[name] ?? '';
  const numbers = (list: readonly string[]) =>
    Object.fromEntries(list.map((name) => [name, numberTyped(text(name))]));
  const week = Object.fromEntries(weekdays.map((day) => [day, spansOf(text(`day-${day}`))]));
  return {
    methods: orderOf(typed),
    policy: numbers(policyNames),
    session: numbers(limitNames),
    hours: text('opening') === 'hours' ? week : null,
    defaultLanguage: text('defaultLanguage'),
    languages: languages.filter((one) => offered.includes(one)),
    sms: numbers(['perDay']),
    countries: words(text('countries')).map((code) => code.toUpperCase()),
    landingHosts: words(text('landingHosts')),
    venueUrl: text('venueUrl') || null,
  };
}

async function save(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const row = await storeOfForm(deps, request, response);
  const given = { typed: typedOf(request, names), offered: fields(request, 'language') };
  const faults = await saveSettings(deps, response, row, waysChange(given));
  if (Object.keys(faults).length > 0) {
    await renderPage(response, 'settings-ways', waysForm(deps, row, given, faults), 422);
    return;
  }
  done(response, '/console/settings/ways', 'saved');
}
