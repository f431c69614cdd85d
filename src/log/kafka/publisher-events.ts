import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  TwinResourceCreatedEventSchema,
  TwinResourceUpdatedEventSchema,
  Variant,
} from '../../contract/events/twins/v1/resource_event_pb.js';
import { base32 } from '../../kernel/ids.ts';
import type { ViewChange } from '../../twin/ports.ts';
import { partitionKey } from '../../twin/subjects.ts';
import type { SchemaIds } from '../events/schema-ids.ts';
import { type OutMessage, outMessage } from '../events/wire.ts';

const VARIANTS = { general: Variant.GENERAL, full: Variant.FULL } as const;

/** What the twin itself says of itself; whom a record came from, only a reader is told. */
const PROVENANCE = { source: 'digital-twin', actor: 'system:view' } as const;

/**
 * A change as an event, without health information. Sessions have topics of their own: whose
 * they are is not told here. What some purposes are shown is part of what `general` tells.
 */
export function eventOf(
  epoch: string,
  change: Omit<ViewChange, 'section'>,
  ids: SchemaIds,
): OutMessage | undefined {
  const { subject, tenant, uri, variant, etag, kind, place, at } = change;
  if (subject.kind === 'session' || variant === 'minimal') return undefined;
  const created = kind === 'created';
  const member = subject.kind === 'member' ? subject.id : '';
  const time = timestampFromMs(at);
  const facts = {
    header: {
      ...{ id: eventIdOf(epoch, change), tenant, member, time, schemaVersion: 1 },
      type: created ? 'twins.resource-created' : 'twins.resource-updated',
    },
    provenance: { ...PROVENANCE, recorded: time },
    ...{ member, uri, etag, variant: VARIANTS[variant] },
    position: { epoch, partition: place.partition, offset: BigInt(place.offset) },
  };
  const key = partitionKey(subject);
  if (created) {
    const event = create(TwinResourceCreatedEventSchema, facts);
    return outMessage(TwinResourceCreatedEventSchema, key, event, ids);
  }
  const event = create(TwinResourceUpdatedEventSchema, { ...facts, deleted: kind === 'deleted' });
  return outMessage(TwinResourceUpdatedEventSchema, key, event, ids);
}

/** The same from whichever instance it is told. */
export function eventIdOf(
  epoch: string,
  { uri, variant, place }: Pick<ViewChange, 'uri' | 'variant' | 'place'>,
): string {
  const text = [epoch, place.partition, place.offset, variant, uri].join('\0');
  return base32(createHash('sha256').update(text).digest().subarray(0, 16));
}
