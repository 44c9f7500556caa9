/** What the server put into the page for its script: data and wording, never code. */

/** Parses the `<script type="application/json" id="…">` block of the page. */
export function pageData<T>(id: string): T {
  const block = document.getElementById(id);
  if (!block?.textContent) throw new Error(`the page has no data block #${id}`);
  return JSON.parse(block.textContent) as T;
}

export type Texts = Record<string, string>;

const pluralRules = (): Intl.PluralRules => new Intl.PluralRules(document.documentElement.lang);

/** The text of `key` with `{{name}}` filled in, plural by `count`; the key itself when the page did not send it. */
export function textOf(
  texts: Texts,
  key: string,
  values: Record<string, string | number> = {},
): string {
  const { count } = values;
  const plural = typeof count === 'number' ? `${key}_${pluralRules().select(count)}` : key;
  const text = texts[plural] ?? texts[key] ?? key;
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => String(values[name] ?? ''));
}

/** The element with this `data-part`, which the page's template promises. */
export function part<E extends HTMLElement = HTMLElement>(
  name: string,
  root: ParentNode = document,
): E {
  const found = root.querySelector<E>(`[data-part="${name}"]`);
  if (!found) throw new Error(`the page has no part ${name}`);
  return found;
}

/** Makes an element with a class and text; text is never read as HTML. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  text = '',
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}
