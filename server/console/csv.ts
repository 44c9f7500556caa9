/** Tables as downloads that a spreadsheet opens as data. */
import type { Response } from 'express';
import type { CsvCell } from '../http/csv.ts';
import { csvLine } from '../http/csv.ts';

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
