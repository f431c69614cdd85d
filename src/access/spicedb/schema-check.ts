import type { SpicedbConnection } from './grpc.ts';
import { connectSchemas } from './grpc.ts';
import { SCHEMA_TEXT } from './schema.ts';
import { compareSchemas, mergeSchemas, type SchemaDifference } from './schema-compare.ts';
import { withPrefix } from './schema-text.ts';

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

function oursFor({ prefix = '' }: SpicedbConnection): string {
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
