/** Real bundles of the shared data, and what a decider that has accepted some would know. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { isId } from '../../../contract/uris.ts';
import type { ResourceJson, SourceRecord } from '../../ports.ts';
import { displayName, objectsOf } from '../elements.ts';
import type { AddressedBundle, BundleEntry, KnownRecords } from '../records.ts';
import { addressBundle } from '../resolve.ts';
import { readSubmission } from '../submission.ts';

const DATA = new URL('../../../../../shared/data/fhir/', import.meta.url);

export function bundleFiles(folder: string): string[] {
  return readdirSync(new URL(`${folder}/`, DATA))
    .filter((name) => name.endsWith('.json.gz'))
    .sort()
    .map((name) => fileURLToPath(new URL(`${folder}/${name}`, DATA)));
}

export function bundleBytes(file: string): Uint8Array {
  return gunzipSync(readFileSync(file));
}

/** All entries of a bundle, whatever its type says about how they are decided. */
export function readEntries(json: Uint8Array): BundleEntry[] {
  return readSubmission(json).units.flatMap(({ entries }) => entries);
}

/** Knows what it is told, in memory. */
export function createKnown(): KnownRecords & { accept(bundle: AddressedBundle): void } {
  const identifiers = new Map<string, string>();
  const homes = new Map<string, string | undefined>();
  const names = new Map<string, string>();
  return {
    byIdentifier(type, system, value) {
      const id = identifiers.get(`${type}|${system}|${value}`);
      return id === undefined ? [] : [id];
    },
    byUrl: () => undefined,
    has: (type, id) => homes.has(`${type}/${id}`),
    memberOf: (type, id) => homes.get(`${type}/${id}`),
    nameOf: (reference) => names.get(reference),
    memberId: (patient) => patient,
    resourceId: (_, id) => (isId(id) ? id : `mapped-${Buffer.from(id).toString('hex')}`),
    accept({ records }) {
      for (const { type, id, home, resource } of records) {
        const key = `${type}/${id}`;
        homes.set(key, home.kind === 'subject' ? home.subject.id : undefined);
        if (resource === null) continue;
        const name = displayName(resource);
        if (name !== undefined) names.set(key, name);
        for (const { system, value } of objectsOf(resource.identifier)) {
          identifiers.set(`${type}|${system}|${value}`, id);
        }
      }
    },
  };
}

/** Synthea 3.3.0: hospitals and practitioners first, then every member; each file once. */
export function syntheaBundles(): { file: string; bundle: AddressedBundle; count: number }[] {
  const known = createKnown();
  const files = bundleFiles('synthea-3.3.0');
  const first = files.filter((file) => /(hospital|practitioner)Information/.test(file));
  return [...first, ...files.filter((file) => !first.includes(file))].map((file) => {
    const entries = readEntries(bundleBytes(file));
    const bundle = addressBundle(entries, known);
    known.accept(bundle);
    return { file, bundle, count: entries.length };
  });
}

export function sourceRecords(bundle: AddressedBundle, recorded: string): SourceRecord[] {
  return bundle.records.flatMap(({ home, type, id, resource, names }): SourceRecord[] => {
    if (home.kind !== 'subject') return [];
    const provenance = { source: 'synthea', actor: 'test', recorded };
    const { subject } = home;
    return [{ tenant: 'demo', subject, type, id, resource, names, provenance, eventId: 'e' }];
  });
}

/** A record of member `m`, as the decider would have accepted it. */
export function record(resource: ResourceJson & { id: string }): SourceRecord {
  return {
    tenant: 'demo',
    subject: { kind: 'member', id: 'm' },
    type: resource.resourceType,
    id: resource.id,
    resource,
    names: {},
    provenance: { source: 'test', actor: 'test', recorded: '2026-01-01T00:00:00.000Z' },
    eventId: 'e',
  };
}
