import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Variant } from '../contract/documents.ts';
import type { Section } from '../contract/uris.ts';
import type { SearchQuery } from '../twin/ports.ts';
import { applyBatch } from './apply.ts';
import { openViewDatabase } from './schema.ts';
import { createShard } from './shard.ts';
import { PARTITION, projectorOf, recordsOf } from './test/records.ts';

const records = recordsOf([
  { member: 'ana', id: 'c1', text: 'asthma since childhood', date: '2020-03-01' },
  { member: 'ana', id: 'c2', text: 'asthma of a secret kind', secret: true, date: '2021-03-01' },
  { member: 'ana', id: 'c3', text: 'diabetes NOT controlled', date: '2019-03-01' },
  { member: 'ben', id: 'c1', text: 'asthma subject1 subject2' },
  { member: 'cleo', id: 'c1', text: 'subject:x', date: '2018' },
]);
const db = openViewDatabase(':memory:');
applyBatch(db, projectorOf(), { partition: PARTITION, records, upTo: records.length - 1 }, 1);
const shard = createShard(db, 16);

function area(id: string, variant: Variant = 'general', section: Section = 'clinical') {
  return { subject: { kind: 'member', id } as const, sections: new Map([[section, variant]]) };
}

function search(terms: string[], more: Partial<SearchQuery> = {}): string[] {
  const query = { terms, areas: [area('ana')], limit: 100, ...more };
  return shard.search(query).map(({ subject, uri }) => `${subject.id}/${uri.split('/').at(-1)}`);
}

describe('search', () => {
  test('general and full see different rows', () => {
    assert.deepEqual(search(['asthma']), ['ana/c1']);
    assert.deepEqual(search(['asthma'], { areas: [area('ana', 'full')] }), ['ana/c2', 'ana/c1']);
  });

  test('nobody and no section but those of the areas is looked at', () => {
    assert.deepEqual(search(['asthma'], { areas: [] }), []);
    assert.deepEqual(search(['asthma'], { areas: [area('nobody')] }), []);
    assert.deepEqual(search(['asthma'], { areas: [area('ana', 'full', 'profile')] }), []);
    const both = [area('ana'), area('ben', 'full')];
    assert.deepEqual(search(['asthma'], { areas: both }), ['ana/c1', 'ben/c1']);
  });

  test('any term may match, the last one as a beginning, words by their stem', () => {
    assert.deepEqual(search(['asthma', 'diabetes']), ['ana/c1', 'ana/c3']);
    assert.deepEqual(search(['diab']), ['ana/c3']);
    assert.deepEqual(search(['diab', 'nothing']), []);
    assert.deepEqual(search(['controlling']), ['ana/c3']);
    assert.deepEqual(search(['4548-4']), ['ana/c1', 'ana/c3']);
  });

  test('types, since and limit narrow', () => {
    assert.deepEqual(search(['asthma'], { types: ['Observation'] }), []);
    assert.deepEqual(search(['asthma', 'diabetes'], { types: ['Condition'], limit: 1 }), [
      'ana/c1',
    ]);
    assert.deepEqual(search(['asthma', 'diabetes'], { since: '2020-01-01' }), ['ana/c1']);
  });

  test('more subjects than one expression holds are all searched', () => {
    const crowd = Array.from({ length: 450 }, (_, index) => area(`m${index}`));
    assert.deepEqual(search(['asthma'], { areas: [...crowd, area('ben'), area('ana')] }), [
      'ana/c1',
      'ben/c1',
    ]);
  });

  test('where most subjects are meant, those that are not stay out all the same', () => {
    const many = Array.from({ length: 200 }, (_, index) => [
      { member: `m${index}`, id: 'c1', text: 'asthma', date: '2020' },
      { member: `m${index}`, id: 'c2', text: 'asthma of a secret kind', secret: true },
    ]).flat();
    const of = recordsOf(many);
    const crowded = openViewDatabase(':memory:');
    applyBatch(crowded, projectorOf(), { partition: PARTITION, records: of, upTo: 399 }, 1);
    const areas = [
      ...Array.from({ length: 119 }, (_, index) => area(`m${index}`)),
      area('m119', 'full'),
    ];
    const found = createShard(crowded, 16).search({ terms: ['asthma'], areas, limit: 1_000 });
    const ids = found.map(({ subject }) => subject.id);
    assert.equal(new Set(ids).size, 120);
    assert.ok(ids.every((id) => areas.some(({ subject }) => subject.id === id)));
    assert.deepEqual(
      found.filter(({ sensitive }) => sensitive).map(({ subject }) => subject.id),
      ['m119'],
    );
  });

  for (const term of [
    '"',
    '""',
    'asthma" OR "diabetes',
    'NEAR(asthma diabetes)',
    'title:asthma OR',
    '*',
    '^',
    '-asthma',
    '{title}',
    '\u0000',
    'asth\u0000ma',
    '\ud800',
    '('.repeat(5_000),
    'a'.repeat(100_000),
    "'; DROP TABLE facts; --",
  ]) {
    test(`B-MC-12: ${JSON.stringify(term.slice(0, 24))} is plain text`, () => {
      // One more term that matches: whatever the other one is, it neither widens nor breaks it.
      assert.deepEqual(search([term, 'childhood']), ['ana/c1']);
      assert.ok(search([term]).every((found) => found.startsWith('ana/')));
    });
  }

  test('operators and column names are words like others', () => {
    assert.deepEqual(search(['NOT']), ['ana/c3']);
    assert.deepEqual(search(['subject:x'], { areas: [area('cleo')] }), ['cleo/c1']);
    assert.deepEqual(search(['subject1']), []);
    assert.deepEqual(search(['subject1'], { areas: [area('ben')] }), ['ben/c1']);
  });

  test('an update leaves no row of before', () => {
    const own = openViewDatabase(':memory:');
    const changed = recordsOf([
      { member: 'ana', id: 'c1', text: 'asthma' },
      { member: 'ana', id: 'c2', text: 'gout' },
      { member: 'ana', id: 'c1', text: 'migraine' },
      { member: 'ana', id: 'c2', text: null },
    ]);
    for (const record of changed) {
      applyBatch(
        own,
        projectorOf(),
        { partition: PARTITION, records: [record], upTo: record.offset },
        1,
      );
    }
    const find = (term: string) =>
      createShard(own, 16).search({ terms: [term], areas: [area('ana')], limit: 10 }).length;
    assert.deepEqual(['asthma', 'gout', 'migraine'].map(find), [0, 0, 1]);
    own.prepare(`INSERT INTO facts_text (facts_text) VALUES ('integrity-check')`).run();
  });
});

describe('people', () => {
  const find = (text: string, more: { tenant?: string; members?: string[] } = {}) =>
    shard.people({ text, limit: 10, ...more }).map(({ member }) => member);

  test('are found by whole name words, birth date, numbers and ids', () => {
    assert.deepEqual(find('maria'), ['ana', 'cleo']);
    assert.deepEqual(find('ANA Rivera-Lopez'), ['ana', 'cleo']);
    assert.deepEqual(find("o'connor"), ['ben']);
    assert.deepEqual(find('Benito 1970-05-01'), ['ben']);
    assert.deepEqual(find('1970-05-01'), ['ana', 'ben', 'cleo']);
    assert.deepEqual(find('h12 cleo'), ['cleo']);
    assert.deepEqual(find('p-ben'), ['ben']);
    assert.deepEqual(find('ben'), ['ben']);
  });

  test('are never found by a part, a pattern or nothing', () => {
    for (const text of ['mari', 'Benito Rivera', '1970', '%', '*', '', ' ', 'x '.repeat(200)]) {
      assert.deepEqual(find(text), [], text);
    }
  });

  test('are found only among those asked for', () => {
    assert.deepEqual(find('maria', { tenant: 'other' }), []);
    assert.deepEqual(find('maria', { tenant: 'demo', members: ['cleo', 'ben'] }), ['cleo']);
    assert.deepEqual(find('maria', { members: [] }), []);
    assert.equal(shard.people({ text: 'maria', limit: 1 }).length, 1);
  });
});
