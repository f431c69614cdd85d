import { EVENTS, eventNamed, fileOf } from '../../contract/events/catalog.ts';
import { PUBLISHED, subjects } from '../../contract/events/published.ts';
import { isObject } from '../../kernel/json.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { decodeFrame } from './frame.ts';
import { type RegistryClient, RegistryFault, registryClient } from './registry-client.ts';
import { ownIds, type SchemaIds } from './schema-ids.ts';
import { messageNames } from './schema-text.ts';

export interface RegistryOptions {
  /** `https://user:password@registry.example.org`; what stands before the `@` is a secret. */
  readonly url: string;
  /** `KAFKA_TOPIC_PREFIX` */
  readonly topicPrefix?: string;
  readonly timeoutMs?: number;
}

/** A company's registry: what our records are written with, and what others' ids mean. */
export interface Registry extends SchemaIds {
  /**
   * Looks up each of our schemas and registers what is not there, imports first. Once it resolved,
   * `idOf` answers the registry's ids.
   * @throws RegistryFault
   */
  start(): Promise<void>;
  /**
   * Asks what the id in a record's frame means, if nobody knows yet; then `nameOf` answers. A
   * record without a frame, and an id that the registry does not know, are left as they are.
   * @throws RegistryFault when the registry cannot answer: the record is to be tried again
   */
  learn(value: Buffer | null): Promise<void>;
}

/** Names of a file's messages by their index. */
type Names = readonly string[];

export function createRegistry(options: RegistryOptions): Registry {
  const client = registryClient(options.url, options.timeoutMs ?? LIMITS.registryTimeoutMs);
  const registered = new Map<string, number>();
  const learnt = new Map<number, Names>();
  return {
    async start() {
      const answers = await registerAll(client, options.topicPrefix ?? '');
      for (const { file, id } of answers) {
        registered.set(file, id);
        learnt.set(id, namesOf(file));
      }
    },
    idOf(typeName) {
      const kind = eventNamed(typeName);
      const id = kind && registered.get(fileOf(kind.schema));
      if (id === undefined) throw new Error(`the registry was not asked for ${typeName}`);
      return id;
    },
    // Ids of our own stay readable: records from before there was a registry are still kept.
    nameOf(id, indexes) {
      const [index = -1] = indexes;
      const names = indexes.length === 1 ? learnt.get(id) : undefined;
      return names === undefined ? ownIds.nameOf(id, indexes) : (names[index] ?? '');
    },
    async learn(value) {
      if (value === null || value[0] !== 0) return;
      const { id, indexes } = decodeFrame(value);
      if (learnt.has(id) || ownIds.nameOf(id, indexes) !== undefined) return;
      const answer = await client.get(`/schemas/ids/${id}`);
      if (learnt.size >= LIMITS.registrySchemasMax) learnt.delete(learnt.keys().next().value ?? -1);
      if (answer !== undefined) learnt.set(id, messageNames(String(answer.schema)));
    },
  };
}

function namesOf(file: string): Names {
  const kind = EVENTS.find(({ schema }) => fileOf(schema) === file);
  return kind?.schema.file.messages.map(({ typeName }) => typeName) ?? [];
}

/** Every subject of ours; a file under several has one id, as its text is the same. */
async function registerAll(
  client: RegistryClient,
  topicPrefix: string,
): Promise<{ file: string; id: number }[]> {
  const answers: { file: string; id: number }[] = [];
  const versions = new Map<string, number>();
  const all = subjects(topicPrefix);
  for (const [subject, file] of importsFirst(all)) {
    const { text, references } = published(file);
    const body = {
      schemaType: 'PROTOBUF',
      schema: text,
      references: references.map((name) => ({ name, subject: name, version: versions.get(name) })),
    };
    const path = `/subjects/${encodeURIComponent(subject)}`;
    const known = await client.post(path, body);
    if (known === undefined) await client.post(`${path}/versions`, body);
    const { id, version } = numbers(known ?? (await client.post(path, body)));
    versions.set(subject, version);
    answers.push({ file, id });
  }
  return answers;
}

/** A registry takes a schema only when it has what the schema imports. */
function importsFirst(all: ReadonlyMap<string, string>): [string, string][] {
  const done = new Map<string, string>();
  const visit = (subject: string, file: string): void => {
    if (done.has(subject)) return;
    for (const name of published(file).references) visit(name, name);
    done.set(subject, file);
  };
  for (const [subject, file] of all) visit(subject, file);
  return [...done];
}

function published(file: string) {
  const newest = PUBLISHED.findLast((one) => one.file === file);
  if (newest === undefined) throw new Error(`${file} is not in schemas/versions.json`);
  return newest;
}

function numbers(answer: unknown): { id: number; version: number } {
  const { id, version } = isObject(answer) ? answer : {};
  if (Number.isInteger(id) && Number.isInteger(version)) {
    return { id: Number(id), version: Number(version) };
  }
  throw new RegistryFault('refused', 'answers what no registry answers');
}
