/** PURE. The fence form as a page without scripts posts it: what is typed, read into a fence, written back. */
import { readDay, writeDay } from './shared/opening.ts';
import type { Datum, Direction, FenceKind, FenceValue, OpeningHours } from './shared/fence.ts';
import { blankFence, isDrawn } from './shared/fence.ts';
import { readRadio, writeRadio } from './shared/radio-keys.ts';
import type { TypedRadio } from './shared/radio-keys.ts';
import { readShape, writeShape } from './shared/typed-shape.ts';

/** The form's fields as typed. */
export interface FenceDraft extends TypedRadio {
  id: string;
  name: string;
  kind: FenceKind;
  floor: string;
  category: string;
  minutes: string;
  parentId: string;
  active: boolean;
  coordinates: string;
  radius: string;
  width: string;
  direction: Direction;
  members: readonly string[];
  of: 'any' | 'all';
  priority: string;
  /** Minutes. */
  cooldown: string;
  /** Whether it has opening hours at all. */
  limited: boolean;
  timezone: string;
  /** Monday first. */
  days: readonly string[];
  datum: Datum;
  /** How many visits would go with it. */
  visits: number;
}

const NO_DAYS = ['', '', '', '', '', '', ''];
const hundredths = (value: number): string => String(Math.round(value * 100) / 100);
const known = (value: number | null): string => (value === null ? '' : String(value));

export function draftOf(
  fence: FenceValue & { id: string },
  visits: number,
  timezone: string,
): FenceDraft {
  return {
    ...writeRadio(fence.radio ?? []),
    id: fence.id,
    name: fence.name,
    kind: fence.kind,
    floor: fence.floor ?? '',
    category: fence.category ?? '',
    minutes: hundredths(fence.minDwellSeconds / 60),
    parentId: fence.parentId ?? '',
    active: fence.active,
    coordinates: writeShape(fence.geometry),
    radius: known(fence.radius),
    width: known(fence.width),
    direction: fence.direction ?? 'both',
    members: fence.members ?? [],
    of: fence.of ?? 'any',
    priority: String(fence.priority),
    cooldown: hundredths(fence.cooldownSeconds / 60),
    limited: fence.hours !== null,
    timezone: fence.hours?.timezone ?? timezone,
    days: fence.hours?.week.map(writeDay) ?? NO_DAYS,
    datum: fence.datum,
    visits,
  };
}

export const emptyDraft = (kind: FenceKind, timezone: string): FenceDraft =>
  draftOf({ ...blankFence(kind), id: '' }, 0, timezone);

/** A fault is a text key below `fences`. */
export type ReadDraft =
  { ok: true; value: FenceValue } | { ok: false; fault: string; line: number };

const fault = (key: string, line = 1): ReadDraft => ({ ok: false, fault: key, line });

export function readDraft(draft: FenceDraft): ReadDraft {
  if (draft.name === '') return fault('nameMissing');
  const shape = readShape(draft.kind, draft.coordinates);
  if (!shape.ok) return fault(`unreadable.${shape.fault}`, shape.line);
  const radius = draft.kind === 'circle' ? Number(draft.radius) : null;
  if (radius !== null && !(radius >= 3 && radius <= 10_000)) return fault('unreadable.radius');
  const width = draft.kind === 'corridor' ? Number(draft.width) : null;
  if (width !== null && !(width >= 1 && width <= 2_000)) return fault('unreadable.width');
  const radio = readRadio(draft);
  if (!radio.ok) return fault(`unreadable.${radio.fault}`, radio.line);
  if (draft.kind === 'radio' && radio.keys.length === 0) return fault('unreadable.silent');
  if (draft.kind === 'composite' && draft.members.length === 0) return fault('unreadable.alone');
  const days = draft.days.map(readDay);
  const wrong = draft.limited ? days.indexOf(null) : -1;
  if (wrong >= 0) return fault('unreadable.hours', wrong + 1);
  const week = days.map((day) => day ?? []);
  const hours: OpeningHours | null = draft.limited ? { timezone: draft.timezone, week } : null;
  const geometry = isDrawn(draft.kind) ? shape.geometry : null;
  return {
    ok: true,
    value: { ...plain(draft), geometry, radius, width, radio: radio.keys, hours },
  };
}

const within = (text: string, least: number, most: number): number =>
  Math.min(most, Math.max(least, Number(text) || 0));

/** Fields that are taken as they are, or put into their bounds. */
function plain(
  draft: FenceDraft,
): Omit<FenceValue, 'geometry' | 'radius' | 'width' | 'radio' | 'hours'> {
  const composite = draft.kind === 'composite';
  return {
    name: draft.name,
    kind: draft.kind,
    floor: draft.floor || null,
    parentId: draft.parentId || null,
    category: draft.category || null,
    minDwellSeconds: Math.round(within(draft.minutes, 0, 1440) * 60),
    active: draft.active,
    direction: draft.kind === 'tripwire' ? draft.direction : null,
    members: composite ? draft.members : null,
    of: composite ? draft.of : null,
    priority: Math.round(within(draft.priority, -100, 100)),
    cooldownSeconds: Math.round(within(draft.cooldown, 0, 43_200) * 60),
    datum: draft.datum,
  };
}
