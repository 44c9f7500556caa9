/** PURE. The query openNDS sends a guest with: base64, twice at levels 2 and 3, with AES-256-CBC between. */
import { isUtf8 } from 'node:buffer';
import { createDecipheriv } from 'node:crypto';

/** openNDS itself sends at most this much. */
const MAX_QUERY = 8192;
const KEY_BYTES = 32;

/** The base64 is not URL-escaped, so a `+` in it arrives as a space. */
export function unplus(text: string): string {
  return text.replaceAll(' ', '+');
}

/** Percent-decoding that leaves what it cannot read as it stands. */
export function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `name=value, name=value, …`; split at the first `=`, `(null)` and trailing rubbish left out. */
export function parseItems(text: string): Map<string, string> {
  const items = new Map<string, string>();
  for (const item of text.split(', ')) {
    const cut = item.indexOf('=');
    const name = item.slice(0, Math.max(cut, 0)).trim();
    const value = item.slice(cut + 1);
    if (!/^[\w-]{1,40}$/.test(name) || value === '(null)' || items.has(name)) continue;
    items.set(name, value);
  }
  return items;
}

/**
 * Blocks that were exchanged decrypt to noise. If noise were read over, a right padding could be told from
 * a wrong one by our answer, and with that, guess by guess, anybody could write a redirect of their own.
 */
function isText(bytes: Buffer): boolean {
  return isUtf8(bytes) && !bytes.some((octet) => octet < 0x20 || octet === 0x7f);
}

/** The key's octets, cut or padded with NUL to 32, as PHP's openssl does; PKCS#7. */
function decrypt(cipherText: string, iv: string, faskey: string): string | null {
  const key = Buffer.alloc(KEY_BYTES);
  Buffer.from(faskey).copy(key);
  const ivBytes = Buffer.from(iv, 'latin1');
  if (faskey === '' || ivBytes.length !== 16) return null;
  const decipher = createDecipheriv('aes-256-cbc', key, ivBytes);
  try {
    const bytes = Buffer.concat([decipher.update(cipherText, 'base64'), decipher.final()]);
    return isText(bytes) ? bytes.toString('utf8') : null;
  } catch {
    return null;
  }
}

/**
 * The decoded items, or null when the query cannot be read with this key. There is no MAC: a wrong
 * key shows as bad padding or as text that does not begin with the client's id.
 */
export function openFas(query: URLSearchParams, faskey: string | null): Map<string, string> | null {
  const fas = unplus(query.get('fas') ?? '');
  if (fas.length === 0 || fas.length > MAX_QUERY) return null;
  const outer = Buffer.from(fas, 'base64').toString('utf8');
  const text = faskey === null ? outer : decrypt(outer, query.get('iv') ?? '', faskey);
  return text !== null && text.startsWith('hid=') ? parseItems(text) : null;
}

/** A gateway's name has 60 signs at most, three times that when percent-encoded, and a suffix. */
const MAX_NAME = 300;

/** `StoreOne%20Node%3a163395498e73%20` → `StoreOne`: the name as the merchant gave it. */
export function bareGatewayName(encoded: string): string {
  if (encoded.length > MAX_NAME) return '';
  return percentDecode(encoded)
    .trim()
    .replace(/\s+Node:[0-9a-f:]{2,17}$/i, '')
    .trim();
}

/**
 * `address:port` inside private ranges. At level 1 a guest can write this field, and a browser is
 * sent there: an address out in the world would make the portal an open redirect.
 */
export function privateAddress(text: string): boolean {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3}):(\d{1,5})$/.exec(text);
  if (parts === null) return /^\[f[cd][0-9a-f]{2}:[0-9a-f:]{1,35}\]:\d{1,5}$/i.test(text);
  const [a = 0, b = 0, c = 0, d = 0, port = 0] = parts.slice(1).map(Number);
  if (Math.max(a, b, c, d) > 255 || port < 1 || port > 65_535) return false;
  const carrierGrade = a === 100 && b >= 64 && b <= 127;
  return a === 10 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168) || carrierGrade;
}
