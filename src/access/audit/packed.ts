import type { StorableRecord } from './store.ts';

/** Records as few values: what goes to another thread is copied value by value. */
export interface PackedRecords {
  /** One a line: canonical JSON has no line break. */
  readonly bodies: string;
  /** Milliseconds since the epoch. */
  readonly at: Float64Array;
  /** One record a line, its members apart by spaces, which no id has. */
  readonly members: string;
  readonly quiet: Uint8Array;
}

export function packed(records: readonly StorableRecord[]): PackedRecords {
  return {
    bodies: records.map(({ body }) => body).join('\n'),
    at: Float64Array.from(records, ({ at }) => at),
    members: records.map(({ members }) => members.join(' ')).join('\n'),
    quiet: Uint8Array.from(records, ({ quiet = 0 }) => quiet),
  };
}

export function unpacked({ bodies, at, members, quiet }: PackedRecords): StorableRecord[] {
  const about = members.split('\n');
  return bodies.split('\n').map((body, index) => ({
    body,
    at: at[index] ?? 0,
    members: about[index] ? about[index].split(' ') : [],
    quiet: (quiet[index] ?? 0) as 0 | 1 | 2,
  }));
}
