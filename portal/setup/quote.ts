/** PURE. Words of a merchant inside configuration files: nothing that is typed can end the line or the quotes it stands in. */

/** Control characters and line ends have no place in any of these files. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '');
}

/** One word of a POSIX shell. */
export function shellWord(text: string): string {
  const plain = oneLine(text);
  return /^[\w./:@%+=-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", `'\\''`)}'`;
}

/**
 * A value for files that have no quoting of their own (openNDS legacy, wifidog.conf, chilli): signs that
 * such a file, or the shell that reads it, could take for its own become `_`.
 */
export function bareValue(text: string): string {
  return oneLine(text)
    .replaceAll(/[^\p{L}\p{N} ./:@,&?=_%{}*+-]/gu, '_')
    .trim();
}

/** The same in places where braces end a block. */
export function blockValue(text: string): string {
  return bareValue(text).replaceAll(/[{}]/g, '_');
}

/** Whether a value came through `bareValue` as it was. */
export function survives(text: string): boolean {
  return blockValue(text) === text;
}

const hex = (sign: string): string =>
  `\\${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')}`;

/** A RouterOS string with its quotes; what is not plain ASCII is left as it is, signs with a meaning are escaped. */
export function routerOs(text: string): string {
  return `"${oneLine(text).replaceAll(/[\\"$?]/g, hex)}"`;
}

/** Inside a double-quoted HTML attribute or text; RouterOS fills in `$(…)`, so `$` is escaped as well. */
export function html(text: string): string {
  const marks: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
    $: '&#36;',
  };
  return oneLine(text).replaceAll(/[&<>"'$]/g, (mark) => marks[mark] ?? '');
}

/** After a `#`, to the end of the line. */
export function comment(text: string): string {
  return oneLine(text).slice(0, 120);
}
