/** CSV that a spreadsheet opens as data: RFC 4180, with cells that would run as formulas defused. */
import type { Response } from 'express';

export type CsvCell = string | number | boolean | Date | null;

/** Signs that make a spreadsheet read a cell as a formula, wide forms and leading blanks included. */
const formula = /^[\s\p{Cc}]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/u;

/** PURE. One cell; text that could be a formula gets an apostrophe in front (numbers of ours do not). */
export function csvCell(value: CsvCell): string {
  if (value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = value instanceof Date ? value.toISOString() : value;
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",\r\n;\t]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** PURE. */
export function csvLine(cells: readonly CsvCell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

/** Sends a table as a download; the mark at the start tells spreadsheets it is UTF-8. */
export function sendCsv(
  response: Response,
  name: string,
  head: readonly string[],
  rows: Iterable<readonly CsvCell[]>,
): void {
  response.attachment(`${name}.csv`).type('text/csv; charset=utf-8');
  response.send(`\uFEFF${csvLine(head)}${Array.from(rows, csvLine).join('')}`);
}
