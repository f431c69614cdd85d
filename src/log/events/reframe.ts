import { eventNamed } from '../../contract/events/catalog.ts';
import { decodeFrame, encodeFrame, type Frame } from './frame.ts';
import type { Registry } from './registry.ts';
import { RegistryFault } from './registry-client.ts';
import { ownIds, type SchemaIds } from './schema-ids.ts';
import { Undecodable } from './undecodable.ts';

/** Our own frame with the registry's id of the same schema; anything else as it is. */
export function toRegistryFrame(bytes: Buffer, registry: SchemaIds): Buffer {
  const frame = frameIn(bytes);
  if (frame === undefined) return bytes;
  const { id, indexes, payload } = frame;
  const name = ownIds.nameOf(id, indexes);
  // The registry has the very text that our id stands for, so the index is the same.
  return name === undefined ? bytes : encodeFrame(registry.idOf(name), indexes, payload);
}

/**
 * A frame whose id is the registry's, as our own; anything else as it is.
 * @throws RegistryFault when it cannot be asked at present
 */
export async function toOwnFrame(bytes: Buffer, registry: Registry): Promise<Buffer> {
  const frame = frameIn(bytes);
  if (frame === undefined || ownIds.nameOf(frame.id, frame.indexes) !== undefined) return bytes;
  await registry.learn(bytes);
  const kind = eventNamed(registry.nameOf(frame.id, frame.indexes) ?? '');
  if (kind === undefined) return bytes;
  const { schema } = kind;
  const indexes = [schema.file.messages.indexOf(schema)];
  return encodeFrame(ownIds.idOf(schema.typeName), indexes, frame.payload);
}

export function isRegistryFault(error: unknown): error is RegistryFault {
  return error instanceof RegistryFault;
}

function frameIn(bytes: Buffer): Frame | undefined {
  if (bytes[0] !== 0) return undefined;
  try {
    return decodeFrame(bytes);
  } catch (error) {
    if (error instanceof Undecodable) return undefined;
    throw error;
  }
}
