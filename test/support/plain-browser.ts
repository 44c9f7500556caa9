/** A guest's browser of the plainest kind over real HTTP: no script, no cookie; follows redirects and refreshes, sends forms. */
import { formsOf, headingOf, refreshOf } from '../e2e/opennds/guest.ts';

export interface Sheet {
  url: string;
  status: number;
  html: string;
  heading: string;
}

export interface PlainBrowser {
  /** Goes there and wherever it is led, until a page stands still. */
  go(url: string): Promise<Sheet>;
  /** Fills and sends the page's first form. */
  submit(from: Sheet, values?: Record<string, string>): Promise<Sheet>;
  /** Every address asked for, in order. */
  path: string[];
}

const MOST_HOPS = 20;

export function plainBrowser(): PlainBrowser {
  const path: string[] = [];

  async function ask(url: string, init: RequestInit): Promise<Sheet> {
    let [next, how] = [url, init];
    for (let hop = 0; hop < MOST_HOPS; hop += 1) {
      path.push(next);
      const response = await fetch(next, { ...how, redirect: 'manual' });
      const html = await response.text();
      const location = response.headers.get('location');
      const refresh = refreshOf(html.replaceAll('; url=', ';url='));
      const sheet = { url: next, status: response.status, html, heading: headingOf(html) };
      if (location !== null) next = new URL(location, next).href;
      else if (refresh?.seconds === 0) next = new URL(refresh.url, next).href;
      else return sheet;
      how = { method: 'GET' };
    }
    throw new Error(`led in a circle: ${path.slice(-4).join(' → ')}`);
  }

  return {
    path,
    go: (url) => ask(url, { method: 'GET' }),
    submit(from, values = {}) {
      const [form] = formsOf(from.html);
      if (form === undefined) throw new Error(`no form on “${from.heading}” at ${from.url}`);
      const body = new URLSearchParams({ ...form.fields, ...values });
      return ask(new URL(form.action, from.url).href, { method: 'POST', body });
    },
  };
}
