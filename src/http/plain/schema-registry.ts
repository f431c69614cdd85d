import { fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { PUBLISHED, subjects } from '../../contract/events/published.ts';
import type { PublishedSchema } from '../../contract/schemas.ts';
import { breaks, descriptorOf, isSame } from './schema-compatibility.ts';

/** Error codes of Confluent's registry; their first three digits are the HTTP status. */
export const REGISTRY_ERRORS = {
  subject: 40401,
  version: 40402,
  schema: 40403,
  invalidSchema: 42201,
  invalidVersion: 42202,
  readOnly: 42205,
} as const;

/** A refusal in the registry's own words: `{error_code, message}`. */
export class RegistryRefusal extends Error {
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    super(message);
    this.name = 'RegistryRefusal';
    this.errorCode = errorCode;
  }
}

const TYPE = 'PROTOBUF';

/** The answers of a registry that holds what `schemas/versions.json` holds. */
export class SchemaRegistry {
  readonly #files: ReadonlyMap<string, string>;

  constructor(topicPrefix: string) {
    this.#files = subjects(topicPrefix);
  }

  subjects(prefix = ''): string[] {
    return [...this.#files.keys()].filter((name) => name.startsWith(prefix));
  }

  versions(subject: string): number[] {
    return this.#of(subject).map(({ version }) => version);
  }

  version(subject: string, version: string, format?: unknown): Record<string, unknown> {
    const one = this.#version(subject, version);
    return { subject, id: one.id, version: one.version, ...shown(one, format) };
  }

  schema(id: string, format?: unknown): Record<string, unknown> & { schema: string } {
    return shown(byId(id), format);
  }

  /** Where a schema is in use. */
  usedBy(id: string): { subject: string; version: number }[] {
    const { file, version } = byId(id);
    return [...this.#files]
      .filter(([, one]) => one === file)
      .map(([subject]) => ({ subject, version }));
  }

  lookUp(subject: string, schema: string): Record<string, unknown> {
    const versions = this.#of(subject);
    const asked = parsed(schema);
    const found = versions.findLast((one) => isSame(descriptor(one), asked));
    if (found === undefined) throw new RegistryRefusal(REGISTRY_ERRORS.schema, 'Schema not found');
    return { subject, id: found.id, version: found.version, ...shown(found) };
  }

  /** What is there already is answered with its id, as Confluent's registry does. */
  register(subject: string, schema: string): { id: unknown } {
    const { id } = this.#orReadOnly(() => this.lookUp(subject, schema));
    return { id };
  }

  /** Whether a reader of either understands the other; against one version, or every one. */
  compatible(subject: string, version: string | undefined, schema: string) {
    const asked = parsed(schema);
    const against = version === undefined ? this.#of(subject) : [this.#version(subject, version)];
    const messages = against.flatMap((one) => {
      return [...breaks(descriptor(one), asked), ...breaks(asked, descriptor(one))];
    });
    return { is_compatible: messages.length === 0, messages };
  }

  #of(subject: string): PublishedSchema[] {
    const file = this.#files.get(subject);
    const found = PUBLISHED.filter((one) => one.file === file);
    if (found.length > 0) return found;
    throw new RegistryRefusal(REGISTRY_ERRORS.subject, 'Subject not found.');
  }

  #version(subject: string, version: string): PublishedSchema {
    const versions = this.#of(subject);
    const latest = version === 'latest' || version === '-1';
    if (!latest && !/^[1-9][0-9]{0,8}$/.test(version)) {
      const says = "The version is not a valid version id: a number from 1, or 'latest'";
      throw new RegistryRefusal(REGISTRY_ERRORS.invalidVersion, says);
    }
    const one = latest
      ? versions.at(-1)
      : versions.find((each) => each.version === Number(version));
    if (one === undefined) throw new RegistryRefusal(REGISTRY_ERRORS.version, 'Version not found.');
    return one;
  }

  #orReadOnly<T>(look: () => T): T {
    try {
      return look();
    } catch (error) {
      const absent: readonly number[] = [REGISTRY_ERRORS.subject, REGISTRY_ERRORS.schema];
      if (!(error instanceof RegistryRefusal) || !absent.includes(error.errorCode)) throw error;
      throw new RegistryRefusal(REGISTRY_ERRORS.readOnly, 'This registry is read-only');
    }
  }
}

function byId(id: string): PublishedSchema {
  const found = PUBLISHED.find((one) => String(one.id) === id);
  if (found === undefined) throw new RegistryRefusal(REGISTRY_ERRORS.schema, 'Schema not found');
  return found;
}

/** As text, or with `format=serialized` as a descriptor in base64. */
function shown(one: PublishedSchema, format?: unknown) {
  const references = one.references.flatMap((name) => {
    const newest = PUBLISHED.findLast(({ file }) => file === name);
    return newest === undefined ? [] : [{ name, subject: name, version: newest.version }];
  });
  return {
    schemaType: TYPE,
    schema: format === 'serialized' ? one.descriptor : one.text,
    ...(references.length > 0 && { references }),
  };
}

function descriptor(one: PublishedSchema): FileDescriptorProto {
  return fromBinary(FileDescriptorProtoSchema, Buffer.from(one.descriptor, 'base64'));
}

function parsed(schema: string): FileDescriptorProto {
  const found = descriptorOf(schema, PUBLISHED);
  if (found !== undefined) return found;
  const says = 'Invalid schema: send a text that was published here, or a serialized descriptor';
  throw new RegistryRefusal(REGISTRY_ERRORS.invalidSchema, says);
}
