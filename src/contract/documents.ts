/** The envelope of every answer (design §4) and the results of the three tools. */

import { z } from 'zod';
import { SECTIONS } from './uris.ts';

/** `general` and `full` differ by protected records; `minimal` is what some purposes of use need. */
export const VARIANTS = ['general', 'full', 'minimal'] as const;
export type Variant = (typeof VARIANTS)[number];

/** `"` + 22 characters of base64url + `"`. */
export const etagSchema = z.string().regex(/^"[A-Za-z0-9_-]{22}"$/);
/** Opaque to clients; compare only for equality, hand back as `minPosition`. */
export const positionSchema = z.string().min(1).max(2048);

export const documentSchema = z.strictObject({
  uri: z.string(),
  etag: etagSchema,
  position: positionSchema,
  /** When the newest record of this document was accepted, ISO 8601 in UTC. */
  asOf: z.string(),
  section: z.string(),
  data: z.record(z.string(), z.json()),
  /** Sentences about what the reader should know: protected categories, bounds, staleness. */
  notices: z.array(z.string()),
});
export type Document = z.infer<typeof documentSchema>;

export const changeSchema = z.strictObject({
  uri: z.string(),
  etag: etagSchema.optional(),
  position: positionSchema,
  kind: z.enum(['created', 'updated', 'deleted', 'no-longer-readable']),
});
export type Change = z.infer<typeof changeSchema>;

export const changesPageSchema = z.strictObject({
  changes: z.array(changeSchema),
  next: z.string(),
  more: z.boolean(),
  reset: z.boolean().optional(),
});
export type ChangesPage = z.infer<typeof changesPageSchema>;

/** Tokens at 4 characters each. */
const budgetSchema = z.number().int().min(100).max(20_000);
const uriSchema = z.string().min(1).max(2100);

/** Arguments of a tool. A name that is not known is refused, and not repeated (P9, P10). */
function argumentsOf<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: ({ code }) =>
      code === 'unrecognized_keys' ? `an argument is unknown; known are ${known}` : undefined,
  });
}

/** Shape as a pattern that a model can read, calendar by trying. */
const isoDate = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/)
  .refine((text) => new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text) === true, {
    error: 'must be a date of the calendar, YYYY-MM-DD',
  });

export const searchInput = argumentsOf({
  query: z.string().min(1).max(256).describe('What to look for, in plain words or codes.'),
  member: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('Member id, or a name, birth date or plan number.'),
  sections: z.array(z.enum(SECTIONS)).min(1).max(5).optional(),
  types: z
    .array(z.string().regex(/^[A-Z][A-Za-z]{1,63}$/))
    .min(1)
    .max(20)
    .optional()
    .describe('FHIR resource type names.'),
  since: isoDate.optional().describe('Only facts dated on or after this ISO date.'),
  limit: z.number().int().min(1).max(50).optional().describe('At most this many results (10).'),
  budget: budgetSchema
    .optional()
    .describe('Bound of the text answer in tokens of 4 characters (1000).'),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,2048}$/)
    .optional(),
});
export type SearchInput = z.infer<typeof searchInput>;

export const searchResult = z.strictObject({
  results: z.array(
    z.strictObject({
      uri: z.string(),
      etag: etagSchema,
      position: positionSchema,
      title: z.string(),
      kind: z.enum(['member', 'fact', 'document']),
      date: z.string().optional(),
      snippet: z.string(),
      score: z.number(),
      /** Of an answer that was computed from facts: the source documents it rests on. */
      sources: z.array(z.strictObject({ uri: z.string(), etag: etagSchema })).optional(),
    }),
  ),
  next: z.string().optional(),
  omitted: z.number().int(),
  budget: z.strictObject({ given: z.number().int(), used: z.number().int() }),
});
export type SearchResult = z.infer<typeof searchResult>;

export const freshnessInput = argumentsOf({
  mode: z.enum(['PREFER_CACHE', 'DEFAULT', 'REQUIRE_FRESH']).optional(),
  maxAgeMs: z.number().int().min(0).optional(),
});

export const readDocumentInput = argumentsOf({
  uri: uriSchema.describe('A URI from search, resources/list or a notification.'),
  focus: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('The question; what answers it comes first.'),
  budget: budgetSchema
    .optional()
    .describe('Bound of the text answer in tokens of 4 characters (2000).'),
  view: z.enum(['card', 'summary', 'detail']).optional(),
  format: z.enum(['markdown', 'json']).optional(),
  freshness: freshnessInput.optional(),
});
export type ReadDocumentInput = z.infer<typeof readDocumentInput>;

export const readDocumentResult = z.strictObject({
  uri: z.string(),
  etag: etagSchema,
  position: positionSchema,
  asOf: z.string(),
  ttlMs: z.number().int(),
  format: z.enum(['markdown', 'json']),
  content: z.string(),
  omitted: z.array(z.strictObject({ what: z.string(), uri: z.string(), tokens: z.number().int() })),
  budget: z.strictObject({ given: z.number().int(), used: z.number().int() }),
});
export type ReadDocumentResult = z.infer<typeof readDocumentResult>;

export const chatInput = argumentsOf({
  message: z.string().min(1).max(4_000),
  member: z.string().min(1).max(128).optional(),
  session: z
    .string()
    .regex(/^mcp:\/\/sessions\/[a-z2-7]{26}$/)
    .optional()
    .describe('The session of an earlier answer, to go on with it.'),
});
export type ChatInput = z.infer<typeof chatInput>;

export const chatResult = z.strictObject({
  session: z.string(),
  answer: z.string(),
  sentences: z.array(
    z.strictObject({
      text: z.string(),
      sources: z.array(z.strictObject({ uri: z.string(), etag: etagSchema })),
    }),
  ),
  questions: z.array(z.string()).optional(),
  proposals: z
    .array(z.strictObject({ action: z.string(), target: z.string(), summary: z.string() }))
    .optional(),
  notices: z.array(z.string()),
});
export type ChatResult = z.infer<typeof chatResult>;

/** What chat has to know of a person before there is an answer: whom the message is about. */
export interface WhomQuestion {
  readonly question: string;
  /** The few whom it could mean, as the caller may read them; empty where they are not known. */
  readonly candidates: readonly { readonly member: string; readonly name: string }[];
}
