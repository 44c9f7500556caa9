/** A merchant's system talking to the API with its key. */

export interface Api {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown, headers?: Record<string, string>): Promise<T>;
}

/** Throws with the problem's code and detail when the answer is not a success. */
export function createApi(base: string, token: string): Api {
  async function call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const response = await fetch(new URL(path, base), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const reply = (text === '' ? {} : JSON.parse(text)) as T & { code?: string; detail?: string };
    if (!response.ok) {
      throw new Error(
        `${method} ${path}: ${response.status} ${reply.code ?? ''} ${reply.detail ?? ''}`,
      );
    }
    return reply;
  }
  return {
    get: (path) => call('GET', path),
    post: (path, body, headers) => call('POST', path, body, headers),
  };
}
