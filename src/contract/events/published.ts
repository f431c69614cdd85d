import { readFileSync } from 'node:fs';
import type { PublishedSchema } from '../schemas.ts';
import { EVENTS, fileOf } from './catalog.ts';

/** Every version of every file that was ever published, beside `src` and beside `dist`. */
export const PUBLISHED = JSON.parse(
  readFileSync(new URL('../../../schemas/versions.json', import.meta.url), 'utf8'),
) as readonly PublishedSchema[];

/** Topics whose records are never dead-lettered; an operator stops and mends instead. */
const NO_DEAD_LETTERS: readonly string[] = ['access.relationships', 'twins.outcomes'];

/**
 * Subjects of a registry, as Confluent's clients name them, with the file that each is about:
 * `{topic}-value` (TopicNameStrategy), and a file that others import by its own path.
 */
export function subjects(topicPrefix: string): ReadonlyMap<string, string> {
  const letters = EVENTS.find(({ type }) => type === 'twins.dead-letter');
  const ofTopics = EVENTS.flatMap(({ topic, schema }) => {
    if (topic === undefined) return [];
    const value = [`${topicPrefix}${topic}-value`, fileOf(schema)] as const;
    if (letters === undefined || NO_DEAD_LETTERS.includes(topic)) return [value];
    return [value, [`${topicPrefix}${topic}.dlq-value`, fileOf(letters.schema)] as const];
  });
  const imported = new Set(PUBLISHED.flatMap(({ references }) => references));
  return new Map([...ofTopics, ...[...imported].map((file) => [file, file] as const)].toSorted());
}
