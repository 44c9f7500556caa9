/** What member cards look like in requests and replies of the API. */
import { z } from 'zod';
import type { MadeCard } from './manage.ts';
import type { CardRow } from './queries.ts';

export const typed = (max: number) => z.string().max(max);
export const cardBody = z.strictObject({
  number: typed(80)
    .optional()
    .describe('Your own number, 3 to 32 letters and digits; made, with a check digit, without it.'),
  name: typed(200).optional().describe('Whose card it is; shown to staff only.'),
  pin: typed(80)
    .optional()
    .describe('4 to 8 digits the member types beside the number; made when no phone is given.'),
  phone: typed(80)
    .optional()
    .describe('Phone on file: its last four digits are typed beside the number. Not kept.'),
  expires: typed(40).optional().describe('Last day it is good for, or an instant, ISO 8601.'),
});

export const changeBody = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1)
    .max(120)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not hold control characters')
    .nullable()
    .optional()
    .describe('Whose card it is, or null.'),
  pin: typed(80).optional().describe('A new PIN, 4 to 8 digits; wrong tries are forgotten.'),
  phone: typed(80).optional().describe('A new phone on file instead of a PIN.'),
  blocked: z.boolean().optional().describe('Refused at the portal (true) or good again (false).'),
  expires: typed(40).nullable().optional().describe('Last day, or null for no end.'),
});

export const card = z.object({
  id: z.string().describe('Identifier.'),
  number: z.string().describe('The number, as it is kept: upper case, without blanks or dashes.'),
  name: z.string().nullable().describe('Whose card it is, or null.'),
  factor: z.enum(['pin', 'phone']).describe('What is typed beside the number.'),
  guestId: z.string().nullable().describe('The guest who came with it, or null.'),
  blocked: z.boolean().describe('Whether it is refused at the portal.'),
  expiresAt: z.string().nullable().describe('When it stops being good, ISO 8601 UTC, or null.'),
  createdAt: z.string().describe('When it was made, ISO 8601 UTC.'),
});

const made = card.extend({
  row: z.number().describe('Which row of the request, from 1; in CSV the line of the file.'),
  pin: z.string().nullable().describe('The PIN if it was made here: shown this once. Else null.'),
});

export const outcome = z.object({
  cards: z.array(made).describe('Cards that were made.'),
  errors: z
    .array(
      z.object({
        row: z.number().describe('Which row of the request, from 1; in CSV the line of the file.'),
        message: z.string().describe('Why no card was made of it.'),
      }),
    )
    .describe('Rows of which no card was made; the others stand.'),
});

export const cardExample = {
  id: '019a9b3e-4c00-7abc-8def-0123456789ab',
  number: '481920375526',
  name: 'Ada L.',
  factor: 'pin' as const,
  guestId: null,
  blocked: false,
  expiresAt: '2027-12-31T23:59:59.999Z',
  createdAt: '2026-11-17T12:00:00.000Z',
};
export const outcomeExample = {
  cards: [{ ...cardExample, row: 1, pin: '402817' }],
  errors: [{ row: 2, message: 'A card with this number exists already.' }],
};

export function shown(row: CardRow) {
  return {
    id: row.id,
    number: row.number,
    name: row.name,
    factor: row.factor,
    guestId: row.guest_id,
    blocked: row.blocked_at !== null,
    expiresAt: row.expires_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}

export const shownMade = ({ row, card: kept, pin }: MadeCard) => ({ ...shown(kept), row, pin });
