import type { BatchRow } from './rows.ts';

/** `received`: as sent; `accepted`: may be asked; the last four are ends. */
export type RowState = 'received' | 'accepted' | 'done' | 'refused' | 'same' | 'failed';

export interface StoredRow extends BatchRow {
  readonly state: RowState;
  readonly payer?: string;
  readonly chunk?: number;
  /** Ours, or an AAA code. */
  readonly reason?: string;
  readonly status?: 'active' | 'inactive' | 'unknown';
  /** Milliseconds since the epoch. */
  readonly checkedAt?: number;
  /** The row whose answer is this one's as well. */
  readonly sameAs?: number;
}

/** What was found of a row before anybody is asked. */
export interface RowVerdict {
  readonly n: number;
  readonly reason?: string;
  readonly coverage?: string;
  readonly payer?: string;
  /** Keyed hash of the question; a second one in the batch is the same. */
  readonly key?: string;
}

export interface RowResult {
  readonly n: number;
  readonly state: 'done' | 'failed' | 'refused';
  readonly reason?: string;
  readonly status?: 'active' | 'inactive' | 'unknown';
}

export type BatchState = 'receiving' | 'validating' | 'running' | 'completed';

export interface StoredBatch {
  readonly id: string;
  readonly tenant: string;
  /** Whose rights decide, as it was verified: JSON of the principal without any token. */
  readonly principal: string;
  readonly state: BatchState;
  readonly createdAt: number;
  readonly finishedAt?: number;
  readonly rows: number;
}

/** One batch at the clearinghouse. */
export interface Chunk {
  readonly batch: string;
  readonly chunk: number;
  /** Its name there; another one for each try with other items. */
  readonly name: string;
  readonly state: 'new' | 'submitting' | 'submitted' | 'done';
  /** When it was first tried, milliseconds since the epoch. */
  readonly since: number;
  readonly remoteId?: string;
  /** Where its results were read to. */
  readonly token?: string;
}

export interface Counts {
  readonly byState: Readonly<Partial<Record<RowState, number>>>;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byReason: Readonly<Record<string, number>>;
}

/** Where batches stand: durable once a call resolves. */
export interface BatchStorage {
  /** The batch of this key, where there is one already. */
  create(
    batch: Omit<StoredBatch, 'state' | 'rows'> & { readonly key?: string },
  ): Promise<StoredBatch>;
  addRows(batch: string, rows: readonly BatchRow[]): Promise<void>;
  /** Takes what was half received away. */
  drop(batch: string): Promise<void>;
  setState(batch: string, state: BatchState, at: number): Promise<void>;
  get(batch: string): Promise<StoredBatch | undefined>;
  /** Of a tenant, newest first. */
  list(tenant: string, limit: number): Promise<StoredBatch[]>;
  unfinished(): Promise<StoredBatch[]>;
  received(batch: string, limit: number): Promise<StoredRow[]>;
  decide(batch: string, verdicts: readonly RowVerdict[], perChunk: number): Promise<void>;
  chunks(batch: string): Promise<Chunk[]>;
  putChunk(chunk: Chunk): Promise<void>;
  /** Rows of a chunk that wait for an answer. */
  openRows(batch: string, chunk: number): Promise<StoredRow[]>;
  settle(batch: string, results: readonly RowResult[], at: number, chunk?: Chunk): Promise<void>;
  counts(batch: string): Promise<Counts>;
  page(batch: string, after: number, limit: number): Promise<StoredRow[]>;
  /** Forgets batches that ended before. */
  purge(before: number): Promise<void>;
}
