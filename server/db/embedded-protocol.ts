/** What the main thread and the embedded engine's worker say to each other. */

export interface EmbeddedBoot {
  /** Folder that holds PostgreSQL's files and the `ready` mark; null keeps everything in memory. */
  folder: string | null;
  /** Tarball (gzip) of a finished data folder to begin from, when it exists. */
  template: string | null;
  /** Where to leave such a tarball after a first start without one; null leaves none. */
  saveTemplate: string | null;
}

/** Raw PostgreSQL protocol bytes travel as Uint8Array, everything else as one of these. */
export type ToWorker =
  Uint8Array | { kind: 'hello' } | { kind: 'dump'; file: string } | { kind: 'close' };

export type FromWorker =
  | Uint8Array
  | { kind: 'ready' }
  | { kind: 'refused'; message: string }
  | { kind: 'dumped'; problem: string | null };
