import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import { factOf, factSchema, type Lists } from './fact.ts';
import type { MemberRecord } from './records.ts';

/** What the record says in two ways, side by side; nobody decides here which is right. */
export const contradictionsSchema = z
  .array(z.strictObject({ about: z.string(), says: z.array(factSchema) }))
  .optional();

export interface Saying {
  readonly record: MemberRecord;
  /** What it says, in words. */
  readonly says: string;
  readonly status?: string | undefined;
  readonly date?: string | undefined;
}

/** Contradictions shown at most, and statements of each. */
const SHOWN_MAX = 10;
const SAYINGS_MAX = 6;

export function contradiction(about: string, sayings: readonly Saying[]): JsonObject {
  const says = sayings
    .slice(0, SAYINGS_MAX)
    .map(({ record, says: title, status, date }) => factOf(record, { title, status, date }));
  return { about, says };
}

/** One contradiction where the records do not all say the same, else none. */
export function differing(about: string, sayings: readonly Saying[]): JsonObject[] {
  const different = new Map(sayings.map((one) => [one.says, one]));
  return different.size < 2 ? [] : [contradiction(about, [...different.values()])];
}

/** As members of a section's data: absent where there is nothing to show. */
export function contradictionsOf(
  found: readonly JsonObject[],
  lists: Lists,
  ...types: string[]
): JsonObject {
  if (found.length === 0) return {};
  return { contradictions: lists.take('contradictions', found, SHOWN_MAX, types) };
}
