/** PURE. From when on a new fence counts. */
import { problem } from '../errors.ts';

const DAY = 86_400_000;
/** Pings older than this are refused, so nothing older could be judged by it. */
const FURTHEST = 30 * DAY;

/** Undefined when nothing was asked for; throws when it lies ahead or too far back. */
export function sinceWhen(text: string | undefined, now: number): Date | undefined {
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (at > now || at < now - FURTHEST) {
    const message = 'since must lie within the last 30 days';
    throw problem('invalid-request', { detail: message, errors: [{ path: 'since', message }] });
  }
  return new Date(at);
}
