/** The one door to storage: everything above it speaks this interface, never a driver. */

export type Row = Record<string, unknown>;

export interface Rows<R extends Row = Row> {
  rows: R[];
  /** Rows inserted, updated, deleted or selected. */
  rowCount: number;
}

/**
 * Runs one statement with positional parameters ($1, $2, …).
 * Values come back alike on both engines: int8 and numeric as number, timestamptz as Date, date as
 * 'YYYY-MM-DD', jsonb parsed, bytea as Buffer, uuid and text as string.
 * Failures carry PostgreSQL's five-letter `code` (an Error with `code`, `constraint`, `table`).
 */
export interface Queryable {
  query<R extends Row = Row>(text: string, params?: readonly unknown[]): Promise<Rows<R>>;
}

export interface TransactionOptions {
  /** Merchant whose rows may be seen: sets the row-level-security role and tenant locally. */
  tenant?: string;
  isolation?: 'read committed' | 'repeatable read' | 'serializable';
  readOnly?: boolean;
  /** The work is one statement and no more: it takes one round trip in all. */
  alone?: boolean;
  /** Milliseconds one statement may take here instead of the engine's default; 0 lifts the limit. */
  statementTimeout?: number;
}

export interface Database extends Queryable {
  readonly engine: 'postgres' | 'embedded';
  /**
   * Runs `work` in one transaction; commits when it resolves, rolls back when it throws.
   * It begins with its first statement: work that sends none takes nothing of storage.
   * Resolves only after the commit is durable. Using the database itself inside `work` throws.
   * Serialization failures (40001) and deadlocks (40P01) are retried a few times.
   */
  tx<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** A hint channel (LISTEN/NOTIFY): may miss messages, so nothing may depend on it. */
  listen(channel: string, onMessage: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}
