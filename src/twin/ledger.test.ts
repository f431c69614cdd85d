/**
 * The ledger: every resource of every shared file is accounted for, and what the documents count
 * and sum equals a slow count over the raw files that shares no code with the projection.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { JsonObject } from '../kernel/json.ts';
import { collectionOf } from './documents/test/members.ts';
import { sourceDocument } from './etag.ts';
import type { AddressedBundle } from './fhir/records.ts';
import { addressBundle } from './fhir/resolve.ts';
import { createKnown, readEntries, sourceRecords, syntheaBundles } from './fhir/test/synthea.ts';
import { project } from './project.ts';
import type { Projection } from './projection.ts';

const DATA = new URL('../../../shared/data/fhir/', import.meta.url);

interface Raw {
  readonly resourceType: string;
  readonly id: string;
  readonly [element: string]: unknown;
}

/** One file, or one folder of single resources: as it is, and as the intake took it. */
interface Unit {
  readonly set: string;
  readonly raw: readonly Raw[];
  readonly bundle: AddressedBundle;
  readonly members: readonly { readonly member: string; readonly projection: Projection }[];
}

function rawOf(set: string, file: string): Raw[] {
  const bytes = readFileSync(new URL(`${set}/${file}`, DATA));
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const read = JSON.parse(text) as Raw & { entry?: { resource: Raw }[] };
  return read.entry === undefined ? [read] : read.entry.map(({ resource }) => resource);
}

function unitOf(set: string, files: readonly string[], bundle: AddressedBundle): Unit {
  const records = sourceRecords(bundle, '2026-01-01T00:00:00.000Z');
  const members = bundle.members.map(({ member }) => ({
    member,
    projection: project(
      { kind: 'member', id: member },
      records.filter(({ subject }) => subject.id === member),
    ),
  }));
  return { set, raw: files.flatMap((file) => rawOf(set, file)), bundle, members };
}

const filesOf = (set: string) => readdirSync(new URL(`${set}/`, DATA)).sort();
const units: readonly Unit[] = [
  ...syntheaBundles().map(({ file, bundle }) =>
    unitOf('synthea-3.3.0', [file.slice(file.lastIndexOf('/') + 1)], bundle),
  ),
  ...filesOf('synthea-2019').map((file) => {
    const json = gunzipSync(readFileSync(new URL(`synthea-2019/${file}`, DATA)));
    return unitOf('synthea-2019', [file], addressBundle(readEntries(json), createKnown()));
  }),
  ...['carin-bb-2.0.0', 'pdex-2.0.0'].map((set) => unitOf(set, filesOf(set), collectionOf(set))),
];

/** Where a resource is: a section, the directory, or a kind that no room uses. */
function placeOf({ bundle, members }: Unit, { resourceType, id }: Raw): string {
  const record = bundle.records.find((one) => one.type === resourceType && one.id === id);
  if (record === undefined) {
    assert.ok((bundle.ignored[resourceType] ?? 0) > 0, `${resourceType}/${id} is nowhere`);
    return 'ignored';
  }
  if (record.home.kind === 'directory') return 'directory';
  const { subject } = record.home;
  const own = members.find(({ member }) => member === subject.id);
  const section = own?.projection.sections.get(`${resourceType}/${id}`);
  assert.ok(section !== undefined, `${resourceType}/${id} is in no section`);
  const [stored] = sourceRecords({ ...bundle, records: [record] }, '');
  assert.ok(stored !== undefined);
  const document = sourceDocument({ ...stored, section, sensitive: false }, 'full');
  assert.equal((document.data.resource as JsonObject).id, id);
  return section;
}

/** Set, place, type: how many. */
const PINNED = {
  'synthea-3.3.0': {
    directory: {
      Organization: 85,
      Location: 86,
      Practitioner: 85,
      PractitionerRole: 85,
      Medication: 25,
    },
    profile: { Patient: 14 },
    clinical: {
      Encounter: 343,
      Condition: 219,
      DiagnosticReport: 557,
      DocumentReference: 343,
      Device: 40,
      Immunization: 127,
      Observation: 1776,
      Procedure: 687,
      MedicationRequest: 122,
      MedicationAdministration: 25,
      ImagingStudy: 21,
      SupplyDelivery: 217,
      AllergyIntolerance: 10,
    },
    financial: { Claim: 465, ExplanationOfBenefit: 465 },
    care: { CareTeam: 34, CarePlan: 34 },
    ignored: { Provenance: 14 },
  },
  'synthea-2019': {
    profile: { Patient: 20 },
    directory: { Organization: 37, Practitioner: 37 },
    clinical: {
      Encounter: 434,
      AllergyIntolerance: 77,
      Condition: 113,
      MedicationRequest: 127,
      Observation: 1990,
      Procedure: 163,
      Immunization: 246,
      DiagnosticReport: 118,
      ImagingStudy: 6,
    },
    care: { CarePlan: 67, Goal: 13 },
    financial: { Claim: 561, ExplanationOfBenefit: 434 },
  },
  'carin-bb-2.0.0': {
    coverage: { Coverage: 4 },
    financial: { ExplanationOfBenefit: 10 },
    directory: { Organization: 2 },
    profile: { Patient: 2, RelatedPerson: 1 },
  },
  'pdex-2.0.0': {
    coverage: { Coverage: 2 },
    financial: { ExplanationOfBenefit: 1 },
    profile: { Patient: 3 },
  },
};

test('B-TW-5: every resource is in a section with its source document, in the directory, or ignored', (t) => {
  const ledger = new Map<string, Map<string, Record<string, number>>>();
  for (const unit of units) {
    const places = ledger.get(unit.set) ?? new Map<string, Record<string, number>>();
    ledger.set(unit.set, places);
    for (const resource of unit.raw) {
      const { resourceType: type } = resource;
      const place = placeOf(unit, resource);
      const counts = places.get(place) ?? {};
      places.set(place, { ...counts, [type]: (counts[type] ?? 0) + 1 });
    }
  }
  for (const [set, places] of ledger) {
    t.diagnostic(`${set}: ignored ${JSON.stringify(places.get('ignored') ?? {})}`);
  }
  const counted = [...ledger].map(([set, places]) => [set, Object.fromEntries(places)]);
  assert.deepEqual(Object.fromEntries(counted), PINNED);
});

/** Lists of one type each, in which nothing is put together. */
const LISTS: readonly (readonly [section: string, list: string, type: string])[] = [
  ['coverage', 'plans', 'Coverage'],
  ['clinical', 'conditions', 'Condition'],
  ['clinical', 'medications', 'MedicationRequest'],
  ['clinical', 'allergies', 'AllergyIntolerance'],
  ['clinical', 'immunizations', 'Immunization'],
  ['clinical', 'procedures', 'Procedure'],
  ['clinical', 'encounters', 'Encounter'],
  ['clinical', 'documents', 'DocumentReference'],
  ['clinical', 'devices', 'Device'],
  ['clinical', 'supplies', 'SupplyDelivery'],
  ['care', 'carePlans', 'CarePlan'],
  ['care', 'goals', 'Goal'],
];

function dataOf({ documents }: Projection, section: string): JsonObject {
  const found = documents.find((one) => one.section === section && one.variant === 'full');
  assert.ok(found !== undefined);
  return found.data;
}

test('what a list shows, and what it says that it leaves out, is what the file holds', () => {
  let counted = 0;
  for (const { raw, members } of units.filter(({ set }) => set.startsWith('synthea'))) {
    for (const { projection } of members) {
      for (const [section, list, type] of LISTS) {
        const data = dataOf(projection, section);
        const shown = (data[list] as JsonObject[]).filter(
          ({ basis }) => basis !== 'named in claims',
        );
        const leftOut = (data.leftOut ?? []) as { what: string; count: number }[];
        const left = leftOut.find(({ what }) => what === list)?.count ?? 0;
        const wanted = raw.filter(({ resourceType }) => resourceType === type).length;
        assert.equal(shown.length + left, wanted, `${section} ${list}`);
        counted += wanted;
      }
    }
  }
  assert.equal(counted, 3_382);
});

/** Money as whole units of 10^-20, read digit by digit: slow, and exact. */
const SCALE = 20;

function exact(value: number): bigint {
  const [, sign = '', whole = '0', part = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(value)) ?? [];
  const digits = BigInt(whole + part.padEnd(SCALE, '0').slice(0, SCALE));
  return sign === '-' ? -digits : digits;
}

/** Rounded to cents, half away from zero. */
function cents(units: bigint): string {
  const half = 5n * 10n ** BigInt(SCALE - 3);
  const rounded = (units + half) / 10n ** BigInt(SCALE - 2);
  const text = rounded.toString().padStart(3, '0');
  return `${text.slice(0, -2)}.${text.slice(-2)} USD`;
}

interface Explained extends Raw {
  readonly billablePeriod: { readonly start: string };
  readonly total: readonly { readonly amount: { readonly value: number } }[];
  readonly payment: { readonly amount: { readonly value: number } };
  readonly item: readonly {
    readonly adjudication?: readonly {
      readonly category: { readonly coding: readonly { readonly code: string }[] };
      readonly amount?: { readonly value: number };
    }[];
  }[];
}

/** The patient's share of an item, as BlueButton names it: coinsurance and deductible. */
const SHARE = /line_(coinsrnc|bene_ptb_ddctbl)_amt$/;

function sharesOf({ item }: Explained): bigint[] {
  return item.flatMap(({ adjudication = [] }) =>
    adjudication
      .filter(({ category }) => SHARE.test(category.coding[0]?.code ?? ''))
      .map(({ amount }) => exact(amount?.value ?? 0)),
  );
}

function sum(values: readonly bigint[]): bigint {
  let total = 0n;
  for (const value of values) total += value;
  return total;
}

test('billed, paid and the patient’s portion by year are the sums of the raw file', () => {
  let years = 0;
  for (const { raw, members } of units.filter(({ set }) => set.startsWith('synthea'))) {
    const all = raw.filter(({ resourceType }) => resourceType === 'ExplanationOfBenefit');
    for (const { projection } of members) {
      for (const row of dataOf(projection, 'financial').totals as JsonObject[]) {
        const own = (all as unknown as Explained[]).filter(
          ({ billablePeriod }) => billablePeriod.start.slice(0, 4) === row.year,
        );
        assert.equal(row.explanations, own.length);
        if (own.length === 0) continue;
        const billed = sum(
          own.flatMap(({ total }) => total.map(({ amount }) => exact(amount.value))),
        );
        const paid = sum(own.map(({ payment }) => exact(payment.amount.value)));
        const shares = own.flatMap(sharesOf);
        assert.deepEqual(
          [row.billed, row.paid, row.patientPortion],
          [cents(billed), cents(paid), shares.length === 0 ? undefined : cents(sum(shares))],
        );
        years += 1;
      }
    }
  }
  assert.ok(years > 200, String(years));
});
