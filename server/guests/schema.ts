/** What guests, their answers and sessions look like in replies of the API. */
import { z } from 'zod';
import type { SessionRow } from '../sessions/queries.ts';
import type { AnswerRow, GuestRow } from './queries.ts';

const instant = (what: string) => z.string().describe(`${what}, ISO 8601 UTC.`);

export const guestReply = z.object({
  id: z.string().describe('Identifier.'),
  phone: z.string().nullable().describe('Proved phone number, E.164, or null.'),
  email: z.string().nullable().describe('Proved mail address, or null.'),
  name: z.string().nullable().describe('Name, or null.'),
  language: z.string().describe('Language last chosen: en or zh-CN.'),
  createdAt: instant('When first seen'),
  lastSeenAt: instant('When last let in'),
  blocked: z.boolean().describe('Whether the guest is refused at the portal.'),
});

export const sessionReply = z.object({
  id: z.string().describe('Identifier.'),
  storeId: z.string().describe('At which store.'),
  method: z.string().describe('How the guest proved who they are.'),
  state: z.enum(['pending', 'active', 'ended']).describe('pending until the gateway confirms.'),
  grantedAt: instant('When admitted'),
  expiresAt: instant('When the time runs out'),
  endedAt: z.string().nullable().describe('When it ended, ISO 8601 UTC, or null.'),
  endReason: z.string().nullable().describe('Why it ended, or null.'),
  bytesIn: z.number().describe('Bytes to the guest, once the gateway reported them.'),
  bytesOut: z.number().describe('Bytes from the guest, once the gateway reported them.'),
});

export const answerReply = z.object({
  key: z.string().describe('Key of the question.'),
  answer: z.string().nullable().describe('The answer, or null when it was waved away.'),
  answeredAt: instant('When'),
});

export function shownGuest(row: GuestRow) {
  return {
    id: row.id,
    phone: row.phone,
    email: row.email,
    name: row.name,
    language: row.language,
    createdAt: row.created_at.toISOString(),
    lastSeenAt: row.last_seen_at.toISOString(),
    blocked: row.blocked_at !== null,
  };
}

export function shownSession(row: SessionRow) {
  return {
    id: row.id,
    storeId: row.store_id,
    method: row.method,
    state: row.state,
    grantedAt: row.granted_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    endReason: row.end_reason,
    bytesIn: row.bytes_in,
    bytesOut: row.bytes_out,
  };
}

export function shownAnswer(row: AnswerRow) {
  return {
    key: row.question_key,
    answer: row.answer,
    answeredAt: row.answered_at.toISOString(),
  };
}

const GUEST_ID = '019a9b3e-4c00-7abc-8def-0123456789ab';

export const guestExample = {
  id: GUEST_ID,
  phone: '+447400123456',
  email: null,
  name: null,
  language: 'en',
  createdAt: '2026-11-10T09:30:00.000Z',
  lastSeenAt: '2026-11-17T12:00:00.000Z',
  blocked: false,
};

export const sessionExample = {
  id: '019a9b3e-4c02-7abc-8def-0123456789ab',
  storeId: '019a9b3e-0000-7abc-8def-0123456789ab',
  method: 'sms-code',
  state: 'active' as const,
  grantedAt: '2026-11-17T12:00:00.000Z',
  expiresAt: '2026-11-17T16:00:00.000Z',
  endedAt: null,
  endReason: null,
  bytesIn: 0,
  bytesOut: 0,
};
