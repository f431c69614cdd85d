import type { SpicedbConnection } from './grpc.ts';
import { connectSchemas, isUnanswered, statusOf } from './grpc.ts';
import { SCHEMA_TEXT } from './schema.ts';
import { compareSchemas, mergeSchemas, type SchemaDifference } from './schema-compare.ts';
import { withPrefix } from './schema-text.ts';

/** What became of comparing or merging, for whoever runs the command. */
export type SchemaOutcome =
  | { readonly outcome: 'done'; readonly differences: readonly SchemaDifference[] }
  /** `says`: SpiceDB's own words; they go to the operator who gave the token, to nobody else. */
  | { readonly outcome: 'unreachable' | 'token-refused' | 'refused'; readonly says: string };

/** `digital-twin schema diff|apply`: it goes to SpiceDB itself, since the server does not start. */
export async function mendSchema(
  connection: SpicedbConnection,
  action: 'diff' | 'apply',
): Promise<SchemaOutcome> {
  try {
    const work = action === 'diff' ? diffSchema(connection) : applySchema(connection);
    return { outcome: 'done', differences: await work };
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    return { outcome: outcomeOf(error), says };
  }
}

/** By gRPC's status codes: UNAUTHENTICATED and PERMISSION_DENIED, what is no answer, the rest. */
function outcomeOf(error: unknown): 'unreachable' | 'token-refused' | 'refused' {
  const code = statusOf(error);
  if (code === 16 || code === 7) return 'token-refused';
  return isUnanswered(error) ? 'unreachable' : 'refused';
}

/** What SpiceDB's schema lacks of ours; empty when this version can run on it. */
export function diffSchema(connection: SpicedbConnection): Promise<SchemaDifference[]> {
  return withSchemas(connection, async ({ read }) =>
    compareSchemas(await read(), oursFor(connection)),
  );
}

/**
 * Writes our definitions beside those of others; answers what was different.
 * @throws when SpiceDB refuses: a relation that would go still has relationships, for one.
 */
export function applySchema(connection: SpicedbConnection): Promise<SchemaDifference[]> {
  return withSchemas(connection, async ({ read, write }) => {
    const [present, ours] = [await read(), oursFor(connection)];
    const differences = compareSchemas(present, ours);
    if (differences.length > 0) await write(mergeSchemas(present, ours));
    return differences;
  });
}

/** The server writes no schema on a SpiceDB of the company's: it compares, and does not start. */
export async function requireSchema(connection: SpicedbConnection): Promise<void> {
  const differences = await diffSchema(connection);
  if (differences.length === 0) return;
  const first = differences[0]?.where ?? '';
  throw new Error(
    `SpiceDB at ${connection.endpoint} does not have the schema of this version ` +
      `(${differences.length} difference(s), such as ${first}): ` +
      'see `digital-twin schema diff`, and mend it with `digital-twin schema apply`',
  );
}

function oursFor({ prefix }: SpicedbConnection): string {
  return withPrefix(SCHEMA_TEXT, prefix);
}

async function withSchemas<T>(
  connection: SpicedbConnection,
  use: (schemas: ReturnType<typeof connectSchemas>) => Promise<T>,
): Promise<T> {
  const schemas = connectSchemas(connection);
  try {
    return await use(schemas);
  } finally {
    schemas.close();
  }
}
