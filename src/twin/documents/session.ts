import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import { compact, objectOf, stringOf, stringsOf } from '../fhir/elements.ts';
import type { SourceRecord } from '../ports.ts';

/** A Digital Session: whom it is about and how far it has come; never to whom it belongs. */
export const sessionSchema = z.strictObject({
  member: z.string().optional(),
  startedAt: z.string().optional(),
  turns: z.number().int(),
  /** URIs of what was cited so far. */
  sources: z.array(z.string()),
});

export function sessionData(record: SourceRecord): JsonObject {
  const { member, startedAt, turns, sources } = objectOf(record.resource);
  return {
    ...compact({ member: stringOf(member), startedAt: stringOf(startedAt) }),
    turns: typeof turns === 'number' ? Math.floor(turns) : 0,
    sources: stringsOf(sources),
  };
}
