import type { Clock } from '../kernel/clock.ts';
import type { Floors } from '../twin/floors.ts';
import type { Access, Audit, Intake } from '../twin/ports.ts';
import type { Reader } from '../twin/reader/index.ts';

export interface ChatParts {
  readonly reader: Reader;
  readonly access: Access;
  readonly audit: Audit;
  readonly intake: Intake;
  readonly floors: Floors;
  readonly clock: Clock;
}
