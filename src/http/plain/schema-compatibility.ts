import { fromBinary } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import type { PublishedSchema } from '../../contract/schemas.ts';

/**
 * A schema as clients of a registry send it: our own text again, or any file's descriptor in base64
 * (Confluent's `serialized` format). `undefined`: neither, since nothing here parses other texts.
 */
export function descriptorOf(
  schema: string,
  known: readonly PublishedSchema[],
): FileDescriptorProto | undefined {
  const same = known.find(({ text }) => compact(text) === compact(schema));
  const base64 = same?.descriptor ?? schema.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  try {
    return fromBinary(FileDescriptorProtoSchema, Buffer.from(base64, 'base64'));
  } catch {
    return undefined;
  }
}

/** Whether both describe the same messages: name of the file, comments and options aside. */
export function isSame(one: FileDescriptorProto, other: FileDescriptorProto): boolean {
  return breaks(one, other).length === 0 && breaks(other, one).length === 0;
}

/** What of an older schema a newer one breaks, for readers of either (FULL). */
export function breaks(older: FileDescriptorProto, newer: FileDescriptorProto): string[] {
  if (older.package !== newer.package) return [`package ${older.package} is gone`];
  return [
    ...messages(older.messageType, newer.messageType),
    ...enums(older.enumType, newer.enumType),
  ];
}

function messages(older: readonly DescriptorProto[], newer: readonly DescriptorProto[]): string[] {
  return older.flatMap((message, index) => {
    const now = newer[index];
    // Frames name a message by its index, so one that moved is another one.
    if (now?.name !== message.name) return [`message ${message.name} is gone, or has moved`];
    return [
      ...message.field.flatMap((field) => fieldBreaks(message.name, field, now)),
      ...messages(message.nestedType, now.nestedType),
      ...enums(message.enumType, now.enumType),
    ];
  });
}

function fieldBreaks(message: string, field: FieldDescriptorProto, now: DescriptorProto): string[] {
  const same = now.field.find(({ number }) => number === field.number);
  const name = `field ${message}.${field.name}`;
  if (same === undefined) return [`${name} is gone`];
  return (['name', 'type', 'typeName', 'label', 'proto3Optional'] as const)
    .filter((part) => same[part] !== field[part])
    .map((part) => `${name} has another ${part}`);
}

function enums(
  older: readonly EnumDescriptorProto[],
  newer: readonly EnumDescriptorProto[],
): string[] {
  return older.flatMap((one) => {
    const now = newer.find(({ name }) => name === one.name);
    if (now === undefined) return [`enum ${one.name} is gone`];
    return one.value
      .filter(({ name, number }) => {
        return !now.value.some((value) => value.number === number && value.name === name);
      })
      .map(({ name }) => `value ${name} is gone`);
  });
}

function compact(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
