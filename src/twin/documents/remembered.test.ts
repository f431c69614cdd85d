import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../kernel/json.ts';
import type { SourceRecord } from '../ports.ts';
import { project } from '../project.ts';
import { allMembers } from './test/members.ts';
import { TIME_PASSED } from './time.ts';

/** Of each type a few, so that records refer to each other. */
const OF_A_TYPE = 4;
/** The one with the most types of records. */
const { subject, records: RECORDS } = allMembers().reduce((one, other) =>
  typesOf(other) > typesOf(one) ? other : one,
);
const CHOSEN = [...Map.groupBy(RECORDS, ({ type }) => type).values()].flatMap((records) =>
  records.slice(0, OF_A_TYPE),
);
const [FIRST] = CHOSEN as [SourceRecord];
/** Documents name types that have no list of their own as well. */
const UNLISTED = ['FamilyMemberHistory', 'ClinicalImpression'].map((type) =>
  sourceOf(type, 'other', { status: 'completed' }),
);
const POOL = [...CHOSEN, ...UNLISTED];

function sourceOf(type: string, id: string, elements: JsonObject): SourceRecord {
  return { ...FIRST, type, id, resource: { resourceType: type, id, ...elements } };
}

function typesOf({ records }: { records: readonly SourceRecord[] }): number {
  return new Set(records.map(({ type }) => type)).size;
}

const LABEL: JsonObject = { code: 'R' };

type Change = 'remove' | 'restore' | 'rename' | 'protect';

function changed(record: SourceRecord, change: Change, count: number): SourceRecord {
  const { resource } = record;
  if (resource === null || change === 'remove') return { ...record, resource: null };
  if (change === 'protect')
    return { ...record, resource: { ...resource, meta: { security: [LABEL] } } };
  const text = { text: `Named ${count}` };
  const name = [{ family: `Family ${count}` }];
  return { ...record, resource: { ...resource, code: text, description: text, name } };
}

const step = fc.record({
  at: fc.nat({ max: POOL.length - 1 }),
  change: fc.constantFrom<Change>('remove', 'restore', 'rename', 'protect'),
  day: fc.option(fc.constantFrom('2020-01-01', '2030-01-01'), { freq: 8 }),
});

test('what is remembered of a member changes nothing of the answer', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      const memory = {};
      let sources: SourceRecord[] = [...POOL];
      for (const [count, { at, change, day }] of steps.entries()) {
        const original = POOL[at] as SourceRecord;
        const next = change === 'restore' ? original : changed(original, change, count);
        sources = sources.map((one, index) => (index === at ? next : one));
        const present = sources.filter(({ resource }) => resource !== null);
        const all = day === null ? present : [...present, passed(day)];
        assert.deepEqual(project(subject, all, memory), project(subject, structuredClone(all)));
      }
    }),
    { numRuns: 30 },
  );
});

function passed(date: string): SourceRecord {
  return sourceOf(TIME_PASSED.type, TIME_PASSED.id, { date });
}
