/**
 * Members for tests and benchmarks: copies of the shared Synthea 3.3.0 bundles under other ids, so
 * that each copy is a member of its own. What bundles share (practitioners, organizations) keeps
 * its name.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const FOLDER = new URL('../../shared/data/fhir/synthea-3.3.0/', import.meta.url);
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

export interface SharedBundle {
  readonly name: string;
  /** The bundle as JSON. */
  readonly text: string;
  /** Compressed size in bytes: the smaller ones make quick tests. */
  readonly bytes: number;
}

export interface MemberCopy {
  readonly member: string;
  readonly bundle: string;
}

/** Bundles of hospitals and practitioners, which the members' bundles refer to. */
export function directoryBundles(): SharedBundle[] {
  return bundles((name) => isDirectory(name));
}

export function memberBundles(): SharedBundle[] {
  return bundles((name) => !isDirectory(name));
}

/** The `copy`-th copy of a member: every id of the bundle ends in the copy's number. */
export function copyOf({ name, text }: SharedBundle, copy: number): MemberCopy {
  const suffix = copy.toString(16).padStart(4, '0');
  const { entry } = JSON.parse(text) as { entry: { resource: { id: string } }[] };
  const ids = new Set(entry.map(({ resource }) => resource.id));
  const rekeyed = (id: string): string => (ids.has(id) ? id.slice(0, -4) + suffix : id);
  const patient = name.slice(-'.json.gz'.length - 36, -'.json.gz'.length);
  return { member: rekeyed(patient), bundle: text.replaceAll(UUID, rekeyed) };
}

function bundles(wanted: (name: string) => boolean): SharedBundle[] {
  if (!existsSync(FOLDER)) throw new Error('shared/data is missing beside the checkout');
  return readdirSync(FOLDER)
    .filter(wanted)
    .sort()
    .map((name) => {
      const packed = readFileSync(new URL(name, FOLDER));
      return { name, text: String(gunzipSync(packed)), bytes: packed.length };
    });
}

function isDirectory(name: string): boolean {
  return /^(?:hospital|practitioner)Information/.test(name);
}
