import type { ViewChange } from '../../twin/ports.ts';

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
