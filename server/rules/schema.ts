/** The rule language: the zod schema of a definition and the types every other part reads. */
import { z } from 'zod';
import { text } from '../offers/text.ts';
import { operators, triggers } from './fields.ts';
import type { FactValue, Operator } from './fields.ts';

/** A condition tree may nest this deep and ask this many questions. */
export const MOST_DEPTH = 8;
export const MOST_LEAVES = 64;
const MOST_VALUES = 50;

export interface Leaf {
  field: string;
  op: Operator;
  value?: FactValue | FactValue[] | undefined;
}

/** `all`, `any` and `not` over questions; three-valued: a fact that is not known makes no answer. */
export type Condition = { all: Condition[] } | { any: Condition[] } | { not: Condition } | Leaf;

const scalar = z.union([text(0, 200), z.number(), z.boolean()]);

const leaf = z.strictObject({
  field: z.string().min(1).max(60).describe('Name of a field of the catalogue'),
  op: z.enum(operators).describe('Operator; GET /v1/rule-fields says which ones a field takes'),
  value: z
    .union([scalar, z.array(scalar).min(1).max(MOST_VALUES)])
    .optional()
    .describe(
      'Value to compare with; a list for in, not_in and between; absent for known, unknown',
    ),
});

/** One instance for all depths: the API document recognises a schema it has met before. */
const branch = z
  .array(z.lazy((): z.ZodType<Condition> => tree))
  .min(1)
  .max(MOST_LEAVES);

const tree: z.ZodType<Condition> = z.union([
  z.strictObject({ all: branch.describe('Every one must be true') }),
  z.strictObject({ any: branch.describe('One must be true') }),
  z.strictObject({ not: z.lazy((): z.ZodType<Condition> => tree).describe('Must be false') }),
  leaf,
]);

/** Depth and leaves, counted without recursion: a hostile body cannot exhaust the stack. */
function tooLarge(root: unknown): string | undefined {
  const open: [node: unknown, depth: number][] = [[root, 1]];
  let leaves = 0;
  for (let next = open.pop(); next; next = open.pop()) {
    const [node, depth] = next;
    if (depth > MOST_DEPTH) return `conditions may nest ${MOST_DEPTH} deep`;
    const { all, any, not } = (node ?? {}) as Record<string, unknown>;
    const below = [all, any].find(Array.isArray) as unknown[] | undefined;
    for (const child of below ?? (not === undefined ? [] : [not])) open.push([child, depth + 1]);
    if (below === undefined && not === undefined && ++leaves > MOST_LEAVES) {
      return `a rule may ask ${MOST_LEAVES} questions`;
    }
  }
  return undefined;
}

const condition = z
  .unknown()
  .superRefine((value, context) => {
    const message = tooLarge(value);
    if (message) context.addIssue({ code: 'custom', message });
  })
  .pipe(tree);

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be HH:MM');
const span = z
  .string()
  .regex(/^[1-9]\d{0,4}[mhd]$/, 'must be a number with m, h or d, such as 7d')
  .refine((text) => Number.parseInt(text, 10) <= { m: 1440, h: 720, d: 366 }[text.slice(-1)]!, {
    message: 'may be 1440m, 720h or 366d at most',
  });

const cap = z.strictObject({
  n: z.number().int().min(1).max(100).describe('How many at most'),
  per: span.describe('Sliding window: minutes, hours or days, such as 30m, 12h, 7d'),
});
const storeCap = cap.extend({
  n: z.number().int().min(1).max(1_000_000).describe('How many at most'),
});

const hours = z
  .strictObject({
    from: clock.describe('Start on the store’s wall clock, HH:MM'),
    to: clock.describe('End, HH:MM; before `from` it is on the next day'),
  })
  .refine(({ from, to }) => from !== to, 'must not start and end at the same time');

const window = z
  .strictObject({
    from: z.iso.datetime({ offset: true }).optional().describe('First instant of the rule'),
    to: z.iso.datetime({ offset: true }).optional().describe('First instant after the rule'),
    days: z
      .array(z.number().int().min(1).max(7))
      .min(1)
      .max(7)
      .optional()
      .describe('Days of the week in the store, 1 = Monday'),
    hours: hours.optional().describe('Hours of the day in the store'),
    tz: z.literal('store').default('store').describe('Whose clock: the store’s'),
  })
  .refine(({ from, to }) => !from || !to || Date.parse(from) < Date.parse(to), {
    message: 'must end after it starts',
    path: ['to'],
  });

/** What a rule says; everything but `trigger` may be left out. */
export const definitionSchema = z.strictObject({
  trigger: z.enum(triggers).describe('The event that makes this rule a candidate'),
  scope: z
    .strictObject({
      storeId: z.uuid().optional().describe('Only in this store'),
      fenceId: z.uuid().optional().describe('Only for visits of this fence'),
    })
    .default({})
    .describe('Where the rule applies; everywhere when empty'),
  when: condition
    .optional()
    .describe(
      'Condition tree of {all: […]}, {any: […]}, {not: …} and {field, op, value}; absent means always. At most 8 deep and 64 questions',
    ),
  window: window.optional().describe('When the rule is alive'),
  caps: z
    .strictObject({
      guest: z.array(cap).max(5).default([]).describe('Limits for one guest'),
      store: z.array(storeCap).max(5).default([]).describe('Limits for one store'),
    })
    .default({ guest: [], store: [] })
    .describe('How often it may fire; held-out guests count too'),
  quiet: z
    .strictObject({
      from: clock.describe('Start of the quiet hours, HH:MM'),
      to: clock.describe('End of the quiet hours, HH:MM'),
      mode: z.literal('drop').default('drop').describe('What happens then: the offer is dropped'),
    })
    .refine(({ from, to }) => from !== to, 'must not start and end at the same time')
    .optional()
    .describe('Hours without offers, on the store’s wall clock; an unknown zone counts as quiet'),
  group: z
    .strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,40}$/, 'must be letters, digits, - or _')
        .describe('Rules of one group exclude each other'),
      priority: z.number().int().min(-1000).max(1000).default(0).describe('The higher one wins'),
      per: span.default('4h').describe('One offer of the group in this time, across visits'),
    })
    .optional()
    .describe('Exclusion group'),
  experiment: z
    .strictObject({
      salt: text(1, 60)
        .optional()
        .describe('Seed of the draw; the rule’s id unless set. Same salt, same held-out guests'),
      holdout: z.number().min(0).max(0.9).default(0.1).describe('Share held out, 0..0.9'),
    })
    .default({ holdout: 0.1 })
    .describe('Guests held out, by hash, to measure what the offer really changes'),
  budget: z
    .strictObject({
      units: z.number().int().min(1).max(10_000_000).describe('Vouchers in all'),
    })
    .optional()
    .describe('How many vouchers this rule may issue'),
  maxAgeSeconds: z
    .number()
    .int()
    .min(1)
    .max(3600)
    .default(120)
    .describe('Older events never fire, s'),
  minBand: z
    .enum(['high', 'medium', 'low', 'none'])
    .default('none')
    .describe('Sureness a visit must have at least'),
});

/** A definition as stored: defaults filled in. */
export type Definition = z.output<typeof definitionSchema>;
/** A definition as written. */
export type DefinitionInput = z.input<typeof definitionSchema>;
