/** PURE. Finds COPY … FROM STDIN, which would wait for ever on the embedded engine. */

const SUSPECT = /\bcopy\b[\s\S]*\bstdin\b/i;
// Comments and every quoting form: what stands inside them is not a statement.
const QUOTED =
  /--[^\n]*|\/\*[\s\S]*?\*\/|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|'(?:[^']|'')*'|"(?:[^"]|"")*"/g;
const COPY_IN = /(?:^|;)\s*copy\b[^;]*\bfrom\s+stdin\b/i;

/** True when the text holds a statement that wants its rows from the client's stream. */
export function wantsCopyIn(text: string): boolean {
  if (!SUSPECT.test(text)) return false;
  return COPY_IN.test(
    text.replace(QUOTED, (part) => (/^(--|\/\*)/.test(part) ? ' ' : part[0] === '"' ? 'x' : "''")),
  );
}
