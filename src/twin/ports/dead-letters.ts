import type {
  DeadLetterList,
  DeadLetterOutcome,
  DeadLetterShown,
} from '../../contract/dead-letters.ts';
import type { ReplayRequest, ReplayStep } from '../../contract/replays.ts';

/** Dead letters of one tenant, and those of whom it cannot be told whose they are. */
export interface DeadLetters {
  /** @param topic of the records; all where it is absent. @throws Fault INVALID_ARGUMENT */
  list(tenant: string, topic?: string): Promise<DeadLetterList>;
  /** @throws Fault NOT_FOUND; CONFLICT where the keys of this deployment do not open it */
  show(tenant: string, id: string): Promise<DeadLetterShown>;
  /**
   * Sends the record to its topic again, or drops it; either once, whatever instance is asked.
   * @throws Fault NOT_FOUND; CONFLICT where it was settled, cannot be opened or must not be sent
   */
  settle(tenant: string, id: string, outcome: DeadLetterOutcome): Promise<void>;
}

/** Sends records of a topic again. */
export interface Replays {
  /** @throws Fault INVALID_ARGUMENT for what may not be replayed, or not into there */
  step(request: ReplayRequest): Promise<ReplayStep>;
}
