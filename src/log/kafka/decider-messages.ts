import { partitionOf } from '../../kernel/murmur2.ts';
import {
  decodeDirectory,
  decodeSource,
  encodeDirectory,
  encodeOutcome,
  encodeRelation,
  encodeSource,
  type OutMessage,
} from '../events/index.ts';
import type { Captured } from './capture.ts';
import type { KafkaMessage, KafkaRecord } from './client.ts';
import type { DeciderTopics, Told } from './decider-methods.ts';
import type { Restore } from './restore.ts';
import { type RowKeys, rowMessage, stateRowOf } from './row-keys.ts';
import { withBuffers } from './thread-bytes.ts';

/**
 * What one transaction writes, in this order: whoever reads an outcome finds what it speaks of.
 * @param id names the transaction; events of relations are told apart by it
 */
export function messagesOf(
  topics: DeciderTopics,
  { sources, directory, relations, rows }: Captured,
  told: readonly Told[],
  { id, at, rowKeys }: { readonly id: string; readonly at: string; readonly rowKeys: RowKeys },
): KafkaMessage[] {
  return [
    ...sources.map(({ record, facts, partition }) =>
      message(topics.sources, encodeSource(record, facts), partition),
    ),
    ...directory.map(({ record, facts }) => {
      const out = encodeDirectory(record, facts);
      const partition = partitionOf(out.key.toString(), topics.directoryPartitions);
      return message(topics.directory, out, partition);
    }),
    ...relations.map(({ change, actor }, index) =>
      message(topics.relations, encodeRelation({ change, actor, at, eventId: `${id}-${index}` })),
    ),
    ...rows.map((row) => rowMessage(topics.decider, rowKeys, row)),
    ...told.map((one) => message(topics.outcomes, outcomeOf(one, at))),
  ];
}

/** @throws Undecodable for what no decider can have written */
export function restoreRecord(topics: DeciderTopics, restore: Restore, given: KafkaRecord): void {
  if (given.topic === topics.sources) {
    const { record, facts } = decodeSource(withBuffers(given));
    restore.source(record, facts);
  } else if (given.topic === topics.directory) {
    const { record, facts } = decodeDirectory(withBuffers(given));
    restore.directory(record, facts);
  } else {
    const name = text(given.key);
    restore.row(name, stateRowOf(name, given.value && text(given.value)));
  }
}

function outcomeOf({ tenant, eventId, provenance, ...told }: Told, at: string): OutMessage {
  const { receipt, place, fault } = told;
  const by = { tenant, eventId, provenance: { ...provenance, recorded: at } };
  if (receipt !== undefined) return encodeOutcome({ ...by, result: { kind: 'receipt', receipt } });
  if (place !== undefined) return encodeOutcome({ ...by, result: { kind: 'place', place } });
  const { code, detail, data } = fault ?? { code: 'INTERNAL', detail: '', data: {} };
  return encodeOutcome({ ...by, result: { kind: 'refusal', code, detail, data } });
}

function message(topic: string, out: OutMessage, partition?: number): KafkaMessage {
  return { topic, ...out, ...(partition !== undefined && { partition }) };
}

function text(bytes: Uint8Array | null): string {
  return Buffer.from(bytes ?? []).toString();
}
