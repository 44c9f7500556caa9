/** PURE. Text from outside that storage can hold: no NUL, no half of a surrogate pair. */
import { z } from 'zod';

// oxlint-disable-next-line no-control-regex -- NUL is exactly what is looked for
const UNSTORABLE = /[\u0000\p{Surrogate}]/u;

/** A string of `min` to `max` characters, blanks around it cut off; otherwise it is kept as it is. */
export function text(min: number, max: number): z.ZodString {
  return z
    .string()
    .trim()
    .min(min)
    .max(max)
    .refine((value) => !UNSTORABLE.test(value), 'contains characters that cannot be stored');
}
