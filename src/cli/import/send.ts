import { createHash } from 'node:crypto';
import {
  type HeldReceipt,
  type ImportReceipt,
  type TwinClient,
  TwinError,
} from '../../sdk/index.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type Chunk, chunksOf } from './chunks.ts';
import { addReceipt } from './receipt.ts';
import type { ImportSource } from './sources.ts';

/** What became of one file: what the server said of it, and where it was refused as a whole. */
export interface Outcome {
  readonly label: string;
  readonly receipt?: ImportReceipt;
  /** Event ids of what was sent while the log was away: durable, and taken once it is back. */
  readonly held?: readonly string[];
  readonly refused?: Refusal;
}

export interface Refusal {
  /** Position in `Bundle.entry`, from 0; absent where the whole bundle is meant. */
  readonly entry?: number;
  /** Stable word of the server. */
  readonly code?: string;
  /** The server's sentence, which names the entry. */
  readonly reason: string;
}

export interface SendOptions {
  readonly source: string;
  readonly tenant?: string;
  readonly dryRun?: boolean;
  /** Files that are sent side by side. */
  readonly jobs: number;
}

/** Told while files are sent. */
export interface Listener {
  sent(bytes: number): void;
  done(outcome: Outcome): void;
}

type Sender = Pick<TwinClient, 'importBundle'>;

const TRIES_MAX = 6;
const RETRY_DELAY_MS = 250;
const ROUNDS_MAX = 8;
const REFUSALS: readonly string[] = [
  'REFUSED_INPUT',
  'CONFLICT',
  'TOO_LARGE',
  'UNSUPPORTED_MEDIA',
  'INVALID_REQUEST',
];
/** What another file of the same run may mend. */
const MENDABLE: readonly string[] = ['reference', 'no-member', 'no-room'];

/**
 * Sends the files of each list side by side, one list after the other. A refused one does not stop
 * the rest; what refers to something that was not there yet is sent again when others are in, as
 * long as that helps. Every other fault stops it all, and the same command may then be repeated.
 */
export async function sendAll(
  client: Sender,
  lists: readonly (readonly ImportSource[])[],
  options: SendOptions,
  { sent, done }: Listener,
): Promise<Outcome[]> {
  const outcomes = new Map<string, Outcome>();
  let open = lists;
  for (let round = 1; round <= ROUNDS_MAX && open.length > 0; round += 1) {
    const isLast = options.dryRun === true || round === ROUNDS_MAX;
    const again: ImportSource[] = [];
    let progress = 0;
    for (const sources of open) {
      await sideBySide(sources, options.jobs, async (source) => {
        const outcome = await send(client, source, options, round === 1 ? sent : () => undefined);
        outcomes.set(source.label, outcome);
        progress += outcome.receipt?.accepted ?? 0;
        if (!isLast && isMendable(outcome)) again.push(source);
        else done(outcome);
      });
    }
    open = again.length > 0 && progress > 0 ? [again] : [];
    if (open.length === 0) for (const { label } of again) done(outcomes.get(label) as Outcome);
  }
  return [...outcomes.values()];
}

async function sideBySide<T>(
  all: readonly T[],
  jobs: number,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const rest = all.values();
  const worker = async (): Promise<void> => {
    for (const one of rest) await work(one);
  };
  await Promise.all(Array.from({ length: Math.min(jobs, all.length) }, worker));
}

function isMendable({ refused, receipt }: Outcome): boolean {
  if (refused !== undefined) return MENDABLE.includes(refused.code ?? '');
  const entries = receipt?.entries ?? [];
  return entries.some(
    ({ outcome, reason = '' }) => outcome === 'refused' && MENDABLE.includes(reason),
  );
}

async function send(
  client: Sender,
  source: ImportSource,
  options: SendOptions,
  sent: (bytes: number) => void,
): Promise<Outcome> {
  const { label } = source;
  let receipt: ImportReceipt | undefined;
  const held: string[] = [];
  const soFar = (): Outcome => ({
    label,
    ...(receipt !== undefined && { receipt }),
    ...(held.length > 0 && { held }),
  });
  try {
    for await (const chunk of chunksOf(source)) {
      const said = await sendChunk(client, chunk, options);
      if ('held' in said) held.push(said.eventId);
      else receipt = addReceipt(receipt, said, chunk);
      sent(chunk.bytes);
    }
    return soFar();
  } catch (error) {
    if (error instanceof CliFault && error.exit === EXIT.refused) {
      return { ...soFar(), refused: { reason: error.message } };
    }
    if (!(error instanceof TwinError) || !REFUSALS.includes(error.code)) throw error;
    const { entry, reason } = error.data;
    const where = typeof entry === 'number' ? { entry } : {};
    const code = typeof reason === 'string' ? { code: reason } : {};
    return { ...soFar(), refused: { ...where, ...code, reason: error.message } };
  }
}

function sendChunk(
  client: Sender,
  { json, format }: Chunk,
  { source, tenant, dryRun }: SendOptions,
): Promise<ImportReceipt | HeldReceipt> {
  return persistently(() =>
    client.importBundle(json, {
      source,
      format,
      idempotencyKey: keyOf(json, source),
      ...(tenant !== undefined && { tenant }),
      ...(dryRun !== undefined && { dryRun }),
    }),
  );
}

/** The same bundle of the same source has the same key: repeating an import is harmless. */
export function keyOf(json: Uint8Array, source: string): string {
  return createHash('sha256').update(json).update('\0').update(source).digest('hex');
}

/** A busy server is asked again a few times; one that is gone is not waited for. */
async function persistently<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const busy = error instanceof TwinError && error.retry === 'later';
      const gone = error instanceof TwinError && error.code === 'UNREACHABLE';
      if (!busy || gone || tries === TRIES_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS * 2 ** tries));
    }
  }
}
