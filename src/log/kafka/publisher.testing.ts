import type { ViewChange, ViewShard } from '../../twin/ports.ts';

export const EPOCH = 'testtest';
export const PARTITIONS = 4;

/** The nth change of a view, the same wherever it is asked for. */
export function changeAt(index: number): ViewChange {
  const member = `m${index % 37}`;
  const partition = index % PARTITIONS;
  return {
    uri: `mcp://twins/member/${member}/clinical`,
    tenant: 'demo',
    subject: { kind: 'member', id: member },
    section: 'clinical',
    variant: index % 2 === 0 ? 'general' : 'full',
    etag: `"${String(index).padStart(22, '0')}"`,
    kind: index < 37 ? 'created' : index % 50 === 0 ? 'deleted' : 'updated',
    place: { partition, offset: Math.floor(index / PARTITIONS) },
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
      return last === undefined || last.etag === '' ? undefined : { etag: last.etag, recorded: '' };
    },
  };
  return shard as ViewShard;
}
