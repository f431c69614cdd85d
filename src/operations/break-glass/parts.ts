import type { Clock } from '../../kernel/clock.ts';
import type { RateOptions } from '../../kernel/rate.ts';
import type { BreakGlassNotice } from '../../twin/break-glass.ts';
import type { Access, Audit, Intake, Relations, View } from '../../twin/ports.ts';

export interface BreakGlassParts {
  /** Past the outbox: a case that the log has not got opens nothing. */
  readonly intake: Pick<Intake, 'submitRecord'>;
  readonly view: Pick<View, 'shards' | 'for' | 'partitionOf' | 'waitFor'>;
  readonly relations: Pick<Relations, 'write'>;
  /** Within the tenant of whoever asks. */
  readonly access: Pick<Access, 'check' | 'lookup'>;
  readonly audit: Audit;
  readonly clock: Clock;
  /** Counts of this instance, or of all that share a Redis. */
  readonly rateOf: (
    name: string,
    options: RateOptions,
  ) => { take(key: string): boolean | Promise<boolean> };
  /** Kinds of login that do (`acr`); none: whichever, as long as it is recent. */
  readonly acrValues: readonly string[];
  /** Tells others, each notice at least once; absent where there are none to tell. */
  readonly tell?: ((notice: BreakGlassNotice) => Promise<void>) | undefined;
  /** What is tried again, or could not be told. */
  readonly onTrouble: (error: unknown) => void;
}

/** A view that follows its log is there within this, ms. */
export const VIEW_WAIT_MS = 10_000;
