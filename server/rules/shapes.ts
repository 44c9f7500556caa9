/** The shapes of rules, decisions and fields on the wire, and how stored rows become them. */
import { z } from 'zod';
import { text } from '../offers/text.ts';
import type { Decision, StoredRule } from './queries.ts';
import { gateText, reasonText } from './reasons.ts';
import { definitionSchema } from './schema.ts';
import { toSentence } from './sentence.ts';
import type { Names, Part } from './sentence.ts';

const id = z.uuid();
const time = z.iso.datetime();
const status = z.enum(['draft', 'live', 'paused']);

export const ruleParams = z.strictObject({ id: id.describe('Rule id') });

export const newRuleBody = z.strictObject({
  name: text(1, 120).describe('Name for your own use'),
  offerId: id.describe('The offer whose voucher is issued'),
  status: status.default('draft').describe('live = decides from now on'),
  definition: definitionSchema.describe('What the rule says'),
});

export const editRuleBody = z.strictObject({
  name: text(1, 120).describe('Name for your own use'),
  offerId: id.describe('The offer whose voucher is issued'),
  definition: definitionSchema.describe('What the rule says from now on'),
  version: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Version you started from; 409 when somebody edited it since'),
});

export const statusBody = z.strictObject({
  status: status.describe('draft, live or paused; takes effect with the next event'),
});

const parts = z.array(
  z.object({
    text: z.string().describe('Plain text'),
    strong: z.literal(true).optional().describe('Set where the merchant chose this'),
  }),
);

export const ruleReply = z.object({
  id: z.string().describe('Rule id'),
  name: z.string().describe('Name'),
  offerId: z.string().describe('Offer'),
  storeId: z.string().nullable().describe('Store it is limited to'),
  status: z.string().describe('draft, live or paused'),
  version: z.number().describe('Counts edits, from 1'),
  trigger: z.string().describe('Event that makes it a candidate'),
  definition: z.record(z.string(), z.unknown()).describe('What the rule says, defaults filled in'),
  issued: z.number().describe('Vouchers it issued, all versions'),
  sentence: z
    .object({ en: parts.describe('In English'), 'zh-CN': parts.describe('In Chinese') })
    .describe('The rule told as a sentence'),
  createdAt: time.describe('When it was made'),
  updatedAt: time.describe('When it last changed'),
});

/** The rule in both languages; nothing where the stored definition cannot be read. */
export function sentencesOf(
  rule: Pick<StoredRule, 'definition' | 'trigger' | 'offerId'>,
  names: Record<'stores' | 'fences' | 'offers', ReadonlyMap<string, string>>,
): { en: Part[]; 'zh-CN': Part[] } {
  const { trigger, definition } = rule;
  const parsed = definitionSchema.safeParse({ trigger, ...(definition as object) });
  if (!parsed.success) return { en: [], 'zh-CN': [] };
  const { stores, fences, offers } = names;
  const called: Names = { offer: offers.get(rule.offerId) ?? '', stores, fences };
  return {
    en: toSentence(parsed.data, called, 'en'),
    'zh-CN': toSentence(parsed.data, called, 'zh-CN'),
  };
}

export function showRule(
  rule: StoredRule,
  names: Record<'stores' | 'fences' | 'offers', ReadonlyMap<string, string>>,
) {
  return {
    ...rule,
    definition: rule.definition as Record<string, unknown>,
    sentence: sentencesOf(rule, names),
    createdAt: rule.createdAt.toISOString(),
    updatedAt: rule.updatedAt.toISOString(),
  };
}

export const decisionQuery = z.strictObject({
  ruleId: id.optional().describe('Only this rule'),
  outcome: z.enum(['issued', 'held_out', 'refused']).optional().describe('Only this outcome'),
  reason: text(1, 40).optional().describe('Only this reason code'),
  storeId: id.optional().describe('Only this store'),
  guestId: id.optional().describe('Only this guest'),
  deviceId: id.optional().describe('Only this device'),
  cursor: z.string().max(200).optional().describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('Lines in a page'),
});

const told = z.object({
  en: z.string().describe('English'),
  'zh-CN': z.string().describe('Chinese'),
});

export const decisionReply = z.object({
  items: z
    .array(
      z.object({
        id: z.string().describe('Decision id: the same event always gives the same'),
        ruleId: z.string().describe('Rule'),
        ruleName: z.string().describe('Its name'),
        ruleVersion: z.number().describe('Version that decided'),
        eventId: z.string().describe('The event'),
        trigger: z.string().describe('Kind of event'),
        storeId: z.string().nullable().describe('Store'),
        fenceId: z.string().nullable().describe('Fence'),
        visitId: z.string().nullable().describe('Visit'),
        sessionId: z.string().nullable().describe('WiFi session'),
        guestId: z.string().nullable().describe('Guest'),
        deviceId: z.string().nullable().describe('Device'),
        group: z.string().nullable().describe('Exclusion group'),
        outcome: z.string().describe('issued, held_out or refused'),
        gate: z.string().describe('Gate at which it stopped'),
        gateText: told.describe('The gate’s name'),
        reason: z.string().describe('Stable reason code'),
        reasonText: told.describe('The reason as a sentence'),
        trace: z
          .record(z.string(), z.unknown())
          .describe('`detail`: figures of the gate; `when`: the conditions with their facts'),
        decidedAt: time.describe('When it was decided'),
      }),
    )
    .describe('Decisions, newest first'),
  next: z.string().nullable().describe('Cursor of the next page; null at the end'),
});

function both(tell: (code: string, language: 'en' | 'zh-CN') => string, code: string) {
  return { en: tell(code, 'en'), 'zh-CN': tell(code, 'zh-CN') };
}

export function showDecision(decision: Decision) {
  const { gate, reason } = decision;
  return {
    ...decision,
    gateText: both(gateText, gate),
    reasonText: both(reasonText, reason),
    trace: decision.trace as Record<string, unknown>,
    decidedAt: decision.decidedAt.toISOString(),
  };
}
