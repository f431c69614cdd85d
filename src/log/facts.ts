import { createHash } from 'node:crypto';
import { Fault } from '../kernel/errors.ts';
import { canonicalJson } from '../kernel/json.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { SourceRecord } from '../twin/ports.ts';
import type { DeciderState, Head, HeadFacts } from './decider-state.ts';
import { withLabels } from './labels.ts';
import { directoryReferences, identifiersOf } from './names.ts';

/** With what the directory says of those whom the record mentions: their names and labels. */
export function withCopies(state: DeciderState, record: SourceRecord): SourceRecord {
  return withLabels(state, withNames(state, record));
}

/** What the directory calls somebody wins over what a bundle calls them. */
function withNames(state: DeciderState, record: SourceRecord): SourceRecord {
  const known = directoryReferences(record.resource).flatMap((reference) => {
    const name = state.nameOf(record.tenant, reference);
    return name === undefined ? [] : [[reference, name] as const];
  });
  return { ...record, names: { ...record.names, ...Object.fromEntries(known) } };
}

/** A tombstone, like a record that carries no time of its own, keeps the time of the head. */
export function factsOf(
  { resource, names }: Pick<SourceRecord, 'resource' | 'names'>,
  lastUpdatedMs: number | undefined,
  head: Head | undefined,
): HeadFacts {
  const content = resource === null ? 'tombstone' : canonicalJson({ resource, names });
  const updated = lastUpdatedMs ?? head?.lastUpdatedMs;
  return {
    hash: createHash('sha256').update(content).digest('base64url'),
    mentions: directoryReferences(resource),
    identifiers: identifiersOf(resource),
    ...(updated !== undefined && { lastUpdatedMs: updated }),
  };
}

/** @throws Fault REFUSED_INPUT for a record that neither log can hold (design §6). */
export function bounded<R extends object>(record: R): R {
  if (Buffer.byteLength(JSON.stringify(record)) <= LIMITS.recordBytesMax) return record;
  throw new Fault('REFUSED_INPUT', {
    detail: `One record is larger than ${LIMITS.recordBytesMax / 1024} KB.`,
    data: { reason: 'too-large' },
  });
}
