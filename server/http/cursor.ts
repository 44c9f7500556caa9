/** Keyset cursors for lists that run from newest to oldest: an instant and the id at it. */
import { problem } from '../errors.ts';

export interface Cursor {
  at: Date;
  id: string;
}

export function encodeCursor(at: Date, id: string): string {
  return Buffer.from(`${at.getTime()} ${id}`).toString('base64url');
}

/** Undefined stays undefined: the first page. */
export function decodeCursor(text: string | undefined): Cursor | undefined {
  if (text === undefined) return undefined;
  const [, ms, id] =
    /^(-?\d{1,15}) ([\w-]{1,64})$/.exec(Buffer.from(text, 'base64url').toString('utf8')) ?? [];
  if (ms === undefined || id === undefined) {
    throw problem('invalid-request', { detail: 'query.cursor: not a cursor of this list' });
  }
  return { at: new Date(Number(ms)), id };
}
