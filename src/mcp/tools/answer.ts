import type { BreakGlassBanner } from '../../contract/break-glass.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Withheld } from '../../twin/reader/index.ts';

/** What a tool answers: structured for programs, the same once more as text for a model. */
export interface ToolAnswer {
  readonly structured: JsonObject;
  readonly text: string;
  /** Older than the position that was asked for (only with `allowBehind`). */
  readonly behind?: boolean;
  /** What scopes and purpose of use narrowed of the answer. */
  readonly withheld?: readonly Withheld[];
  /** Of an eligibility check that the read asked for. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /** Whose records are open by break-glass: told in `_meta`, and to models as a sentence. */
  readonly breakGlass?: readonly BreakGlassBanner[];
}
