import { join } from 'node:path';
import { inBatches } from '../../kernel/batches.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import { createListeners } from '../../kernel/listeners.ts';
import { startWorker } from '../../kernel/worker.ts';
import type { CheckEvent, CheckJournal, CheckStep } from '../../twin/ports.ts';

export interface JournalMethods {
  /** Deletes what is older than `before` (milliseconds), and answers what is left, in order. */
  open(args: { readonly before: number }): readonly CheckStep[];
  append(args: { readonly steps: readonly CheckStep[] }): void;
}

export interface EmbeddedJournalOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly onDeath: (error: Error) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** As `rte.requests` keeps them (design §6). */
const KEPT_MS = 7 * 86_400_000;
const BATCH = { itemsMax: 64, bytesMax: Number.POSITIVE_INFINITY };

/** The journal in SQLite, for the one instance that a data directory has. */
export function createEmbeddedJournal(options: EmbeddedJournalOptions): CheckJournal & Service {
  const { dataDir, clock, onDeath, onTrouble } = options;
  const steps = createListeners<CheckStep>(onTrouble);
  const events = createListeners<CheckEvent>(onTrouble);
  const worker = startWorker<JournalMethods>({
    from: import.meta.url,
    file: './embedded.worker',
    data: { path: join(dataDir, 'eligibility.db') },
    onDeath,
  });
  const append = inBatches<readonly CheckStep[], undefined>(
    async (batches) => {
      await worker.call('append', { steps: batches.flat() });
      steps.tell(batches.flat());
      return batches.map(() => undefined);
    },
    BATCH,
    () => 0,
  );
  /** Only the newest may commit. */
  let reigning = 0;
  return {
    name: 'check-journal',
    async start() {
      steps.tell(await worker.call('open', { before: clock.now() - KEPT_MS }));
    },
    stop: () => worker.close(),
    onSteps: steps.add,
    onEvents: events.add,
    async accept(accepted) {
      await append(accepted).catch((cause: unknown) => {
        throw new Fault('LOG_UNAVAILABLE', { cause });
      });
    },
    async reign() {
      reigning += 1;
      const mine = reigning;
      return {
        async commit(said, told) {
          if (mine !== reigning) throw new Error('somebody else reigns over the checks');
          await append(said);
          events.tell(told);
        },
        async end() {
          if (mine === reigning) reigning += 1;
        },
      };
    },
  };
}
