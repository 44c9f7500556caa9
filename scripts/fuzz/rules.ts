/** What must hold of anything a parser made, whatever it was given: for tests and the fuzzer. */
import type { Parsed, ParsedPing } from '../../server/pings/ping.ts';

const MAX_PINGS = 2_001;
const MAX_EXTRAS = 16;
const MAX_TEXT = 64;
const MAX_HEARD = 32;
const heardShape = /^(bssid|beacon|qr|gateway):.{1,128}$/u;
const bad = /[\p{Cc}\p{Cs}]/u;

const unbounded = (value: number | null): boolean => value !== null && !Number.isFinite(value);

/** The rule a ping breaks, or null. */
function brokenByPing(ping: ParsedPing): string | null {
  if (!Number.isFinite(ping.lon) || !Number.isFinite(ping.lat)) return 'place is not finite';
  const outside = Math.abs(ping.lat) > 90 || Math.abs(ping.lon) > 180;
  if (ping.refusal === null && outside) return 'out of range, accepted';
  if (ping.refusal === null && ping.lon === 0 && ping.lat === 0) return 'null island, accepted';
  if (!Number.isSafeInteger(ping.at) || Math.abs(ping.at) > 8.64e15) return 'time cannot be stored';
  if (ping.sentAt !== null && !Number.isSafeInteger(ping.sentAt)) return 'sent at no time';
  if (unbounded(ping.accuracy) || unbounded(ping.speed)) return 'a number is not finite';
  if (ping.speed !== null && ping.speed < 0) return 'negative speed';
  if (ping.refusal === null && ping.accuracy !== null && ping.accuracy < 0)
    return 'invalid fix, accepted';
  if (ping.key === '' || ping.key.length > 100 || bad.test(ping.key)) return 'key';
  if (ping.heard.length > MAX_HEARD) return 'too much heard';
  if (ping.heard.some((key) => !heardShape.test(key) || key !== key.toLowerCase())) return 'heard';
  if (new Set(ping.heard).size !== ping.heard.length) return 'heard twice';
  if (ping.evidence !== null) return 'a device gives no evidence';
  return brokenByExtras(ping);
}

function brokenByExtras({ extras }: ParsedPing): string | null {
  const kept = Object.entries(extras ?? {});
  if (extras !== null && kept.length === 0) return 'empty extras';
  if (kept.length > MAX_EXTRAS) return 'too many extras';
  for (const [name, value] of kept) {
    if (typeof value === 'number' && !Number.isFinite(value)) return `${name} is not finite`;
    if (typeof value === 'string' && (value.length > MAX_TEXT || bad.test(value))) return name;
    if (!['number', 'string', 'boolean'].includes(typeof value)) return `${name} is no value`;
  }
  return null;
}

/** The first rule that is broken, in words, or null. */
export function brokenRule({ pings, ignored }: Parsed): string | null {
  if (pings.length > MAX_PINGS) return 'too many pings';
  for (const ping of pings) {
    const rule = brokenByPing(ping);
    if (rule !== null) return `${rule}: ${JSON.stringify(ping)}`;
  }
  const reasons = Object.entries(ignored);
  if (reasons.length > 20) return 'too many reasons';
  const odd = reasons.find(([name, n]) => !/^[a-z-]{1,24}$/.test(name) || !Number.isInteger(n));
  return odd ? `reason ${odd[0]}` : null;
}
