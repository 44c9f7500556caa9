/** PURE. Failures of both engines as Errors with PostgreSQL's five-letter code. */
import { isNativeError } from 'node:util/types';
import pg from 'pg';

const CONNECTION_FAILURE = '08006';
const QUERY_CANCELLED = '57014';
const SQLSTATE = /^[0-9A-Z]{5}$/;

export interface DatabaseFailure extends Error {
  /** SQLSTATE, for example 23505 unique violation, 57014 statement cancelled, 08006 no connection. */
  code: string;
  constraint?: string;
  table?: string;
  detail?: string;
}

export function failure(code: string, message: string, cause?: unknown): DatabaseFailure {
  return Object.assign(new Error(message, cause === undefined ? {} : { cause }), { code });
}

/** The code of whatever was thrown, '' when it is no database failure. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && SQLSTATE.test(code) ? code : '';
}

/** True when the server itself answered with this error and the connection lives on. */
export function isAnswer(error: unknown): boolean {
  return (
    error instanceof pg.DatabaseError && error.severity !== 'FATAL' && error.severity !== 'PANIC'
  );
}

/** True when a kept statement would answer in another shape than it was prepared for. */
export function isStalePlan(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.routine === 'RevalidateCachedQuery';
}

/** The driver's failures without a code (lost socket, timeouts) get one; others pass unchanged. */
export function normalised(error: unknown): unknown {
  if (!isNativeError(error) || codeOf(error) !== '') return error;
  if (error.message === 'Query read timeout') {
    return failure(QUERY_CANCELLED, 'the database did not answer in time', error);
  }
  const errno = (error as NodeJS.ErrnoException).code;
  const lost = /connection terminated|timeout exceeded when trying to connect|not queryable/i;
  if (errno !== undefined || lost.test(error.message)) {
    return failure(CONNECTION_FAILURE, `no connection to the database: ${error.message}`, error);
  }
  return error;
}
