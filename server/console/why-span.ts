/** PURE. The span somebody asks about, between wall clocks of a zone and instants. */

export interface Span {
  /** Milliseconds since 1970. */
  from: number;
  to: number;
  /** `from` as the clock on the wall shows it, for a field of type datetime-local. */
  local: string;
  minutes: number;
}

const MINUTE = 60_000;
/** Lengths that the page offers. */
export const lengths = [15, 30, 60, 120, 360, 720, 1440] as const;
const usual = 120;
/** Around a visit, so that one sees how it began and ended. */
const AROUND = 5 * MINUTE;

/** An instant as `2026-11-21T10:05`, by the clock on the wall of a zone. */
export function localOf(at: number, timeZone: string): string {
  const shown = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'short',
  }).format(new Date(at));
  return shown.replace(' ', 'T');
}

/** The instant at which the clock on the wall shows this; null for what is no such time. */
export function instantOf(local: string, timeZone: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$/.test(local)) return null;
  const wall = Date.parse(`${local.slice(0, 16)}Z`);
  if (Number.isNaN(wall)) return null;
  let at = wall;
  // Twice: the first guess may lie on the other side of a change of clocks.
  for (let i = 0; i < 2; i++) at += wall - Date.parse(`${localOf(at, timeZone)}Z`);
  return at;
}

export function spanOf(from: number, minutes: number, timeZone: string): Span {
  const start = Math.floor(from / MINUTE) * MINUTE;
  return { from: start, to: start + minutes * MINUTE, local: localOf(start, timeZone), minutes };
}

/** What was asked for, else the hours before the device was last heard. */
export function askedSpan(
  asked: { from: string; span: string },
  lastHeard: number,
  timeZone: string,
): Span {
  const minutes = lengths.find((length) => String(length) === asked.span) ?? usual;
  const from = instantOf(asked.from, timeZone) ?? lastHeard + 2 * MINUTE - minutes * MINUTE;
  return spanOf(from, minutes, timeZone);
}

/** A visit with some time around it, in the shortest length offered that holds it. */
export function spanAround(entry: number, exit: number, timeZone: string): Span {
  const needed = (exit - entry + 2 * AROUND) / MINUTE;
  return spanOf(entry - AROUND, lengths.find((length) => length >= needed) ?? 1440, timeZone);
}
