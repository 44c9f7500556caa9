/** What an entry of the consent ledger looks like in replies of the API. */
import { z } from 'zod';
import { purposes } from '../stores/wordings.ts';
import type { ConsentRow } from './queries.ts';

export const consentReply = z.object({
  id: z.string().describe('Identifier.'),
  guestId: z.string().describe('Who chose.'),
  storeId: z.string().nullable().describe('At which store, or null.'),
  purpose: z.enum(purposes).describe('What was agreed to, or not.'),
  granted: z.boolean().describe('Agreed (true), or refused or withdrawn (false).'),
  version: z.string().describe('Version of the wording shown.'),
  textSha256: z.string().describe('SHA-256 of the wording shown, UTF-8, lower-case hex.'),
  language: z.string().describe('Language of the wording shown.'),
  source: z
    .enum(['portal', 'console', 'api', 'email-link', 'self-service'])
    .describe('Where it was recorded.'),
  method: z
    .enum(['form', 'link', 'staff', 'age-gate'])
    .nullable()
    .describe('How the choice was made; null in entries older than this field.'),
  proof: z
    .object({
      pageSha256: z.string().nullable().describe('SHA-256 of the page’s own text as shown.'),
      screen: z.string().nullable().describe('Which page it was.'),
      ip: z.string().nullable().describe('Network address the choice came from.'),
      userAgent: z.string().nullable().describe('Browser it came from.'),
    })
    .describe('What was on the screen, and where; null where it was not told.'),
  givenAt: z.string().describe('When it was recorded, ISO 8601 UTC.'),
});

export function shownConsent(row: ConsentRow) {
  return {
    id: row.id,
    guestId: row.guest_id,
    storeId: row.store_id,
    purpose: row.purpose,
    granted: row.granted,
    version: row.text_version,
    textSha256: row.text_sha256,
    language: row.language,
    source: row.source,
    method: row.method,
    proof: {
      pageSha256: row.page_sha256,
      screen: row.screen,
      ip: row.ip,
      userAgent: row.user_agent,
    },
    givenAt: row.given_at.toISOString(),
  };
}

export const consentExample = {
  id: '019a9b3e-4c01-7abc-8def-0123456789ab',
  guestId: '019a9b3e-4c00-7abc-8def-0123456789ab',
  storeId: '019a9b3e-0000-7abc-8def-0123456789ab',
  purpose: 'marketing' as const,
  granted: true,
  version: 'standard-1',
  textSha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  language: 'en',
  source: 'portal' as const,
  method: 'form' as const,
  proof: {
    pageSha256: '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
    screen: 'consent',
    ip: '192.0.2.10',
    userAgent: 'Mozilla/5.0',
  },
  givenAt: '2026-11-17T12:00:00.000Z',
};
