/** One table of everything that can go wrong towards a client: code → status and title. */

const table = {
  'malformed-json': [400, 'The body is not valid JSON'],
  'invalid-request': [400, 'The request does not fit what this address takes'],
  'invalid-geometry': [422, 'The geometry cannot be used as a fence'],
  'invalid-rule': [422, 'The rule cannot be used'],
  'unsupported-media-type': [415, 'The body must be JSON'],
  'body-too-large': [413, 'The body is larger than this address takes'],
  unauthenticated: [401, 'Sign in or send a valid key'],
  forbidden: [403, 'This key or account may not do that'],
  'cross-site': [403, 'The request came from another site'],
  'not-found': [404, 'There is nothing here'],
  'method-not-allowed': [405, 'This address does not take that method'],
  conflict: [409, 'The request conflicts with what is stored'],
  'request-in-progress': [409, 'The same request is still being worked on'],
  'idempotency-mismatch': [422, 'This idempotency key was used for another request'],
  'voucher-unknown': [404, 'No voucher has this code'],
  'voucher-wrong-store': [409, 'This voucher is for another store'],
  'voucher-redeemed': [409, 'This voucher was already redeemed'],
  'voucher-expired': [410, 'This voucher has expired'],
  'too-many-requests': [429, 'Too many requests'],
  draining: [503, 'The server is stopping; try again shortly'],
  unavailable: [503, 'A needed part is not reachable right now'],
  internal: [500, 'Something went wrong on our side'],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemCode = keyof typeof table;

export interface ProblemExtras {
  /** A sentence for this one occurrence: what was wrong and what to do. Never personal data. */
  detail?: string;
  /** Which parts of the request were wrong. */
  errors?: { path: string; message: string }[];
  /** Seconds, sent as Retry-After. */
  retryAfter?: number;
  [key: string]: unknown;
}

/** RFC 9457 problem, thrown anywhere in a feature; http/problems.ts alone turns it into a reply. */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly title: string;
  readonly extras: ProblemExtras;

  constructor(code: ProblemCode, extras: ProblemExtras) {
    super(extras.detail ?? table[code][1]);
    this.name = 'ProblemError';
    this.code = code;
    this.status = table[code][0];
    this.title = table[code][1];
    this.extras = extras;
  }
}

/** The error to throw for `code`. */
export function problem(code: ProblemCode, extras: ProblemExtras = {}): ProblemError {
  return new ProblemError(code, extras);
}

/** Every code with its status and title, for the API document. */
export function problemCodes(): { code: ProblemCode; status: number; title: string }[] {
  return (Object.keys(table) as ProblemCode[]).map((code) => ({
    code,
    status: table[code][0],
    title: table[code][1],
  }));
}
