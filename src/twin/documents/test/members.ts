/** Every member of the shared FHIR data, as a view would hand their records to the projection. */

import { readdirSync, readFileSync } from 'node:fs';
import type { AddressedBundle } from '../../fhir/records.ts';
import { addressBundle } from '../../fhir/resolve.ts';
import {
  bundleBytes,
  bundleFiles,
  createKnown,
  readEntries,
  sourceRecords,
  syntheaBundles,
} from '../../fhir/test/synthea.ts';
import type { SourceRecord, Subject } from '../../ports.ts';

export interface TestMember {
  readonly set: string;
  readonly subject: Subject;
  readonly records: readonly SourceRecord[];
}

const DATA = new URL('../../../../../shared/data/fhir/', import.meta.url);
const RECEIVED = '2026-01-01T00:00:00.000Z';

/** Files of one resource each, as one collection. */
export function collectionOf(folder: string): AddressedBundle {
  const names = readdirSync(new URL(`${folder}/`, DATA)).sort();
  const entry = names.map((name) => {
    const resource: unknown = JSON.parse(readFileSync(new URL(`${folder}/${name}`, DATA), 'utf8'));
    return { resource };
  });
  const bundle = { resourceType: 'Bundle', type: 'collection', entry };
  const json = new TextEncoder().encode(JSON.stringify(bundle));
  return addressBundle(readEntries(json), createKnown());
}

function membersOf(set: string, bundle: AddressedBundle): TestMember[] {
  const records = sourceRecords(bundle, RECEIVED);
  return bundle.members.map(({ member }) => ({
    set,
    subject: { kind: 'member', id: member },
    records: records.filter(({ subject }) => subject.id === member),
  }));
}

export function allMembers(): TestMember[] {
  return [
    ...syntheaBundles().flatMap(({ bundle }) => membersOf('synthea-3.3.0', bundle)),
    ...bundleFiles('synthea-2019').flatMap((file) =>
      membersOf('synthea-2019', addressBundle(readEntries(bundleBytes(file)), createKnown())),
    ),
    ...membersOf('carin-bb-2.0.0', collectionOf('carin-bb-2.0.0')),
    ...membersOf('pdex-2.0.0', collectionOf('pdex-2.0.0')),
  ];
}
