/** A guest's phone without scripts and cookies: curl inside the guest's namespace, and forms read from the page. */
import type { Rig } from './rig.ts';

export interface Sheet {
  url: string;
  status: number;
  html: string;
}

export interface Form {
  action: string;
  fields: Record<string, string>;
}

/** Text of an attribute as a browser would read it. */
function plain(text: string): string {
  return text
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function attribute(tag: string, name: string): string {
  return plain(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? '');
}

/** The forms of a page with what is filled in; unticked boxes and radio buttons stay out. */
export function formsOf(html: string): Form[] {
  return [...html.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/g)].map(([form]) => {
    const fields: Record<string, string> = {};
    for (const [input] of form.matchAll(/<input\b[^>]*>/g))
      if (!/type="(?:checkbox|radio)"/.test(input))
        fields[attribute(input, 'name')] = attribute(input, 'value');
    return { action: attribute(form, 'action'), fields };
  });
}

/** Where the page sends itself, and when. */
export function refreshOf(html: string): { seconds: number; url: string } | null {
  const tag = /<meta http-equiv="refresh" content="(\d+);url=([^"]*)"/.exec(html);
  return tag === null ? null : { seconds: Number(tag[1]), url: plain(tag[2] ?? '') };
}

/** Headings are enough to say where a guest is. */
export function headingOf(html: string): string {
  return plain(/<h1>([^<]*)<\/h1>/.exec(html)?.[1] ?? '');
}

export function createGuest(rig: Rig) {
  const curl = [
    'curl',
    '-sSL',
    '-m',
    '10',
    '--max-redirs',
    '8',
    '--cacert',
    `${rig.work}/cert.pem`,
  ];
  const ask = (url: string, more: string[]): Sheet => {
    const mark = '\n@@';
    const said = rig.run('cli', [
      ...curl,
      ...more,
      '-w',
      `${mark}%{http_code} %{url_effective}`,
      url,
    ]);
    const cut = said.lastIndexOf(mark);
    const [status = '0', ...rest] = said.slice(cut + mark.length).split(' ');
    return { html: said.slice(0, cut), status: Number(status), url: rest.join(' ') };
  };
  const get = (url: string): Sheet => ask(url, []);
  return {
    get,
    /** Follows a link of the page. */
    follow: (from: Sheet, href: string): Sheet => get(new URL(href, from.url).href),
    /** Fills the page's first form, or the one whose address ends so, and sends it. */
    submit(from: Sheet, values: Record<string, string>, ending = ''): Sheet {
      const form = formsOf(from.html).find(({ action }) => action.endsWith(ending));
      if (form === undefined) throw new Error(`no form ${ending} at ${from.url}`);
      const body = new URLSearchParams({ ...form.fields, ...values }).toString();
      return ask(new URL(form.action, from.url).href, ['--data', body]);
    },
  };
}
