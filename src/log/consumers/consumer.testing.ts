import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { TwinResourceUpdatedEventSchema } from '../../contract/events/twins/v1/resource_event_pb.js';
import { ownIds } from '../events/schema-ids.ts';
import { outMessage } from '../events/wire.ts';
import type { KafkaMessage } from '../kafka/client.ts';
import type { SealingKeys } from './sealing.ts';

export const KEYS: SealingKeys = [{ id: 'k1', key: new Uint8Array(32).fill(9) }];
export const MEMBERS = 41;

/** The nth event of a test: members take turns, so those of one stand in order. */
export function updateOf(topic: string, index: number, id = `e${index}`): KafkaMessage {
  const member = `m${index % MEMBERS}`;
  const event = create(TwinResourceUpdatedEventSchema, {
    header: { id, type: 'twins.resource-updated', tenant: 'demo', member, schemaVersion: 1 },
    ...{ member, uri: `mcp://twins/member/${member}/care`, etag: `"${index}"` },
  });
  return { topic, ...outMessage(TwinResourceUpdatedEventSchema, member, event, ownIds) };
}

export function updatesOf(topic: string, from: number, to: number): KafkaMessage[] {
  return Array.from({ length: to - from }, (_, step) => updateOf(topic, from + step));
}

export function freshName(): string {
  return `t${randomUUID().slice(0, 8)}.twins.resource-events`;
}
