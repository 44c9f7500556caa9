/** PURE. What can only be heard in one place, as people type it and as the engine keys it. */

/** As it stands in the form: ticked gateways, and one thing a line for the rest. */
export interface TypedRadio {
  /** Ids. */
  gateways: readonly string[];
  bssids: string;
  beacons: string;
  codes: string;
}

export type ReadRadio =
  { ok: true; keys: string[] } | { ok: false; fault: 'bssid' | 'beacon' | 'code'; line: number };

const lines = (text: string): string[] => text.replaceAll('\r', '').split('\n');

export function writeRadio(keys: readonly string[]): TypedRadio {
  const of = (prefix: string): string[] =>
    keys.filter((key) => key.startsWith(`${prefix}:`)).map((key) => key.slice(prefix.length + 1));
  return {
    gateways: of('gateway'),
    bssids: of('bssid').join('\n'),
    beacons: of('beacon')
      .map((beacon) => beacon.split(':').join(' '))
      .join('\n'),
    codes: of('qr').join('\n'),
  };
}

/** The keys of all that was typed, each once; blank lines count for nothing. */
export function readRadio(typed: TypedRadio): ReadRadio {
  const keys = new Set(typed.gateways.map((id) => `gateway:${id.toLowerCase()}`));
  const readers = [
    ['bssid', typed.bssids, readBssid],
    ['beacon', typed.beacons, readBeacon],
    ['code', typed.codes, readCode],
  ] as const;
  for (const [fault, text, read] of readers) {
    for (const [index, line] of lines(text).entries()) {
      if (line.trim() === '') continue;
      const key = read(line.trim().toLowerCase());
      if (key === null) return { ok: false, fault, line: index + 1 };
      keys.add(key);
    }
  }
  return { ok: true, keys: [...keys] };
}

function readBssid(text: string): string | null {
  const digits = text.replaceAll(/[:.-]/g, '');
  if (!/^[0-9a-f]{12}$/.test(digits)) return null;
  return `bssid:${digits.match(/../g)!.join(':')}`;
}

function readBeacon(text: string): string | null {
  const [uuid = '', major = '', minor = '', ...rest] = text.split(/[\s,;:]+/);
  const small = (value: string): boolean => /^\d{1,5}$/.test(value) && Number(value) <= 65_535;
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid) || rest.length > 0) return null;
  return small(major) && small(minor) ? `beacon:${uuid}:${Number(major)}:${Number(minor)}` : null;
}

const readCode = (text: string): string | null =>
  /^[^\s\p{Cc}\p{Cs}]{1,100}$/u.test(text) ? `qr:${text}` : null;
