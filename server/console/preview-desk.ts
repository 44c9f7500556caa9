/** What the console knows of the portal's preview: filled in where the two meet. */
import type { PortalStore } from '../stores/view.ts';
import type { Language } from '../stores/words.ts';

export const previewPages = ['choose', 'code', 'consent', 'welcome'] as const;

export interface PreviewRequest {
  page: (typeof previewPages)[number];
  language: Language;
  /** Drawn as on a phone that is set to dark. */
  dark: boolean;
  /** Minutes online that the last page tells of. */
  minutes: number;
}

/** A page of the portal for a store whose settings need not be saved; `nonce` is the one of its styles. */
export type PreviewDesk = (
  store: PortalStore,
  asked: PreviewRequest,
) => Promise<{ html: string; nonce: string }>;
