/** What happened to packets, by name: for metrics, tests and the fuzzer. */

const names = [
  'accepted',
  'rejected',
  'accounted',
  'restarts',
  'status',
  'malformed',
  'wrong-code',
  'unknown-client',
  'unknown-nas',
  'ambiguous-client',
  'wrong-secret',
  'no-message-authenticator',
  'proxied-unsigned',
  'unsigned-by-choice',
  'duplicate-answered',
  'duplicate-working',
  'replaced',
  'too-fast',
  'overloaded',
  'locked-out',
  'storage-away',
  'not-kept',
  'incomplete-accounting',
  'reply-too-long',
  'send-failed',
  'faults',
  'tls-refused',
  'tls-bad-frame',
  'tls-too-many',
  'dynamic-sent',
  'dynamic-done',
  'dynamic-refused',
  'dynamic-unanswered',
  'dynamic-stray',
] as const;

export type CountName = (typeof names)[number];
export type Counts = Record<CountName, number>;

/** All zero. One object for all doors of a process. */
export function createCounts(): Counts {
  return Object.fromEntries(names.map((name) => [name, 0])) as Counts;
}
