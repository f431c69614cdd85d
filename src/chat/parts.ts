import type { Clock } from '../kernel/clock.ts';
import type { Floors } from '../twin/floors.ts';
import type { Access, Audit, HoldingIntake } from '../twin/ports.ts';
import type { Reader } from '../twin/reader/index.ts';

export interface ChatParts {
  readonly reader: Reader;
  readonly access: Access;
  readonly audit: Audit;
  readonly intake: HoldingIntake;
  readonly floors: Floors;
  readonly clock: Clock;
}
