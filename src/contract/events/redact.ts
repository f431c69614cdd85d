import {
  type DescField,
  type DescMessage,
  getOption,
  type Message,
  type MessageShape,
} from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { messageNamed } from './catalog.ts';
import {
  health_information,
  SafeHarborIdentifier,
  safe_harbor,
} from './shared/events/v1/safe_harbor_pb.js';

export type Redacted = string | number | boolean | readonly Redacted[] | RedactedObject;
export type RedactedObject = { readonly [field: string]: Redacted };

/** What a field may hold, by its annotations: `name`, `date` …, `health-information`. */
export function holds(field: DescField): string[] {
  const identifiers = getOption(field, safe_harbor).map((one) => {
    return (SafeHarborIdentifier[one] ?? `identifier-${one}`).toLowerCase().replaceAll('_', '-');
  });
  return getOption(field, health_information)
    ? [...identifiers, 'health-information']
    : identifiers;
}

/**
 * The message with what it may show in a log: each annotated field says which of the 18 identifiers
 * (45 CFR 164.514(b)(2)(i)) stood there, and no value of it. Bytes and fields that this version
 * does not know are left out.
 */
export function redact<D extends DescMessage>(schema: D, message: MessageShape<D>): RedactedObject {
  return redactReflected(reflect(schema, message));
}

/** The same of a message whose type is only known now; nothing of one that is none of ours. */
export function redactMessage(message: Message): RedactedObject {
  const schema = messageNamed(message.$typeName);
  return schema === undefined ? {} : redact(schema, message);
}

function redactReflected(message: ReflectMessage): RedactedObject {
  const shown: Record<string, Redacted> = {};
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const kinds = holds(field);
    const value = kinds.length > 0 ? `[${kinds.join(', ')}]` : shownOf(message, field);
    if (value !== undefined) shown[field.localName] = value;
  }
  return shown;
}

function shownOf(message: ReflectMessage, field: DescField): Redacted | undefined {
  switch (field.fieldKind) {
    case 'message':
      return nested(message.get(field));
    case 'enum':
      return field.enum.value[message.get(field)]?.name ?? message.get(field);
    case 'scalar':
      return plain(message.get(field));
    case 'list':
      return [...message.get(field)].flatMap((item) => {
        const shown = field.listKind === 'message' ? nested(item as ReflectMessage) : plain(item);
        return shown === undefined ? [] : [shown];
      });
    case 'map':
      return message.get(field).size;
  }
}

/** A time as ISO 8601, a duration in seconds, anything of ours by its annotations. */
function nested(message: ReflectMessage): Redacted {
  const { typeName } = message.desc;
  if (!typeName.startsWith('google.protobuf.')) return redactReflected(message);
  const [seconds, nanos] = message.fields.map((field) => Number(message.get(field)));
  const total = (seconds ?? 0) + (nanos ?? 0) / 1e9;
  if (typeName !== 'google.protobuf.Timestamp') return total;
  const at = new Date(total * 1000);
  return Number.isNaN(at.getTime()) ? '[date]' : at.toISOString();
}

function plain(value: unknown): Redacted | undefined {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return undefined;
  return value as string | number | boolean;
}
