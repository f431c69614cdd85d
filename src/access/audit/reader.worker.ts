import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { workerData } from 'node:worker_threads';
import { serveWorker } from '../../kernel/worker.ts';
import { byPlace, merged } from './merged.ts';
import { type KeptRow, type MemberQuery, type RangeQuery, TrailRows } from './rows.ts';
import { completeness } from './trail-store.ts';

/**
 * The thread that reads: what came by the topic, and this instance's own rows, which are there a
 * little earlier. So no question holds up a commit.
 */
const { own, trail } = workerData as { own: string; trail: string | undefined };
const open = (path: string): TrailRows => {
  return new TrailRows(new DatabaseSync(path, { readOnly: true, timeout: 1_000 }));
};
const ownRows = open(own);
const all = trail !== undefined && existsSync(trail) ? [open(trail), ownRows] : [ownRows];

const methods = {
  ofMember: (query: MemberQuery): KeptRow[] =>
    merged(
      all.map((rows) => rows.ofMember(query)),
      (a, b) => byPlace(b, a),
      query.limit,
    ),
  inRange: (query: RangeQuery): KeptRow[] =>
    merged(
      all.map((rows) => rows.inRange(query)),
      byPlace,
      query.limit,
    ),
  rightsOf: (query: { member: string; limit: number }): KeptRow[] =>
    merged(
      all.map((rows) => rows.rightsOf(query)),
      (a, b) => byPlace(b, a),
      query.limit,
    ),
  notes: () =>
    all.flatMap((rows) =>
      rows.generations().flatMap(({ id }) => rows.checkpoints(id).map(({ note }) => note)),
    ),
  generations: () => {
    const found = all.flatMap((rows) => rows.generations());
    return found.filter(({ id }, at) => found.findIndex((one) => one.id === id) === at);
  },
  rowsFrom: ({ generation, index, limit }: { generation: string; index: number; limit: number }) =>
    merged(
      all.map((rows) => rows.from(generation, index, limit)),
      byPlaceIn,
      limit,
    ),
  /** Of every instance but this one, whose own rows are all here. */
  complete: (instance: string) =>
    all
      .slice(0, -1)
      .flatMap((rows) => completeness(rows))
      .filter((one) => one.instance !== instance),
};
export type ReaderMethods = typeof methods;

function byPlaceIn(a: KeptRow, b: KeptRow): number {
  return a.index - b.index;
}

serveWorker(methods);
