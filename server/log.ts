/** Structured logs (pino) with personal data redacted by name, wherever it hides. */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

export type Log = Pick<Logger, 'info' | 'warn' | 'error' | 'debug' | 'child'>;

const personal = [
  'phone',
  'email',
  'address',
  'mac',
  'name',
  'code',
  'password',
  'passphrase',
  'token',
  'secret',
  'cookie',
  'authorization',
  'lat',
  'lon',
  'ip',
  'body',
  'payload',
  'originUrl',
  'clientmac',
  'clientip',
];

/** Everything of these names is replaced, at the root and up to three levels down. */
const redact = personal.flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `*.*.*.${name}`]);

export function createLog(level: string, destination?: DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      redact: { paths: redact, censor: '[redacted]' },
      serializers: { err: describeError },
    },
    destination ?? pino.destination({ dest: 2, sync: false }),
  );
}

/** Errors without their parameters or rows: PostgreSQL puts values into `detail` and between quotes. */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, constraint, table } = error as {
    code?: unknown;
    constraint?: unknown;
    table?: unknown;
  };
  return {
    type: error.name,
    message: withoutValues(error.message, code).slice(0, 300),
    // Not `code`: that name is redacted, as one-time codes are.
    errorCode: code,
    constraint,
    table,
    stack: framesOf(error),
  };
}

/** Where it came from, without the message that a stack begins with. */
function framesOf({ stack = '', message }: Error): string {
  const start = stack.indexOf(message);
  const after = start < 0 ? stack : stack.slice(start + message.length);
  return after.split('\n').slice(1, 8).join('\n');
}

/** SQLSTATE class 22, data exceptions, quotes what did not fit: somebody's number, perhaps. */
function withoutValues(message: string, code: unknown): string {
  return typeof code === 'string' && code.startsWith('22')
    ? message.replace(/"[^]*"/, '"[redacted]"')
    : message;
}
