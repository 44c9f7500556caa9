/** Pages from EJS templates: one layout, everything escaped, nothing fetched from anywhere else. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHash, randomBytes } from 'node:crypto';
import ejs from 'ejs';
import type { Language, StoreView } from './ports-store.ts';
import type { Texts, Translate } from './texts.ts';
import { directionOf, languagesOf } from './texts.ts';
import { logoOf, themeCss } from './theme.ts';

const VIEWS = join(import.meta.dirname, 'views');
const PUBLIC = join(import.meta.dirname, 'public');

export type ViewName =
  | 'back'
  | 'age'
  | 'choose'
  | 'code'
  | 'voucher'
  | 'member'
  | 'oidc'
  | 'staff'
  | 'waiting'
  | 'consent'
  | 'profile'
  | 'retry'
  | 'renew'
  | 'late'
  | 'shut'
  | 'door'
  | 'post'
  | 'connecting'
  | 'welcome'
  | 'sorry'
  | 'inside'
  | `self${string}`;

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
  /** Where the page's one form is sent, when that is not here: the script sends it at once. */
  formTo?: string;
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
  /** What stands in the page's main part. */
  main(page: Page): string;
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

function refreshTag(page: Page): string {
  if (page.refresh === undefined) return '';
  const { seconds, url, always = false } = page.refresh;
  const tag = `<meta http-equiv="refresh" content="${seconds};url=${ejs.escapeXML(url)}">`;
  return always ? `${tag}\n` : `<noscript>${tag}</noscript>\n`;
}

const letters = new Intl.Segmenter('en');

const initials = new Map<string, string>();
const MOST_INITIALS = 2_000;

function initialOf(name: string): string {
  const known = initials.get(name);
  if (known !== undefined) return known;
  const [first] = letters.segment(name.trim());
  const initial = (first?.segment ?? '').toUpperCase();
  if (initials.size >= MOST_INITIALS) initials.clear();
  initials.set(name, initial);
  return initial;
}

function createTemplates(cache: boolean) {
  const compiled = new Map<string, ejs.TemplateFunction>();
  const render = (name: string, locals: Record<string, unknown>): string => {
    const filename = join(VIEWS, `${name}.ejs`);
    const known = cache ? compiled.get(name) : undefined;
    const options = { filename, cache, compileDebug: !cache };
    const template = known ?? ejs.compile(readFileSync(filename, 'utf8'), options);
    compiled.set(name, template);
    // The engine's own looks for the file each time.
    const include = (part: string, more: Record<string, unknown>) =>
      render(part, { ...locals, ...more });
    return template({ ...locals, include });
  };
  return (name: string, locals: Record<string, unknown>) => render(name, locals).trimEnd();
}

function readAsset(name: string) {
  const type = ASSETS[name];
  if (type === undefined) return null;
  const body = readFileSync(join(PUBLIC, name), 'utf8');
  return { body, type, etag: createHash('sha256').update(body).digest('base64url').slice(0, 16) };
}

const css = () => squeezeCss(readFileSync(join(PUBLIC, 'portal.css'), 'utf8'));
const script = () => `/p/assets/portal.js?v=${readAsset('portal.js')?.etag ?? ''}`;

/** Values of right-to-left texts stand between isolates (`Texts`); inside tags those stay as they are. */
function withBdi(html: string): string {
  if (!html.includes('\u2066')) return html;
  return html.replaceAll(
    /<[^>]*>|\u2066([^\u2066\u2069<>]*)\u2069/g,
    (found, value: string | undefined) =>
      value === undefined ? found : `<bdi dir="ltr">${value}</bdi>`,
  );
}

export function createRenderer(texts: Texts, viewCache: boolean): Renderer {
  const template = createTemplates(viewCache);
  const kept = viewCache ? { script: script(), css: css() } : null;
  const otherLanguages = (page: Page) => {
    const { inLanguage } = page;
    if (inLanguage === undefined) return [];
    const others = languagesOf(page.store).filter((code) => code !== page.language);
    return others.map((code) => ({
      code,
      href: inLanguage(code),
      name: texts.in(code)('language.name'),
    }));
  };
  const main = (page: Page) => {
    const t: Translate = texts.in(page.language);
    return withBdi(template(page.view, { ...page.locals, t, lang: page.language }));
  };
  return {
    main,
    page(page) {
      const nonce = randomBytes(16).toString('base64');
      const shop = page.store?.name ?? '';
      const scripted = page.poll !== undefined || page.formTo !== undefined;
      const html = template('layout', {
        t: texts.in(page.language),
        nonce,
        shop,
        body: main(page),
        lang: page.language,
        dir: directionOf(page.language),
        title: page.title.replaceAll(/[\u2066\u2069]/g, ''),
        initial: initialOf(shop),
        logo: logoOf(page.store),
        accented: page.store?.theme.background === 'accent',
        css: (kept?.css ?? css()) + themeCss(page.store?.theme),
        head: refreshTag(page),
        poll: page.poll ?? '',
        script: scripted ? (kept?.script ?? script()) : '',
        otherLanguages: otherLanguages(page),
      });
      return { html: `${html}\n`, nonce };
    },
    offers: (cards, language) => withBdi(template('offers', { cards, t: texts.in(language) })),
    asset: readAsset,
  };
}
