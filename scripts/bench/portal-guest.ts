/** A guest who takes as little of the machine as can be: pages are searched, not parsed, so that the server is measured. */
import { Agent, request } from 'node:http';
import type { OutgoingHttpHeaders } from 'node:http';

/** One connection a guest would be honest and slow to open; kept ones are what a proxy in front gives. */
const agent = new Agent({ keepAlive: true, maxSockets: Infinity, scheduling: 'fifo' });
const MOST_STEPS = 10;

export interface BenchGuest {
  /** Agrees to offers and to their choosing, or to the terms alone. */
  marketing: boolean;
  /** Told how long the guest waited for a page; the guest reads until it resolves. */
  onPage: (ms: number) => Promise<void> | void;
}

interface Answer {
  status: number;
  location: string | undefined;
  cookies: readonly string[];
  body: string;
}

function fetchPage(url: URL, cookie: string, form: string | null): Promise<Answer> {
  const headers: OutgoingHttpHeaders = { 'accept-language': 'en' };
  if (cookie !== '') headers['cookie'] = cookie;
  if (form !== null) {
    headers['content-type'] = 'application/x-www-form-urlencoded';
    headers['content-length'] = Buffer.byteLength(form);
  }
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, headers, method: form === null ? 'GET' : 'POST' });
    asked.on('error', reject);
    asked.on('response', (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => (body += part));
      answer.on('error', reject);
      answer.on('end', () => {
        const { location, 'set-cookie': cookies = [] } = answer.headers;
        resolve({ status: answer.statusCode ?? 0, location, cookies, body });
      });
    });
    asked.end(form ?? undefined);
  });
}

const unescape = (text: string): string => text.replaceAll('&#34;', '"').replaceAll('&amp;', '&');

function between(text: string, before: string, after: string, from = 0): string | null {
  const start = text.indexOf(before, from);
  if (start < 0) return null;
  const end = text.indexOf(after, start + before.length);
  return end < 0 ? null : text.slice(start + before.length, end);
}

/** Where the page's form is sent, and what this guest fills in; null when it holds no form of the journey. */
function filled(html: string, marketing: boolean): { action: string; form: string } | null {
  const at = html.indexOf('name="j" value="');
  if (at < 0) return null;
  const start = html.lastIndexOf('<form', at);
  const text = html.slice(start, html.indexOf('</form>', at));
  const action = unescape(between(text, 'action="', '"') ?? '');
  const form = new URLSearchParams({ j: unescape(between(text, 'name="j" value="', '"') ?? '') });
  if (text.includes('name="method"')) form.set('method', 'click-through');
  if (action.endsWith('/age')) form.set('value', 'over');
  if (action.endsWith('/profile')) form.set('skip', 'yes');
  if (marketing) {
    for (const purpose of ['marketing', 'analytics', 'profiling'])
      if (text.includes(`name="${purpose}"`)) form.set(purpose, 'yes');
  }
  return { action, form: form.toString() };
}

/** From the gateway's redirect to the welcome page; throws where the portal stops. */
export async function logInLean(base: string, path: string, guest: BenchGuest): Promise<void> {
  const jar = new Map<string, string>();
  let url = new URL(path, base);
  let form: string | null = null;
  for (let step = 0; step < MOST_STEPS; step++) {
    const asked = performance.now();
    let answer: Answer;
    for (;;) {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      answer = await fetchPage(url, cookie, form);
      for (const line of answer.cookies) {
        const [pair = ''] = line.split(';', 1);
        jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
      }
      if (answer.location === undefined || answer.status < 300 || answer.status > 399) break;
      url = new URL(answer.location, url);
      form = null;
    }
    await guest.onPage(performance.now() - asked);
    const { status, body } = answer;
    if (body.includes('id="offers"')) return;
    const next = filled(body, guest.marketing);
    const again = between(body, 'http-equiv="refresh" content="', '"');
    if (next === null && again === null) throw new Error(`the portal stopped with HTTP ${status}`);
    const target = next?.action ?? unescape(again!.slice(again!.indexOf('url=') + 4));
    url = new URL(target, url);
    form = next?.form ?? null;
  }
  throw new Error('the portal did not come to an end');
}
