/** Calls the public API as the signed-in person: cookie, CSRF token, problems as values. */

/** An RFC 9457 problem as the API sends it. */
export interface Problem {
  title: string;
  status: number;
  code: string;
  detail?: string;
  errors?: { path: string; message: string }[];
  /** What is wrong, as a short stable name, where the server knows. */
  fault?: string;
  /** The same of each part of a file. */
  faults?: { path: string; message: string; fault?: string }[];
}

export type Answer<T> = { ok: true; data: T } | { ok: false; problem: Problem };

const offline: Problem = { title: '', status: 0, code: 'unreachable' };

/** Never throws: a network failure is the problem `unreachable`. */
export async function call<T>(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  address: string,
  body?: unknown,
): Promise<Answer<T>> {
  const json = body === undefined ? undefined : JSON.stringify(body);
  return send(
    method,
    address,
    json === undefined ? undefined : { type: 'application/json', text: json },
  );
}

/** The same with a body that is text of another type. */
export async function send<T>(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  address: string,
  body?: { type: string; text: string },
): Promise<Answer<T>> {
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? '';
  const headers: Record<string, string> = { accept: 'application/json', 'x-csrf-token': token };
  if (body) headers['content-type'] = body.type;
  try {
    const response = await fetch(address, {
      method,
      headers,
      credentials: 'same-origin',
      ...(body ? { body: body.text } : {}),
    });
    const text = await response.text();
    const parsed: unknown = text === '' ? null : JSON.parse(text);
    if (response.ok) return { ok: true, data: parsed as T };
    return { ok: false, problem: { ...offline, status: response.status, ...(parsed as object) } };
  } catch {
    return { ok: false, problem: offline };
  }
}
