import type { EventLog, View } from '../twin/ports.ts';
import type { Probe } from './health.ts';

/** How long the view may take to reach what the log had when it was asked, milliseconds. */
const CATCH_UP_MS = 500;

export interface ProbedParts {
  readonly log: Pick<EventLog, 'ends'>;
  readonly view: Pick<View, 'waitFor'>;
  readonly access: { readonly sure: boolean };
  readonly audit: { ready(): boolean };
}

/** What `/readyz` asks: the log answers, the view is with it, Watch is alive, records are kept. */
export function createProbes({ log, view, access, audit }: ProbedParts): Record<string, Probe> {
  return {
    async log() {
      await log.ends();
      return { ok: true };
    },
    async view() {
      const ends = await log.ends();
      const reached = await Promise.all(
        ends.map((end, partition) => view.waitFor({ partition, offset: end - 1 }, CATCH_UP_MS)),
      );
      return reached.every(Boolean) ? { ok: true } : { ok: false, detail: 'behind the log' };
    },
    access: () =>
      access.sure ? { ok: true } : { ok: false, detail: 'no sign of life from the watch' },
    audit: () => (audit.ready() ? { ok: true } : { ok: false, detail: 'records cannot be kept' }),
  };
}
