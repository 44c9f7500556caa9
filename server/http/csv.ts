/** PURE. CSV that a spreadsheet opens as data: RFC 4180, with cells that would run as formulas defused. */

export type CsvCell = string | number | boolean | Date | null;

/** Signs that make a spreadsheet read a cell as a formula, wide forms and leading blanks included. */
const formula = /^[\s\p{Cc}]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/u;

/** One cell; text that could be a formula gets an apostrophe in front (numbers of ours do not). */
export function csvCell(value: CsvCell): string {
  if (value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = value instanceof Date ? value.toISOString() : value;
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",\r\n;\t]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvLine(cells: readonly CsvCell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

export interface CsvRow {
  /** Line of the file it begins on, the first being 1. */
  line: number;
  cells: string[];
}

/** The sign between cells: the one of `,`, `;` and tab that the first line holds most of. */
function separatorOf(text: string): string {
  const head = text.slice(0, text.search(/[\r\n]|$/));
  const count = (sign: string): number => head.split(sign).length - 1;
  return [',', ';', '\t'].toSorted((a, b) => count(b) - count(a))[0]!;
}

/**
 * Rows of a CSV text, at most `most` of them (more are cut off after one further row, so that the
 * caller sees it). Quoted cells may hold separators, doubled quotes and line breaks; empty lines are
 * no rows. Null when a quote is never closed.
 */
export function parseCsv(typed: string, most: number): CsvRow[] | null {
  const text = typed.replace(/^\uFEFF/, '');
  const separator = separatorOf(text);
  const rows: CsvRow[] = [];
  let [at, line] = [0, 1];
  while (at < text.length && rows.length <= most) {
    const row: CsvRow = { line, cells: [] };
    for (;;) {
      const cell = readCell(text, at, separator);
      if (cell === null) return null;
      row.cells.push(cell.text);
      line += cell.lines;
      at = cell.end;
      if (text[at] !== separator) break;
      at += 1;
    }
    if (text[at] === '\r' && text[at + 1] === '\n') at += 1;
    at += 1;
    line += 1;
    if (row.cells.some((cell) => cell.trim() !== '')) rows.push(row);
  }
  return rows;
}

interface ReadCell {
  text: string;
  end: number;
  /** Line breaks inside it. */
  lines: number;
}

function readCell(text: string, from: number, separator: string): ReadCell | null {
  if (text[from] !== '"') {
    let end = from;
    while (end < text.length && ![separator, '\r', '\n'].includes(text[end]!)) end += 1;
    return { text: text.slice(from, end), end, lines: 0 };
  }
  let end = from + 1;
  for (;;) {
    end = text.indexOf('"', end);
    if (end < 0) return null;
    if (text[end + 1] !== '"') break;
    end += 2;
  }
  const inside = text.slice(from + 1, end).replaceAll('""', '"');
  const lines = inside.split('\n').length - 1;
  // What follows a closing quote before the separator is dropped, as spreadsheets do.
  let after = end + 1;
  while (after < text.length && ![separator, '\r', '\n'].includes(text[after]!)) after += 1;
  return { text: inside, end: after, lines };
}
