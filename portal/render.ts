/** Pages from EJS templates: one layout, everything escaped, nothing fetched from anywhere else. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHash, randomBytes } from 'node:crypto';
import ejs from 'ejs';
import type { Language, StoreView, Theme } from './ports.ts';
import type { Texts, Translate } from './texts.ts';

const VIEWS = join(import.meta.dirname, 'views');
const PUBLIC = join(import.meta.dirname, 'public');
const COLOUR = /^#[0-9a-f]{6}$/i;
const FALLBACK = { accent: '#1f5fbf', onAccent: '#ffffff' };

export type ViewName =
  | 'choose'
  | 'code'
  | 'voucher'
  | 'consent'
  | 'profile'
  | 'retry'
  | 'late'
  | 'door'
  | 'connecting'
  | 'welcome'
  | 'sorry'
  | 'inside';

export interface Page {
  view: ViewName;
  language: Language;
  store: StoreView | null;
  title: string;
  locals: Record<string, unknown>;
  /** This same page in another language. */
  inLanguage?: (language: Language) => string;
  /** Seconds until the page asks again, and what it asks for: without a script, unless `always`. */
  refresh?: { seconds: number; url: string; always?: boolean };
  /** What the page's script asks. */
  poll?: string;
}

/** A page, and the status it is sent with. */
export interface Shown {
  page: Page;
  status: number;
}

export interface Rendered {
  html: string;
  nonce: string;
}

export interface Renderer {
  page(page: Page): Rendered;
  /** The offers alone, for the page's script to put in place. */
  offers(cards: object[], language: Language): string;
  asset(name: string): { body: string; type: string; etag: string } | null;
}

const ASSETS: Record<string, string> = { 'portal.js': 'text/javascript; charset=utf-8' };

/** Comments and blanks go; enough for one hand-written file. */
export function squeezeCss(css: string): string {
  return css
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([{};,>]) ?/g, '$1')
    .replaceAll(/: /g, ':')
    .replaceAll(';}', '}')
    .trim();
}

/** A theme is data: anything but two plain colours falls back to ours. */
export function themeCss(theme: Theme | undefined): string {
  const fine = theme !== undefined && COLOUR.test(theme.accent) && COLOUR.test(theme.onAccent);
  const { accent, onAccent } = fine ? theme : FALLBACK;
  return `:root{--accent:${accent};--on-accent:${onAccent}}`;
}

function refreshTag(page: Page): string {
  if (page.refresh === undefined) return '';
  const { seconds, url, always = false } = page.refresh;
  const tag = `<meta http-equiv="refresh" content="${seconds};url=${ejs.escapeXML(url)}">`;
  return always ? `${tag}\n` : `<noscript>${tag}</noscript>\n`;
}

function initialOf(name: string): string {
  const [first] = new Intl.Segmenter('en').segment(name.trim());
  return (first?.segment ?? '').toUpperCase();
}

function createTemplates(cache: boolean) {
  const compiled = new Map<string, ejs.TemplateFunction>();
  return (name: string, locals: Record<string, unknown>): string => {
    const filename = join(VIEWS, `${name}.ejs`);
    const known = cache ? compiled.get(name) : undefined;
    const template = known ?? ejs.compile(readFileSync(filename, 'utf8'), { filename, cache });
    compiled.set(name, template);
    return template(locals).trimEnd();
  };
}

function readAsset(name: string) {
  const type = ASSETS[name];
  if (type === undefined) return null;
  const body = readFileSync(join(PUBLIC, name), 'utf8');
  return { body, type, etag: createHash('sha256').update(body).digest('base64url').slice(0, 16) };
}

const css = () => squeezeCss(readFileSync(join(PUBLIC, 'portal.css'), 'utf8'));
const script = () => `/p/assets/portal.js?v=${readAsset('portal.js')?.etag ?? ''}`;

export function createRenderer(texts: Texts, viewCache: boolean): Renderer {
  const template = createTemplates(viewCache);
  const kept = viewCache ? { script: script(), css: css() } : null;
  const otherLanguage = (page: Page) => {
    const code = page.language === 'en' ? 'zh-CN' : 'en';
    const href = page.inLanguage?.(code);
    return href === undefined ? null : { code, href, name: texts.in(code)('language.name') };
  };
  return {
    page(page) {
      const nonce = randomBytes(16).toString('base64');
      const t: Translate = texts.in(page.language);
      const shop = page.store?.name ?? '';
      const body = template(page.view, { ...page.locals, t, lang: page.language });
      const html = template('layout', {
        t,
        nonce,
        shop,
        body,
        lang: page.language,
        title: page.title,
        initial: initialOf(shop),
        css: (kept?.css ?? css()) + themeCss(page.store?.theme),
        head: refreshTag(page),
        poll: page.poll ?? '',
        script: page.poll === undefined ? '' : (kept?.script ?? script()),
        otherLanguage: otherLanguage(page),
      });
      return { html: `${html}\n`, nonce };
    },
    offers: (cards, language) => template('offers', { cards, t: texts.in(language) }),
    asset: readAsset,
  };
}
