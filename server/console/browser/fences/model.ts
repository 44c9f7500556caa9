/** What the fence editor knows: saved fences, unsaved drafts over them, what is selected. No page, no map. */
import type { StoredFence } from '../../shared/fence.ts';

/** Its id is `new-…` until it is saved, its version then 0. */
export type EditorFence = StoredFence;

export interface EditorModel {
  all(): EditorFence[];
  get(id: string): EditorFence | undefined;
  /** As it was last saved, without the draft over it. */
  savedOne(id: string): EditorFence | undefined;
  isDirty(id: string): boolean;
  anyDirty(): boolean;
  selected(): string | null;
  select(id: string | null): void;
  /** Changes the draft of a fence. */
  change(id: string, over: Partial<EditorFence>): void;
  /** Adds an unsaved fence and selects it; returns its temporary id. */
  add(fence: Omit<EditorFence, 'id' | 'version'>): string;
  /** Back to what was saved; an unsaved fence goes away. */
  discard(id: string): void;
  /** The server answered: `id` may change from temporary to real. */
  saved(id: string, fence: EditorFence): void;
  removed(id: string): void;
  /** Other fences stand now; drafts over those that are still there stay. */
  reset(fences: readonly EditorFence[]): void;
  /** Drafts as they can be kept over a reload. */
  drafts(): EditorFence[];
}

/** `restored` are drafts kept from before a reload; those of fences that are gone are dropped. */
export function createModel(
  fences: readonly EditorFence[],
  restored: readonly EditorFence[],
  onChange: () => void,
): EditorModel {
  const saved = new Map(fences.map((fence) => [fence.id, fence]));
  const drafts = new Map<string, EditorFence>();
  for (const draft of restored) {
    // Kept by a page of an earlier release, it lacks what later kinds need.
    if (draft.kind === undefined) continue;
    if (draft.id.startsWith('new-') || saved.has(draft.id)) drafts.set(draft.id, draft);
  }
  let selected: string | null = null;
  let counter = restored.length;
  const get = (id: string): EditorFence | undefined => drafts.get(id) ?? saved.get(id);
  const put = (id: string, draft: EditorFence): void => {
    if (JSON.stringify(draft) === JSON.stringify(saved.get(id))) drafts.delete(id);
    else drafts.set(id, draft);
  };
  return {
    all: () => [...new Set([...saved.keys(), ...drafts.keys()])].map((id) => get(id)!),
    get,
    savedOne: (id) => saved.get(id),
    isDirty: (id) => drafts.has(id),
    anyDirty: () => drafts.size > 0,
    selected: () => selected,
    select(id) {
      selected = id;
      onChange();
    },
    change(id, over) {
      const fence = get(id);
      if (!fence) return;
      put(id, { ...fence, ...over });
      onChange();
    },
    add(fence) {
      const id = `new-${++counter}`;
      drafts.set(id, { ...fence, id, version: 0 });
      selected = id;
      onChange();
      return id;
    },
    discard(id) {
      drafts.delete(id);
      if (!saved.has(id)) selected = null;
      onChange();
    },
    saved(id, fence) {
      drafts.delete(id);
      saved.delete(id);
      saved.set(fence.id, fence);
      if (selected === id) selected = fence.id;
      onChange();
    },
    removed(id) {
      drafts.delete(id);
      saved.delete(id);
      if (selected === id) selected = null;
      onChange();
    },
    reset(stored) {
      // Fences of no store are not in a store's list.
      for (const { id } of stored) saved.delete(id);
      for (const fence of stored) saved.set(fence.id, fence);
      for (const id of drafts.keys())
        if (!id.startsWith('new-') && !saved.has(id)) drafts.delete(id);
      onChange();
    },
    drafts: () => [...drafts.values()],
  };
}
