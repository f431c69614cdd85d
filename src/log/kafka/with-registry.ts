import { sleep } from '../../kernel/clock.ts';
import {
  HEADERS,
  isRegistryFault,
  type Registry,
  toOwnFrame,
  toRegistryFrame,
} from '../events/index.ts';
import type {
  FollowOptions,
  GroupOptions,
  KafkaClient,
  KafkaMessage,
  KafkaProducer,
  KafkaRecord,
} from './client.ts';

/** How long until a registry that did not answer is asked again; the records wait meanwhile. */
const AGAIN_MS = 1_000;

/**
 * The same Kafka, where frames hold the ids of a company's registry: ours are put in as records
 * leave, and theirs are understood as records come. Everything behind it knows our own ids alone.
 */
export function withRegistry(client: KafkaClient, registry: Registry): KafkaClient {
  return {
    admin: client.admin,
    producer: (options) => sending(client.producer(options), registry),
    follow(options) {
      const reading = understood(options, registry);
      const follower = client.follow(reading.options);
      return {
        start: () => follower.start(),
        caughtUp: () => follower.caughtUp(),
        stop: () => reading.until(() => follower.stop()),
      };
    },
    group(options) {
      const reading = understood(options, registry);
      const group = client.group(reading.options);
      return {
        start: () => group.start(),
        commit: (places) => group.commit(places),
        pause: (partitions) => group.pause(partitions),
        resume: (partitions) => group.resume(partitions),
        stop: () => reading.until(() => group.stop()),
      };
    },
    close: () => client.close(),
  };
}

function sending(producer: KafkaProducer, registry: Registry): KafkaProducer {
  const out = (messages: readonly KafkaMessage[]): KafkaMessage[] => {
    return messages.map((message) => leaving(message, registry));
  };
  return {
    open: () => producer.open(),
    send: (messages) => producer.send(out(messages)),
    async begin() {
      const transaction = await producer.begin();
      return {
        send: (messages) => transaction.send(out(messages)),
        commit: () => transaction.commit(),
        abort: () => transaction.abort(),
      };
    },
    close: () => producer.close(),
  };
}

function leaving(message: KafkaMessage, registry: Registry): KafkaMessage {
  const envelope = message.headers?.[HEADERS.envelope];
  const value = message.value && toRegistryFrame(message.value, registry);
  if (!Buffer.isBuffer(envelope)) return { ...message, value };
  const headers = { ...message.headers, [HEADERS.envelope]: toRegistryFrame(envelope, registry) };
  return { ...message, value, headers };
}

/** A record is handed on only once its id is understood, so the order stays. */
function understood<O extends FollowOptions | GroupOptions>(options: O, registry: Registry) {
  let stopping = false;
  const coming = async (record: KafkaRecord): Promise<KafkaRecord> => {
    const { [HEADERS.envelope]: envelope, ...others } = record.headers;
    if (record.value !== null)
      return { ...record, value: await toOwnFrame(record.value, registry) };
    if (envelope === undefined) return record;
    const own = await toOwnFrame(envelope, registry);
    return { ...record, headers: { ...others, [HEADERS.envelope]: own } };
  };
  const patiently = async (record: KafkaRecord): Promise<KafkaRecord> => {
    for (;;) {
      try {
        return await coming(record);
      } catch (error) {
        if (!isRegistryFault(error) || stopping) throw error;
        options.onTrouble(error);
        await sleep(AGAIN_MS);
      }
    }
  };
  const onRecords = async (records: readonly KafkaRecord[]): Promise<void> => {
    const read: KafkaRecord[] = [];
    for (const record of records) read.push(await patiently(record));
    await options.onRecords(read);
  };
  return {
    options: { ...options, onRecords },
    until(stop: () => Promise<void>): Promise<void> {
      stopping = true;
      return stop();
    },
  };
}
