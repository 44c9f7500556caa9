/** A guest's browser of the plainest kind for router tests: no script, no cookie, one page at a time. */
import express from 'express';
import request from 'supertest';
import { createPortal, pretendRedirect } from '../../portal/router.ts';
import type { PortalSettings } from '../../portal/router.ts';
import type { MethodName, StoreView } from '../../portal/ports-store.ts';
import { formsOf, headingOf } from '../e2e/opennds/guest.ts';
import { fakeStore, makeFakes, PRETEND } from '../support/fakes.ts';
import type { Fakes } from '../support/fakes.ts';

export interface Seen {
  url: string;
  status: number;
  html: string;
  heading: string;
  headers: Record<string, string>;
}

export const PUBLIC = 'https://portal.example';
export const MAC = '02:00:00:00:00:50';

export function settings(more: Partial<PortalSettings> = {}): PortalSettings {
  return {
    secret: Buffer.alloc(32, 5),
    publicUrl: PUBLIC,
    viewCache: true,
    offerWaitMs: 50,
    ...more,
  };
}

const see = (url: string, response: request.Response): Seen => ({
  url,
  status: response.status,
  html: response.text,
  heading: headingOf(response.text ?? ''),
  headers: response.headers,
});

/** A portal over fakes, and a phone in front of it; `cookies`: one that keeps those. */
export function makePhone(
  stores?: StoreView[],
  more: Partial<PortalSettings> = {},
  { cookies = false } = {},
) {
  const fakes: Fakes = makeFakes(stores === undefined ? {} : { stores });
  const app = express();
  app.use(createPortal(fakes.ports, settings(more)).router);
  const jar = request.agent(app);
  const agent = () => (cookies ? jar : request(app));

  async function get(url: string, headers: Record<string, string> = {}): Promise<Seen> {
    const response = await agent().get(url).set(headers).redirects(0);
    const next = response.headers['location'];
    if (response.status !== 303 || next === undefined) return see(url, response);
    return get(next.replace(PUBLIC, ''), headers);
  }

  const post = (url: string, fields: Record<string, string>) =>
    agent().post(url).type('form').send(fields).redirects(0);

  /** Sends the page's form (the first, unless told) and follows to the page after it. */
  async function submit(from: Seen, values: Record<string, string>, which = 0): Promise<Seen> {
    const form = formsOf(from.html)[which];
    if (form === undefined) throw new Error(`no form on “${from.heading}”`);
    const response = await post(form.action, { ...form.fields, ...values });
    const next = response.headers['location'];
    if (response.status !== 303 || next === undefined) return see(form.action, response);
    return get(next);
  }

  const arrive = (slug = 'harbour', url = '', headers: Record<string, string> = {}) =>
    get(pretendRedirect(slug, PRETEND, { mac: MAC, ip: '10.0.0.5', url }), headers);

  /** Another browser altogether. */
  const stranger = () => request(app);

  return { fakes, agent, stranger, get, post, submit, arrive };
}

export type Phone = ReturnType<typeof makePhone>;

/** From the terms page to the welcome page, saying no to everything optional. */
export async function acceptAll(phone: Phone, terms: Seen): Promise<Seen> {
  const after = await phone.submit(terms, {});
  return after.heading === 'One question' ? phone.submit(after, { skip: 'yes' }) : after;
}

/** A shop with one way in. */
export const only = (method: MethodName): StoreView => fakeStore({ methods: [method] });

/** Where the link leads whose text begins so; empty when there is none. */
export const link = (page: Seen, text: string): string =>
  new RegExp(`href="([^"]*)"[^>]*>${text}`).exec(page.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
