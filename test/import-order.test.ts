import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { ndjson, openSpine } from './support/spine.ts';

const SYNTHEA = new URL('../../shared/data/fhir/synthea-3.3.0/', import.meta.url);
const HOSPITALS = 'hospitalInformation1788220800000.json.gz';
const PRACTITIONERS = 'practitionerInformation1788220800000.json.gz';
const OLYMPIA = 'Olympia319_Fay398_2dd37182-28c6-a51c-7176-191560f6e346.json.gz';

interface Bundle {
  readonly resourceType: 'Bundle';
  type: string;
  entry: { readonly resource: object }[];
}

function bundle(name: string): Bundle {
  return JSON.parse(String(gunzipSync(readFileSync(new URL(name, SYNTHEA))))) as Bundle;
}

/** What a document says of days is by the decider's clock. */
const TODAY = Date.parse('2026-06-30T12:00:00Z');

const to = (reference: string) => ({ reference });
const at = (day: string) => ({ lastUpdated: `2026-01-${day}T00:00:00Z` });
const concept = (text: string) => ({ text });

/** Everything that can be in another's way: each refers to others in a way of its own. */
const RECORDS: readonly object[] = [
  {
    resourceType: 'Patient',
    id: 'ana',
    meta: at('02'),
    identifier: [{ system: 'mrn', value: '7' }],
    name: [{ family: 'Rivera', given: ['Ana'] }],
  },
  { resourceType: 'Patient', id: 'ana', meta: at('01'), name: [{ family: 'Older' }] },
  {
    resourceType: 'Practitioner',
    id: 'dr',
    identifier: [{ system: 'npi', value: '1' }],
    name: [{ family: 'Moss', given: ['Eve'] }],
  },
  {
    resourceType: 'Encounter',
    id: 'e1',
    status: 'finished',
    class: { code: 'AMB' },
    subject: to('Patient?identifier=mrn|7'),
    participant: [{ individual: to('Practitioner?identifier=npi|1') }],
  },
  {
    resourceType: 'Condition',
    id: 'c1',
    meta: at('05'),
    encounter: to('Encounter/e1'),
    code: concept('Asthma'),
  },
  {
    resourceType: 'Condition',
    id: 'c1',
    meta: at('04'),
    subject: to('Patient/ana'),
    code: concept('Cough'),
  },
  {
    resourceType: 'Medication',
    id: 'm1',
    meta: { security: [{ code: 'ETH' }] },
    code: concept('Something'),
  },
  {
    resourceType: 'MedicationRequest',
    id: 'r1',
    status: 'active',
    intent: 'order',
    subject: to('Patient/ana'),
    medicationReference: to('Medication/m1'),
  },
  {
    resourceType: 'Coverage',
    id: 'v1',
    status: 'active',
    beneficiary: to('Patient/ana'),
    payor: [to('Organization/o1')],
    period: { start: '2026-01-01', end: '2026-12-31' },
  },
  // Days that have come and are to come, of versions that count and that do not.
  ...(['2026-05-31', '2026-09-30', '2026-06-29'] as const).map((end, index) => ({
    resourceType: 'Task',
    id: `t${index % 2}`,
    meta: at(`0${index + 1}`),
    status: 'requested',
    intent: 'order',
    for: to(index === 1 ? 'Patient/anna' : 'Patient/ana'),
    restriction: { period: { end } },
  })),
  { resourceType: 'Organization', id: 'o1', name: 'Harbor Health Plan' },
  // Its source filed it with ben first, by mistake.
  { resourceType: 'Patient', id: 'ben', name: [{ family: 'Rivera', given: ['Ben'] }] },
  {
    resourceType: 'Condition',
    id: 'c2',
    meta: at('02'),
    subject: to('Patient/ben'),
    code: concept('Gout'),
  },
  {
    resourceType: 'Condition',
    id: 'c2',
    meta: at('03'),
    subject: to('Patient/ana'),
    code: concept('Gout'),
  },
  // Replaced by ana: all of theirs becomes hers.
  {
    resourceType: 'Patient',
    id: 'anna',
    meta: at('03'),
    name: [{ family: 'Rivera', given: ['Anna'] }],
    link: [{ other: to('Patient/ana'), type: 'replaced-by' }],
  },
  {
    resourceType: 'AllergyIntolerance',
    id: 'a1',
    patient: to('Patient/anna'),
    code: concept('Penicillin'),
  },
];

/** Deleted after, and before, the version that is there; and long gone. */
const DELETIONS = ['Goal/g1@03', 'Goal/g2@01'].map((text) => {
  const [url, day] = text.split('@');
  const response = { lastModified: at(day ?? '').lastUpdated };
  return { request: { method: 'DELETE', url }, response };
});
const GOALS = ['g1', 'g2'].map((id) => ({
  resourceType: 'Goal',
  id,
  meta: at('02'),
  lifecycleStatus: 'active',
  description: concept(`Goal ${id}`),
  subject: to('Patient/ana'),
}));

interface SourceEtags {
  readonly uri: string | null;
  readonly general_etag: string | null;
}

type Piece = { readonly body: unknown; readonly format?: 'ndjson' };

const PIECES: readonly Piece[] = [
  ...[...RECORDS, ...GOALS].map((body) => ({ body })),
  ...DELETIONS.map((entry) => ({
    body: { resourceType: 'Bundle', type: 'history', entry: [entry] },
  })),
];

function stateAfter(pieces: readonly Piece[]): unknown {
  const spine = openSpine();
  spine.now = TODAY;
  for (const { body, ...more } of pieces) spine.submit(body, more);
  assert.equal(spine.held().waiting.count, 0);
  return spine.etags();
}

test('B-IN-7: records that come in any order, one by one, give the same etags', () => {
  const inOrder = stateAfter(PIECES);
  const [documents, sources] = inOrder as [unknown[], SourceEtags[]];
  assert.ok(documents.length >= 10);
  const etagsOf = (record: string) => sources.find(({ uri }) => uri?.endsWith(`/ana/${record}`));
  assert.ok(etagsOf('clinical/AllergyIntolerance/a1')?.general_etag, 'moved to the survivor');
  assert.equal(etagsOf('clinical/MedicationRequest/r1')?.general_etag, null, 'labelled');
  const any = fc.shuffledSubarray([...PIECES], { minLength: PIECES.length });
  fc.assert(
    fc.property(any, (pieces) => assert.deepEqual(stateAfter(pieces), inOrder)),
    { numRuns: 15 },
  );
});

test('B-IN-7: the same as lines of one file, in any order and in any number of requests', () => {
  const inOrder = stateAfter(PIECES);
  const bodies = PIECES.map(({ body }) => body);
  const any = fc.shuffledSubarray(bodies, { minLength: bodies.length });
  fc.assert(
    fc.property(any, fc.integer({ min: 1, max: bodies.length }), (lines, size) => {
      const groups: Piece[] = [];
      for (let from = 0; from < lines.length; from += size) {
        groups.push({ body: ndjson(lines.slice(from, from + size)), format: 'ndjson' });
      }
      assert.deepEqual(stateAfter(groups), inOrder);
    }),
    { numRuns: 12 },
  );
});

test('B-IN-7: a real member and their directory, as files in any order, twice', () => {
  const files = [HOSPITALS, PRACTITIONERS, OLYMPIA].map(bundle);
  for (const file of files) file.type = 'collection';
  const inOrder = openSpine();
  for (const file of files) inOrder.submit(file);
  const expected = inOrder.etags();
  for (const order of [
    [2, 1, 0],
    [1, 2, 0],
  ]) {
    const spine = openSpine();
    for (const index of order) spine.submit(files[index]);
    assert.equal(spine.held().waiting.count, 0);
    assert.deepEqual(spine.etags(), expected);
    const told = spine.changes.length;
    for (const file of files) assert.equal(spine.submit(file).accepted, 0);
    assert.equal(spine.changes.length, told);
  }
});

test('B-IN-7: a bulk export of that member, lines shuffled over files, gives the same etags', () => {
  const entries = [HOSPITALS, PRACTITIONERS, OLYMPIA].flatMap((name) => bundle(name).entry);
  const resources = entries.map(({ resource }) => resource);
  const byUrn = JSON.stringify(resources);
  const inOrder = openSpine();
  inOrder.submit(ndjson(resources), { format: 'ndjson' });
  const shuffled = [...(JSON.parse(byUrn) as object[])].reverse();
  const spine = openSpine();
  for (let from = 0; from < shuffled.length; from += 50) {
    spine.submit(ndjson(shuffled.slice(from, from + 50)), { format: 'ndjson' });
  }
  assert.equal(spine.held().waiting.count, 0);
  assert.deepEqual(spine.etags(), inOrder.etags());
});
