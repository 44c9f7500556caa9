/** PURE. Everything held about a guest as a file: JSON as stored, or CSV with one line a field. */
import type { GuestRecord } from '../guests/erase.ts';
import { shownGuest } from '../guests/schema.ts';
import { csvLine } from '../http/csv.ts';

export interface Download {
  body: string;
  type: string;
  name: string;
}

export function downloadOf(record: GuestRecord, as: 'json' | 'csv', now: number): Download {
  const day = new Date(now).toISOString().slice(0, 10);
  const held = { guest: shownGuest(record.guest), ...record.sections };
  if (as === 'csv') {
    return { body: csvOf(held), type: 'text/csv; charset=utf-8', name: `my-data-${day}.csv` };
  }
  const body = `${JSON.stringify({ ...held, cutShort: record.cutShort }, null, 2)}\n`;
  return { body, type: 'application/json; charset=utf-8', name: `my-data-${day}.json` };
}

/** Sections differ in their columns, so that each field has a line of its own. */
function csvOf(held: Record<string, unknown>): string {
  const lines = [csvLine(['section', 'row', 'field', 'value'])];
  for (const [section, content] of Object.entries(held)) {
    const rows = (Array.isArray(content) ? content : [content]) as Record<string, unknown>[];
    rows.forEach((row, index) => {
      for (const [field, value] of Object.entries(row)) {
        lines.push(csvLine([section, index + 1, field, cellOf(value)]));
      }
    });
  }
  // The mark tells spreadsheets that it is UTF-8.
  return `\uFEFF${lines.join('')}`;
}

function cellOf(value: unknown): string | number | boolean | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  return JSON.stringify(value);
}
