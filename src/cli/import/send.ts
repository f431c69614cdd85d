import { createHash } from 'node:crypto';
import { type ImportReceipt, type TwinClient, TwinError } from '../../sdk/index.ts';
import { CliFault, EXIT } from '../faults.ts';
import type { BundleSource } from './sources.ts';

export type Outcome =
  | { readonly label: string; readonly receipt: ImportReceipt }
  | { readonly label: string; readonly refused: Refusal };

export interface Refusal {
  /** Position in `Bundle.entry`, from 0; absent where the whole bundle is meant. */
  readonly entry?: number;
  /** The server's sentence, which names the entry. */
  readonly reason: string;
}

const TRIES_MAX = 6;
const RETRY_DELAY_MS = 250;
const REFUSALS: readonly string[] = [
  'REFUSED_INPUT',
  'CONFLICT',
  'TOO_LARGE',
  'UNSUPPORTED_MEDIA',
  'INVALID_REQUEST',
];

/**
 * Sends the bundles one after the other. A refused one does not stop the rest; every other fault
 * does, and the same command may then be repeated: a bundle is taken once.
 */
export async function sendAll(
  client: Pick<TwinClient, 'importBundle'>,
  sources: readonly BundleSource[],
  source: string,
  onDone: (outcome: Outcome, bytes: number) => void,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const bundle of sources) {
    const outcome = await send(client, bundle, source);
    outcomes.push(outcome);
    onDone(outcome, bundle.bytes);
  }
  return outcomes;
}

async function send(
  client: Pick<TwinClient, 'importBundle'>,
  { label, read }: BundleSource,
  source: string,
): Promise<Outcome> {
  try {
    const json = await read();
    const options = { source, idempotencyKey: keyOf(json, source) };
    return { label, receipt: await persistently(() => client.importBundle(json, options)) };
  } catch (error) {
    if (error instanceof CliFault && error.exit === EXIT.refused) {
      return { label, refused: { reason: error.message } };
    }
    if (!(error instanceof TwinError) || !REFUSALS.includes(error.code)) throw error;
    const { entry } = error.data;
    const where = typeof entry === 'number' ? { entry } : {};
    return { label, refused: { ...where, reason: error.message } };
  }
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
