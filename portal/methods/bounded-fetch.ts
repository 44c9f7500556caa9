/** Fetch for answers of strangers: as long as their answer is no longer than we care to read. */

/** Keys and metadata of the largest providers stay below a tenth of this. */
export const MAX_ANSWER = 512 * 1024;

async function readAtMost(body: ReadableStream<Uint8Array>, most: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > most) throw new Error('the answer is too long');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Never follows a redirect; the signal of `init` bounds the time, reading included. */
export async function boundedFetch(url: string, init: object): Promise<Response> {
  const answer = await fetch(url, { ...(init as RequestInit), redirect: 'manual' });
  const { status, headers, body } = answer;
  if (body === null) return answer;
  const whole = await readAtMost(body as ReadableStream<Uint8Array>, MAX_ANSWER);
  const plain = new Headers(headers);
  // The body has been decoded already.
  plain.delete('content-encoding');
  plain.delete('content-length');
  return new Response(whole, { status, headers: plain });
}
