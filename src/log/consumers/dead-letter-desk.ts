import { toJson } from '@bufbuild/protobuf';
import type {
  DeadLetterCount,
  DeadLetterEntry,
  DeadLetterOutcome,
  DeadLetterShown,
} from '../../contract/dead-letters.ts';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { DeadLetters } from '../../twin/ports.ts';
import { ownIds, type SchemaIds } from '../events/schema-ids.ts';
import { inEvent } from '../events/wire.ts';
import {
  Fenced,
  type KafkaClient,
  type KafkaMessage,
  type KafkaProducer,
} from '../kafka/client.ts';
import { deadLetterTopic, TOPIC_ROWS } from '../kafka/topics.ts';
import { contentOf } from './dead-letter.ts';
import { type FoundLetter, type Scan, scanLetters, settlementOf } from './dead-letter-scan.ts';
import { CannotOpen, type Sealed, type SealingKeys } from './sealing.ts';

export interface DeadLetterDeskOptions {
  readonly client: Pick<KafkaClient, 'admin' | 'follow' | 'producer'>;
  readonly keys: SealingKeys;
  readonly topicPrefix: string;
  /** One for the whole deployment: two operators settle one after the other. */
  readonly transactionalId: string;
  readonly ids?: SchemaIds;
}

/** Topics that have dead letters, without prefix. */
const TOPICS = Object.entries(TOPIC_ROWS).flatMap(([name, { deadLetters, kept }]) =>
  deadLetters ? [{ name, compacted: kept === 'compacted' }] : [],
);

/** Where a retried record says that it is one. */
const RETRIED = 'dlq-retried';

export function createDeadLetterDesk(options: DeadLetterDeskOptions): DeadLetters {
  return new DeadLetterDesk(options);
}

class DeadLetterDesk implements DeadLetters {
  readonly #options: DeadLetterDeskOptions;

  constructor(options: DeadLetterDeskOptions) {
    this.#options = options;
  }

  async list(tenant: string, topic?: string) {
    if (topic !== undefined && TOPICS.every(({ name }) => name !== topic)) throw unknownTopic();
    const { open, more } = await this.#scan(topic === undefined ? undefined : [topic]);
    const own = [...open.values()].filter((found) => isOf(tenant, found));
    const newest = own.toReversed().slice(0, LIMITS.pageSize);
    return { topics: countsOf(own), letters: newest.map(entryOf), more };
  }

  async show(tenant: string, id: string): Promise<DeadLetterShown> {
    const found = letterIn(await this.#scan(), tenant, id);
    // Whose it is nobody can say, so nobody of one organization is shown what may be another's.
    const content = tenantIn(found) === '' ? undefined : this.#open(found);
    if (content === undefined) return { ...entryOf(found), key: null, headers: {} };
    const { key, value, headers } = content;
    const event = this.#event(content);
    return {
      ...entryOf(found),
      key: key?.toString() ?? null,
      headers: Object.fromEntries(Object.entries(headers).map(([name, held]) => [name, `${held}`])),
      value: value?.toString('base64') ?? null,
      ...(event !== undefined && { event }),
    };
  }

  /** The letter is looked for once whoever else would settle it is fenced. */
  async settle(tenant: string, id: string, outcome: DeadLetterOutcome): Promise<void> {
    const { client, transactionalId } = this.#options;
    const producer = client.producer({ transactionalId });
    try {
      await available(producer.open());
      const found = letterIn(await this.#scan(), tenant, id);
      const again = outcome === 'retried' ? [this.#again(found)] : [];
      await inTransaction(producer, [...again, settlementOf(found, outcome)]);
    } finally {
      await producer.close().catch(() => undefined);
    }
  }

  #scan(names: readonly string[] = TOPICS.map(({ name }) => name)): Promise<Scan> {
    const { client, topicPrefix } = this.#options;
    const topics = names.map((name) => deadLetterTopic(`${topicPrefix}${name}`));
    return available(scanLetters(client, topics));
  }

  #open({ letter }: FoundLetter): Sealed | undefined {
    try {
      return contentOf(this.#options.keys, letter);
    } catch (error) {
      if (!(error instanceof CannotOpen)) throw error;
      throw conflict('The keys of this deployment do not open it.', error);
    }
  }

  #again(found: FoundLetter): KafkaMessage {
    const { topic, partition } = found.letter.origin;
    const whole = `${this.#options.topicPrefix}${topic}`;
    const row = TOPICS.find(({ name }) => name === topic);
    // A letter can say whatever its writer liked: it goes back to the topic it lies beside.
    if (row === undefined || deadLetterTopic(whole) !== found.place.topic) {
      throw conflict('It does not say the topic beside which it lies.');
    }
    if (row.compacted) {
      throw conflict('Its topic is written by the decider alone: send the record to the intake.');
    }
    const content = this.#open(found);
    if (content === undefined) throw conflict('It was too large to be kept: send it anew.');
    const { key, value, headers } = content;
    const marked = { ...headers, [RETRIED]: found.id };
    return { topic: whole, partition, key, value, headers: marked };
  }

  #event({ key, value, headers }: Sealed): unknown {
    try {
      const { kind, message } = inEvent({ key, value, headers }, this.#options.ids ?? ownIds);
      return toJson(kind.schema, message);
    } catch {
      return undefined;
    }
  }
}

async function inTransaction(
  producer: KafkaProducer,
  messages: readonly KafkaMessage[],
): Promise<void> {
  const transaction = await available(producer.begin());
  try {
    await available(transaction.send(messages));
  } catch (error) {
    await transaction.abort().catch(() => undefined);
    throw error;
  }
  await available(transaction.commit());
}

async function available<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (error instanceof Fenced) throw conflict('Somebody else settles one now.', error);
    throw new Fault('LOG_UNAVAILABLE', { cause: error });
  }
}

function letterIn({ open, settled }: Scan, tenant: string, id: string): FoundLetter {
  const found = open.get(id);
  if (found !== undefined && isOf(tenant, found)) return found;
  if (settled.has(id)) throw conflict('It was retried or discarded already.');
  throw new Fault('NOT_FOUND', { detail: 'There is no such dead letter.' });
}

/** An unreadable record is listed, and can be settled, by whoever administers any organization. */
function isOf(tenant: string, found: FoundLetter): boolean {
  return ['', tenant].includes(tenantIn(found));
}

/** Empty where the record could not be read. */
function tenantIn({ letter }: FoundLetter): string {
  return letter.message.header?.tenant ?? '';
}

function countsOf(letters: readonly FoundLetter[]): DeadLetterCount[] {
  const topics = Map.groupBy(letters, ({ letter }) => letter.origin.topic);
  return [...topics].map(([topic, own]) => {
    const reasons: Record<string, number> = {};
    for (const { letter } of own) reasons[letter.reason] = (reasons[letter.reason] ?? 0) + 1;
    return { topic, count: own.length, reasons };
  });
}

function entryOf({ id, letter }: FoundLetter): DeadLetterEntry {
  const { origin, reason, attempts, consumer, eventId, firstFailed, lastFailed } = letter;
  return {
    ...{ id, ...origin, reason, attempts, consumer },
    ...(eventId !== '' && { eventId }),
    firstFailed: new Date(firstFailed).toISOString(),
    lastFailed: new Date(lastFailed).toISOString(),
  };
}

function unknownTopic(): Fault {
  return new Fault('INVALID_ARGUMENT', { detail: 'No such topic has dead letters.' });
}

function conflict(detail: string, cause?: unknown): Fault {
  return new Fault('CONFLICT', { detail, ...(cause !== undefined && { cause }) });
}
