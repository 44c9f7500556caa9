/** The overview: a day's figures beside the week before, what needs a look, and the first steps. */
import express from 'express';
import { answersTo, hideFew } from '../analytics/answers.ts';
import type { Cell } from '../analytics/answers.ts';
import { dayAfter, dayOf, startOfDay } from '../analytics/day.ts';
import { overviewOf } from '../analytics/overview.ts';
import type { Overview } from '../analytics/overview.ts';
import type { Queryable } from '../db/database.ts';
import { storeById } from '../stores/queries.ts';
import { readSettings } from '../stores/settings.ts';
import { change, curve, hourChart } from './chart.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { standingOf } from './lists/queries.ts';
import type { Standing } from './lists/queries.ts';
import { needs, pageOf, query, renderPage, staffOf } from './page.ts';
import type { Page } from './page.ts';

export const overviewPages: PageModule = (deps) => {
  const router = express.Router();
  router.get('/overview', needs('visits:read'), async (request, response) => {
    const page = pageOf(response);
    const { store } = page;
    if (!store) {
      await renderPage(response, 'overview', { found: null, steps: stepsOf(null) });
      return;
    }
    const today = dayOf(page.now, store.timezone);
    const day = dayAsked(query(request, 'day'), today);
    const { merchantId } = staffOf(response);
    const found = await load(
      deps,
      { merchantId, storeId: store.id, timezone: store.timezone },
      day,
    );
    await renderPage(response, 'overview', { ...found, ...drawn(found.found, page), day, today });
  });
  return router;
};

/** A day that exists and is not to come; anything else is today. */
export function dayAsked(asked: string, today: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(asked) || Number.isNaN(Date.parse(asked))) return today;
  return asked <= today && asked >= '2020-01-01' ? asked : today;
}

interface Answers {
  question: { en: string; 'zh-CN': string };
  cells: (Cell & { text: { en: string; 'zh-CN': string } })[];
  total: number;
}

async function load(
  deps: ConsoleDeps,
  place: { merchantId: string; storeId: string; timezone: string },
  day: string,
): Promise<{
  found: Overview;
  steps: Step[];
  standing: Standing;
  answers: Answers | null;
}> {
  const at = new Date(deps.clock());
  return deps.db.tx(
    async (tx) => {
      const standing = await standingOf(tx, place.merchantId, place.storeId, at);
      return {
        found: await overviewOf(tx, place, day, at),
        standing,
        steps: stepsOf(standing),
        answers: await answersOf(tx, place, day),
      };
    },
    { tenant: place.merchantId, readOnly: true },
  );
}

/** Four weeks of answers to the store's question, small groups hidden: these are about people. */
async function answersOf(
  tx: Queryable,
  place: { merchantId: string; storeId: string; timezone: string },
  day: string,
): Promise<Answers | null> {
  const store = await storeById(tx, place.merchantId, place.storeId);
  const question = store && readSettings(store.settings).question;
  // Free text is no breakdown: every answer could be the only one of its kind.
  if (!question || question.options.length === 0) return null;
  const rows = await answersTo(tx, place.merchantId, question.key, {
    from: startOfDay(dayAfter(day, -27), place.timezone),
    to: startOfDay(dayAfter(day), place.timezone),
  });
  const counted = question.options.map((option) => ({
    label: option.value,
    people: rows.find((row) => row.answer === option.value)?.guests ?? 0,
  }));
  const texts = new Map(question.options.map((option) => [option.value, option.label]));
  return {
    question: question.label,
    total: counted.reduce((sum, one) => sum + one.people, 0),
    cells: hideFew(counted).map((cell) => ({
      ...cell,
      text: texts.get(cell.label) ?? question.label,
    })),
  };
}

export interface Step {
  key: 'store' | 'gateway' | 'fence' | 'offer' | 'rule' | 'device';
  href: string;
  done: boolean;
}

/** PURE. What to do first, in order. */
export function stepsOf(standing: Standing | null): Step[] {
  const count = (key: 'gateways' | 'fences' | 'offers' | 'rules' | 'devices'): boolean =>
    (standing?.[key] ?? 0) > 0;
  return [
    { key: 'store', href: '/console/settings/new-store', done: standing !== null },
    { key: 'gateway', href: '/console/settings/gateways', done: count('gateways') },
    { key: 'fence', href: '/console/fences', done: count('fences') },
    { key: 'device', href: '/console/devices', done: count('devices') },
    { key: 'offer', href: '/console/offers', done: count('offers') },
    { key: 'rule', href: '/console/rules', done: count('rules') },
  ];
}

function drawn(found: Overview, page: Page): Record<string, unknown> {
  const zone = page.store?.timezone ?? 'UTC';
  const hour = Number(
    new Intl.DateTimeFormat('en', { timeZone: zone, hour: '2-digit', hourCycle: 'h23' }).format(
      page.now,
    ),
  );
  return {
    chart: hourChart(found.hours, found.running ? hour : null),
    curves: {
      visits: curve(found.curves.visits),
      devices: curve(found.curves.devices),
      dwell: curve(found.curves.dwell),
      redeemed: curve(found.curves.redeemed),
    },
    changes: {
      visits: change(found.visits.now.value, found.visits.before.value),
      devices: change(found.devices.now.value, found.devices.before.value),
      dwell: change(found.dwell.now.median, found.dwell.before.median),
      redeemed: change(found.offers.now.redeemed, found.offers.before.redeemed),
    },
  };
}
