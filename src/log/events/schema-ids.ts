import { EVENTS, eventNamed, fileOf } from '../../contract/events/catalog.ts';
import { PUBLISHED } from '../../contract/events/published.ts';

/** What the numbers in frames mean: our own table, or that of a registry. */
export interface SchemaIds {
  /** Id of the schema with which records of this message are written to a topic. */
  idOf(typeName: string): number;
  /** Whole name of the message; absent when the id is not known. */
  nameOf(id: number, indexes: readonly number[]): string | undefined;
}

/** Messages of a file by their index; an index never changes within a file (buf: FILE). */
const NAMES = new Map<string, readonly string[]>(
  EVENTS.map(({ schema }) => [fileOf(schema), schema.file.messages.map((one) => one.typeName)]),
);
const FILES = new Map(PUBLISHED.map(({ id, file }) => [id, file]));
const NEWEST = new Map(PUBLISHED.map(({ id, file }) => [file, id]));

/** The ids that stand in `schemas/versions.json`, the same on every installation. */
export const ownIds: SchemaIds = {
  idOf(typeName) {
    const kind = eventNamed(typeName);
    const id = kind === undefined ? undefined : NEWEST.get(fileOf(kind.schema));
    if (id === undefined) throw new Error(`${typeName} is no event of schemas/versions.json`);
    return id;
  },
  nameOf(id, indexes) {
    const names = NAMES.get(FILES.get(id) ?? '');
    const [index = -1] = indexes;
    return indexes.length === 1 ? names?.[index] : undefined;
  },
};
