/** PURE. The arithmetic of the UAM family (CoovaChilli, ChilliSpot): checksum of a redirect, CHAP and PAP. */
import { createHash, timingSafeEqual } from 'node:crypto';

const md5 = (...parts: (string | Buffer)[]): Buffer => {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const CHALLENGE = /^[0-9a-f]{32}$/i;

export function isChallenge(text: string): boolean {
  return CHALLENGE.test(text);
}

/** What both sides answer to: the challenge, bound to the shared secret where there is one. */
export function boundChallenge(challenge: string, secret: string): Buffer {
  const bytes = Buffer.from(challenge, 'hex');
  return secret === '' ? bytes : md5(bytes, secret);
}

/** RFC 1994 response, lower-case hex; CoovaChilli takes identifier 0 unless it is told another. */
export function chapResponse(password: string, bound: Buffer, ident = 0): string {
  return md5(Buffer.from([ident & 0xff]), password, bound).toString('hex');
}

/** The password under the challenge as a repeated pad, lower-case hex; NUL-padded to whole blocks. */
export function papPassword(password: string, bound: Buffer): string {
  const clear = Buffer.from(password);
  const padded = Buffer.alloc(Math.max(16, Math.ceil(clear.length / 16) * 16));
  clear.copy(padded);
  return Buffer.from(padded.map((octet, at) => octet ^ (bound[at % bound.length] ?? 0))).toString(
    'hex',
  );
}

/** A redirect's own words, up to the checksum, and the checksum. */
export interface SignedUrl {
  /** Everything before `&md=` as it was sent. */
  words: string;
  md: string;
}

/**
 * Only what stands before the first `&md=` is covered by it and may be believed. Undefined `md` means
 * that the gateway has no secret.
 */
export function splitChecksum(url: string): SignedUrl {
  const cut = url.indexOf('&md=');
  if (cut < 0) return { words: url, md: '' };
  const md = url.slice(cut + 4).split('&', 1)[0] ?? '';
  return { words: url.slice(0, cut), md };
}

function sameHex(given: string, digest: Buffer): boolean {
  const bytes = Buffer.from(CHALLENGE.test(given) ? given : '', 'hex');
  return bytes.length === digest.length && timingSafeEqual(bytes, digest);
}

/**
 * The URL as the gateway may have written it: behind a proxy that ends TLS we know only our own idea of
 * scheme and host, and where it stands in a page its `&` are written out. Nobody without the secret
 * gains by the choice.
 */
function spellings(words: string, hosts: readonly string[]): string[] {
  const parts = /^https?:\/\/([^/?#]*)(.*)$/is.exec(words);
  if (parts === null) return [words];
  const [, host = '', rest = ''] = parts;
  const bare = host.replace(/:(?:80|443)$/, '');
  const places = [host, bare, `${bare}:80`, `${bare}:443`, ...hosts];
  const urls = [...new Set(places)].flatMap((place) => [
    `http://${place}${rest}`,
    `https://${place}${rest}`,
  ]);
  return [words, ...urls, ...urls.map((url) => url.replaceAll('&', '&amp;'))];
}

/** Whether the holder of the secret wrote this redirect. `hosts`: other names the portal goes by. */
export function checksumFits(
  { words, md }: SignedUrl,
  secret: string,
  hosts: readonly string[] = [],
): boolean {
  if (secret === '' || md === '') return false;
  return spellings(words, hosts).some((url) => sameHex(md, md5(url, secret)));
}

/** As CoovaChilli writes it: upper-case hex. */
export function checksumOf(words: string, secret: string): string {
  return md5(words, secret).toString('hex').toUpperCase();
}
