import type { ViewChange, ViewShard } from '../../twin/ports.ts';

export const EPOCH = 'testtest';
export const PARTITIONS = 4;
const MEMBERS = 37;

/** The nth change of a view, the same wherever it is asked for. */
export function changeAt(index: number): ViewChange {
  const member = `m${index % MEMBERS}`;
  const partition = (index % MEMBERS) % PARTITIONS;
  return {
    uri: `mcp://twins/member/${member}/clinical`,
    tenant: 'demo',
    subject: { kind: 'member', id: member },
    section: 'clinical',
    variant: index % 2 === 0 ? 'general' : 'full',
    etag: `"${String(index).padStart(22, '0')}"`,
    kind: index < MEMBERS ? 'created' : index % 50 === 0 ? 'deleted' : 'updated',
    place: { partition, offset: index },
    at: 1_000 + index,
  };
}

/** A view that has these changes and nothing else. */
export function shardOf(changes: readonly ViewChange[]): ViewShard {
  const shard: Partial<ViewShard> = {
    changesAfter: (partition, offset, limit) =>
      changes
        .filter(({ place }) => place.partition === partition && place.offset > offset)
        .slice(0, limit),
    version: () => changes.length,
    applied: (partition) =>
      changes.findLast(({ place }) => place.partition === partition)?.place.offset ?? -1,
    stampOf(uri, variant) {
      const last = changes.findLast((one) => one.uri === uri && one.variant === variant);
      if (last === undefined || last.kind === 'deleted') return undefined;
      return { etag: last.etag, recorded: '' };
    },
  };
  return shard as ViewShard;
}
