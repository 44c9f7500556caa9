/** What an entry of the consent ledger looks like in replies of the API. */
import { z } from 'zod';
import { purposes } from '../stores/wordings.ts';
import type { ConsentRow } from './queries.ts';

export const consentReply = z.object({
  id: z.string().describe('Identifier.'),
  guestId: z.string().describe('Who chose.'),
  storeId: z.string().nullable().describe('At which store, or null.'),
  purpose: z.enum(purposes).describe('Terms of access, or messages about offers.'),
  granted: z.boolean().describe('Agreed (true), or refused or withdrawn (false).'),
  version: z.string().describe('Version of the wording shown.'),
  textSha256: z.string().describe('SHA-256 of the wording shown, UTF-8, lower-case hex.'),
  language: z.string().describe('Language of the wording shown.'),
  source: z.enum(['portal', 'console', 'api']).describe('Where it was recorded.'),
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
  givenAt: '2026-11-17T12:00:00.000Z',
};
