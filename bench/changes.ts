import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allMembers } from '../src/twin/documents/test/members.ts';
import { etagOf, sourceDocument } from '../src/twin/etag.ts';
import type { LogRecord, SourceRecord } from '../src/twin/ports.ts';
import { PROJECTION_VERSION, project } from '../src/twin/project.ts';
import type { Projector } from '../src/view/projector.ts';
import { openViewWriter } from '../src/view/writer.ts';
import { percentile, type Row, report } from './harness.ts';

const CHANGES = 200;
const WARM_UP = 20;
const PARTITIONS = 16;

const projector: Projector = {
  version: PROJECTION_VERSION,
  etagKey: new Uint8Array(32),
  project,
  etagOf,
  sourceDocument,
};
/** The same work with nothing kept of the last projection. */
const forgetful: Projector = {
  ...projector,
  project: (subject, records) => project(subject, records),
};

/**
 * What one changed observation costs the view's thread, from the record to the commit: for a member
 * with one record, one in the middle, and the largest of the shared data.
 */
export async function benchChanges(): Promise<void> {
  const members = allMembers()
    .map(({ records }) => records)
    .filter((records) => records.some(({ type }) => type === 'Observation'))
    .sort((a, b) => a.length - b.length);
  const largest = members.at(-1) ?? [];
  const middle = members.at(members.length / 2) ?? [];
  const single = largest.filter(({ type }) => type === 'Observation').slice(0, 1);
  const rows: Row[] = [];
  for (const records of [single, middle, largest]) {
    const what = `a change to a member of ${records.length}`;
    rows.push({ what: `${what}, median`, value: await costOf(projector, records), unit: 'ms' });
    const anew = await costOf(forgetful, records);
    rows.push({ what: `${what}, projected anew, median`, value: anew, unit: 'ms' });
  }
  report('changes', { changes: CHANGES, warmUp: WARM_UP }, rows);
}

/** Median, in ms. */
async function costOf(by: Projector, records: readonly SourceRecord[]): Promise<number> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bench-changes-'));
  const ends = Array<number>(PARTITIONS).fill(0);
  const at = Date.now();
  const writer = openViewWriter(dataDir, by, {
    epoch: 'aaaaaaaa',
    partitions: PARTITIONS,
    ends,
    at,
  });
  const observations = records.filter(({ type }) => type === 'Observation');
  let offset = 0;
  const apply = (some: readonly SourceRecord[]): void => {
    const placed = some.map((one): LogRecord => ({ ...one, partition: 0, offset: offset++ }));
    writer.apply([{ partition: 0, records: placed, upTo: offset - 1 }], at);
  };
  apply(records);
  const times: number[] = [];
  for (let count = 0; count < WARM_UP + CHANGES; count += 1) {
    const observation = observations[count % observations.length] as SourceRecord;
    const began = performance.now();
    apply([changed(observation, count)]);
    if (count >= WARM_UP) times.push(performance.now() - began);
  }
  writer.close();
  await rm(dataDir, { recursive: true });
  return percentile(times, 50);
}

function changed(record: SourceRecord, count: number): SourceRecord {
  const { resource } = record;
  if (resource === null) return record;
  const valueQuantity = { value: count, unit: 'mm[Hg]' };
  return { ...record, resource: { ...resource, valueQuantity } };
}
