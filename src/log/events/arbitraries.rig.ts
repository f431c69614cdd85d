import fc from 'fast-check';
import type { Json } from '../../kernel/json.ts';
import type { Provenance, RelationChange, ResourceJson, SourceRecord } from '../../twin/ports.ts';
import type { DirectoryRecord, HeadFacts } from '../decider-state.ts';

const PLAIN = { noNullPrototype: true } as const;
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, PLAIN) as fc.Arbitrary<T>;

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/);
const tenant = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,19}$/);
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
const eventId = fc.stringMatching(/^[ -~]{1,40}$/);
/** Any well-formed text: what is not, no UTF-8 holds. */
const text = fc.string({ unit: 'binary', maxLength: 40 });
const words = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
export const instant = fc
  .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString());

const resource: fc.Arbitrary<ResourceJson> = fc
  .tuple(id, fc.dictionary(words, fc.jsonValue() as fc.Arbitrary<Json>, { maxKeys: 5, ...PLAIN }))
  // As JSON has it: no -0, and `__proto__` is a member like any other.
  .map(([resourceType, rest]) => JSON.parse(JSON.stringify({ ...rest, resourceType })));

const provenance: fc.Arbitrary<Provenance> = record({
  source: name,
  actor: words,
  recorded: instant,
});

const live: fc.Arbitrary<SourceRecord> = record({
  tenant,
  subject: record({
    kind: fc.constantFrom('member' as const, 'practitioner' as const, 'session' as const),
    id,
  }),
  type: id,
  id,
  resource,
  names: fc
    .dictionary(words, text, { maxKeys: 3, ...PLAIN })
    .filter((names) => !Object.hasOwn(names, '__proto__')),
  provenance,
  eventId,
});

export const sourceRecord = fc
  .tuple(live, fc.boolean())
  .map(([one, gone]): SourceRecord => (gone ? { ...one, resource: null, names: {} } : one));

export const directoryRecord = sourceRecord.map((record): DirectoryRecord => {
  const { subject: _, names: __, ...rest } = record;
  return rest;
});

export const facts: fc.Arbitrary<HeadFacts> = fc.record(
  {
    hash: words,
    lastUpdatedMs: fc.integer({ min: 0, max: 253_402_300_799_999 }),
    mentions: fc.array(words, { maxLength: 3 }),
    identifiers: fc.array(record({ system: text, value: words }), { maxLength: 3 }),
  },
  { requiredKeys: ['hash', 'mentions', 'identifiers'], ...PLAIN },
);

/** A tombstone is mentioned and identified by nothing. */
export function factsOfKept(record: { readonly resource: unknown }, kept: HeadFacts): HeadFacts {
  return record.resource === null ? { ...kept, mentions: [], identifiers: [] } : kept;
}

const object = record({ type: id, id: words });
export const change: fc.Arbitrary<RelationChange> = record({
  operation: fc.constantFrom('touch' as const, 'delete' as const),
  relationship: fc.record(
    {
      resource: object,
      relation: words,
      subject: fc.record(
        { type: id, id: words, relation: words },
        { requiredKeys: ['type', 'id'], ...PLAIN },
      ),
      expiresAt: instant,
    },
    { requiredKeys: ['resource', 'relation', 'subject'], ...PLAIN },
  ),
});

export const submittedBundle = record({
  tenant,
  source: name,
  actor: words,
  eventId,
  format: fc.constantFrom('json' as const, 'ndjson' as const),
  gzip: fc.boolean(),
  body: fc.uint8Array({ maxLength: 200 }),
  dryRun: fc.boolean(),
});
