import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENTS } from '../../contract/events/catalog.ts';
import { PUBLISHED, subjects } from '../../contract/events/published.ts';
import { deadLetterTopic, TOPIC_ROWS } from '../kafka/topics.ts';
import { ownIds } from './schema-ids.ts';

/** Topics whose records are nobody's but the product's. */
const WITHOUT_EVENTS = ['twins.decider', 'twins.log', 'twins.publisher'];
/** Events that no topic of the table carries yet, or that have a topic beside each. */
const WITHOUT_TOPIC = ['twins.dead-letter', 'warming.completed'];

test('each topic has its events, and each event a topic of the table', () => {
  const topics = EVENTS.flatMap(({ topic }) => (topic === undefined ? [] : [topic]));
  const expected = Object.keys(TOPIC_ROWS).filter((name) => !WITHOUT_EVENTS.includes(name));
  assert.deepEqual([...new Set(topics)].toSorted(), expected.toSorted());
  const homeless = EVENTS.filter(({ topic }) => topic === undefined).map(({ type }) => type);
  assert.deepEqual(homeless.toSorted(), WITHOUT_TOPIC);
});

test('a registry has a subject for each topic and for its dead letters, where it has some', () => {
  const expected = Object.entries(TOPIC_ROWS)
    .filter(([name]) => !WITHOUT_EVENTS.includes(name))
    .flatMap(([name, { deadLetters }]) => [
      `acme.${name}-value`,
      ...(deadLetters ? [`acme.${deadLetterTopic(name)}-value`] : []),
    ]);
  const named = [...subjects('acme.').keys()].filter((name) => name.endsWith('-value'));
  assert.deepEqual(named.toSorted(), expected.toSorted());
});

test('all events of one topic stand in one file, which its subject is about', () => {
  const files = new Map<string, Set<string>>();
  for (const { topic, schema } of EVENTS) {
    if (topic === undefined) continue;
    files.set(topic, (files.get(topic) ?? new Set()).add(schema.file.name));
  }
  for (const [topic, names] of files) assert.equal(names.size, 1, topic);
});

test('an id of our own is used once, above what a registry counts to, and is found again', () => {
  const ids = PUBLISHED.map(({ id }) => id);
  assert.deepEqual(
    ids,
    ids.map((_, index) => 2_100_000_001 + index),
  );
  for (const { schema } of EVENTS) {
    const index = schema.file.messages.indexOf(schema);
    assert.equal(ownIds.nameOf(ownIds.idOf(schema.typeName), [index]), schema.typeName);
  }
});
