/** A guest's browser without JavaScript: follows redirects, keeps cookies, fills in the portal's forms. */

interface Form {
  action: string;
  fields: Record<string, string>;
  /** Buttons with a name: pressing one sends it. */
  buttons: { name: string; value: string }[];
  text: string;
}

export interface GuestChoices {
  method: 'click-through' | 'voucher' | 'email-code' | 'sms-code';
  /** What the method asks for: the voucher's code, or the address. */
  value?: string;
  /** Fetches the one-time code that was "sent" (from the development outbox). */
  readCode?: () => Promise<string>;
  /** Agrees to offers on the page and to their choosing, or to neither. */
  marketing: boolean;
  /** Agrees to the counting of visits; as with offers unless said. */
  analytics?: boolean;
  /** Answer to the optional question; none skips it. */
  answer?: string;
  /** Told of each page with the milliseconds the guest waited for it, and asked how long they read it. */
  onPage?: (title: string, ms: number) => Promise<void> | void;
}

export interface Visit {
  /** Milliseconds from the redirect to the welcome page. */
  took: number;
  pages: string[];
  /** The welcome page. */
  html: string;
  url: string;
  /** What the portal set, as a browser of this store would send it. */
  cookies: string;
}

const unescape = (text: string): string =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');

function attributes(tag: string): Record<string, string> {
  const found = [...tag.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].slice(1);
  return Object.fromEntries(found.map(([, name, value]) => [name!, unescape(value ?? '')]));
}

function formsOf(html: string): Form[] {
  return [...html.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/g)].map(([text]) => {
    const form: Form = {
      action: attributes(/<form\b[^>]*>/.exec(text)![0])['action'] ?? '',
      fields: {},
      buttons: [],
      text,
    };
    for (const [tag] of text.matchAll(/<(?:input|button)\b[^>]*>/g)) {
      const { type, name, value } = attributes(tag);
      if (!name) continue;
      if (tag.startsWith('<button')) form.buttons.push({ name, value: value ?? '' });
      else if (type === 'hidden') form.fields[name] = value ?? '';
    }
    return form;
  });
}

/** What to send from this page, or null when there is nothing to fill in. */
async function fill(
  html: string,
  choices: GuestChoices,
): Promise<{ action: string; body: URLSearchParams } | null> {
  const form = formsOf(html).find(({ fields }) => 'j' in fields);
  if (!form) return null;
  const body = new URLSearchParams(form.fields);
  if (form.buttons.some(({ name }) => name === 'method')) body.set('method', choices.method);
  if (form.action.endsWith('/age')) body.set('value', 'over');
  for (const purpose of ['marketing', 'analytics', 'profiling']) {
    const agrees = purpose === 'analytics' ? choices.analytics : undefined;
    if (form.text.includes(`name="${purpose}"`) && (agrees ?? choices.marketing))
      body.set(purpose, 'yes');
  }
  if (form.action.endsWith('/start')) body.set('value', choices.value ?? '');
  if (form.action.endsWith('/finish')) {
    body.set(
      'value',
      choices.method === 'voucher' ? (choices.value ?? '') : ((await choices.readCode?.()) ?? ''),
    );
  }
  if (form.action.endsWith('/profile')) {
    if (choices.answer === undefined) body.set('skip', 'yes');
    else body.set('value', choices.answer);
  }
  return { action: form.action, body };
}

/** Follows redirects by hand: cookies are set on the way. */
function createBrowser() {
  const jar = new Map<string, string>();
  const cookies = (): string => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const go = async (url: URL, body?: URLSearchParams): Promise<Response> => {
    const headers = { 'accept-language': 'en', cookie: cookies() };
    const posted = body === undefined ? {} : { method: 'POST', body };
    const response = await fetch(url, { headers, redirect: 'manual', ...posted });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
      if (name !== undefined) jar.set(name, value ?? '');
    }
    const next = response.headers.get('location');
    if (next === null || response.status < 300 || response.status > 399) return response;
    await response.arrayBuffer();
    return go(new URL(next, url));
  };
  return { go, cookies };
}

/** Logs in from the gateway's redirect to the welcome page; throws with the page's title when stuck. */
export async function logIn(base: string, path: string, choices: GuestChoices): Promise<Visit> {
  const started = performance.now();
  const pages: string[] = [];
  let asked = performance.now();
  const { go, cookies } = createBrowser();
  let response = await go(new URL(path, base));
  for (let step = 0; step < 10; step += 1) {
    const html = await response.text();
    const waited = performance.now() - asked;
    const title = /<h1[^>]*>([^<]*)/.exec(html)?.[1] ?? '';
    pages.push(title);
    await choices.onPage?.(title, waited);
    if (html.includes('id="offers"')) {
      const took = performance.now() - started;
      return { took, pages, html, url: response.url, cookies: cookies() };
    }
    const next = await fill(html, choices);
    asked = performance.now();
    const refresh = /http-equiv="refresh" content="(\d+)(?:;\s*url=([^"]+))?"/i.exec(html);
    if (next) {
      response = await go(new URL(next.action, response.url), next.body);
    } else if (refresh) {
      response = await go(new URL(unescape(refresh[2] ?? response.url), response.url));
    } else throw new Error(`the portal stopped at "${title}" (HTTP ${response.status})`);
  }
  throw new Error(`the portal did not come to an end: ${pages.join(' → ')}`);
}

/** Milliseconds until the welcome page shows an offer, reloading it as a guest would; null after `patience` ms. */
export async function awaitOffer(visit: Visit, patience: number): Promise<number | null> {
  const started = performance.now();
  let { html } = visit;
  while (!html.includes('data-offer=')) {
    if (performance.now() - started > patience) return null;
    await new Promise((resolve) => setTimeout(resolve, 100));
    html = await (await fetch(visit.url)).text();
  }
  return performance.now() - started;
}
