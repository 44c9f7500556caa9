/** Lists page by page, from newest to oldest: what is asked and answered, and cursors of an instant and the id at it. */
import { z } from 'zod';
import { problem } from '../errors.ts';

/** What a request for a page says beside what the list is of. */
export const pageQuery = {
  cursor: z.string().max(200).optional().describe('`next` of the page before.'),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(200)
    .default(50)
    .describe('How many at most; 50 unless said.'),
};
/** The same for lists that are in the order of their ids, which are then the cursors. */
export const idPageQuery = {
  ...pageQuery,
  cursor: z.uuid().optional().describe('`next` of the page before.'),
};
export const pageNext = z
  .string()
  .nullable()
  .describe('Where the list goes on, or null at its end.');

export interface Cursor {
  at: Date;
  id: string;
}

export function encodeCursor(at: Date, id: string): string {
  return Buffer.from(`${at.getTime()} ${id}`).toString('base64url');
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** For lists whose ids are texts of our own making. */
export const textId = /^[\w-]{1,64}$/;

/** Undefined stays undefined: the first page. `ids` is how an id of this list looks. */
export function decodeCursor(text: string | undefined, ids = uuid): Cursor | undefined {
  if (text === undefined) return undefined;
  const [, ms, id] =
    /^(-?\d{1,15}) (.*)$/.exec(Buffer.from(text, 'base64url').toString('utf8')) ?? [];
  if (ms === undefined || id === undefined || !ids.test(id)) {
    throw problem('invalid-request', { detail: 'query.cursor: not a cursor of this list' });
  }
  return { at: new Date(Number(ms)), id };
}

/**
 * One page of rows that were asked for with one more than `limit`, and the cursor of the next page,
 * null at the end. `at` is the instant the list is sorted by.
 */
export function paged<T extends { id: string }>(
  rows: readonly T[],
  limit: number,
  at: (row: T) => Date,
): { page: T[]; next: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { page, next: rows.length > limit && last ? encodeCursor(at(last), last.id) : null };
}

/** The same for lists that are in the order of their ids. */
export function pagedById<T extends { id: string }>(
  rows: readonly T[],
  limit: number,
): { page: T[]; next: string | null } {
  const page = rows.slice(0, limit);
  return { page, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
}
