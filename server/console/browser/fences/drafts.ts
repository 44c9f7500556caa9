/** Unsaved fences over a reload: kept for this tab only, gone when it is closed. */
import type { EditorFence } from './model.ts';

const keyOf = (storeId: string): string => `foyer fence drafts ${storeId}`;

export function keepDrafts(storeId: string, drafts: readonly EditorFence[]): void {
  try {
    if (drafts.length === 0) sessionStorage.removeItem(keyOf(storeId));
    else sessionStorage.setItem(keyOf(storeId), JSON.stringify(drafts));
  } catch {
    // Storage is full or switched off: leaving the page still warns.
  }
}

export function keptDrafts(storeId: string): EditorFence[] {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(keyOf(storeId)) ?? '[]');
    return Array.isArray(kept) ? (kept as EditorFence[]) : [];
  } catch {
    return [];
  }
}
