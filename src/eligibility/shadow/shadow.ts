import type { Question } from '../model.ts';
import type { Clearinghouse, Outcome } from '../ports.ts';
import { differences } from './compare.ts';

export interface ShadowParts {
  /** The interface of the old, blocking way. */
  readonly old: Clearinghouse;
  readonly on: () => boolean;
  readonly metrics: { compared(): void; differed(field: string): void };
  readonly warn: (fields: readonly string[]) => void;
}

/** The old way beside the new one, in the same slot: what was answered is not held up by it. */
export interface Shadow {
  readonly on: () => boolean;
  /** Resolves when the slot is needed no longer. */
  compare(question: Question, outcome: Outcome): Promise<void>;
}

export function createShadow({ old, on, metrics, warn }: ShadowParts): Shadow {
  return {
    on,
    async compare(question, outcome) {
      const other = await old.check(question);
      if (outcome.kind !== 'answered' && outcome.kind !== 'rejected') return;
      metrics.compared();
      const fields =
        other.kind === outcome.kind
          ? differences(outcome.answer, other.answer, question.serviceTypes)
          : ['status'];
      for (const field of fields) metrics.differed(field);
      if (fields.length > 0) warn(fields);
    },
  };
}
