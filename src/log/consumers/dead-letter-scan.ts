import { Fault } from '../../kernel/errors.ts';
import type { KafkaClient, KafkaMessage, KafkaRecord, TopicPartition } from '../kafka/client.ts';
import { type Letter, readLetter } from './dead-letter.ts';

/** A letter where it lies. */
export interface FoundLetter {
  readonly letter: Letter;
  readonly id: string;
  /** Of the dead letters, whole. */
  readonly place: TopicPartition;
  readonly key: Buffer | null;
}

export interface Scan {
  /** Those that nobody has settled, in the order in which they failed. */
  readonly open: ReadonlyMap<string, FoundLetter>;
  readonly settled: ReadonlySet<string>;
  /** There are more letters than are read at once. */
  readonly more: boolean;
}

/** What is read of all letters, at most; the rest comes into view when these are settled. */
const LETTERS_READ_MAX = 20_000;
const SCAN_TIMEOUT_MS = 30_000;

const SETTLES = 'dlq-settles';
const OUTCOME = 'dlq-outcome';

/** Beside the letter, so that it is kept as long. */
export function settlementOf({ place, id, key }: FoundLetter, outcome: string): KafkaMessage {
  return { ...place, key, value: null, headers: { [SETTLES]: id, [OUTCOME]: outcome } };
}

/** Everything that is committed now in these topics, those that do not exist left out. */
export async function scanLetters(
  client: Pick<KafkaClient, 'admin' | 'follow'>,
  topics: readonly string[],
): Promise<Scan> {
  const letters = new Map<string, FoundLetter>();
  const settled = new Set<string>();
  let more = false;
  const take = (record: KafkaRecord): void => {
    const settles = record.headers[SETTLES]?.toString();
    if (settles !== undefined) settled.add(settles);
    const letter = readLetter(record);
    const id = letter?.message.header?.id ?? '';
    if (letter === undefined || id === '') return;
    const { topic, partition, key } = record;
    if (letters.size < LETTERS_READ_MAX) {
      letters.set(id, { letter, id, key, place: { topic, partition } });
    } else more = true;
  };
  await readAll(client, topics, take);
  const open = [...letters].filter(([id]) => !settled.has(id));
  open.sort(([, a], [, b]) => a.letter.lastFailed - b.letter.lastFailed);
  return { open: new Map(open), settled, more };
}

async function readAll(
  client: Pick<KafkaClient, 'admin' | 'follow'>,
  topics: readonly string[],
  take: (record: KafkaRecord) => void,
): Promise<void> {
  const described = await client.admin.describe(topics);
  const from = described.flatMap(({ topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })),
  );
  if (from.length === 0) return;
  const { promise: late, reject } = Promise.withResolvers<never>();
  late.catch(() => undefined);
  const follower = client.follow({
    from,
    onRecords: async (records) => {
      for (const record of records) take(record);
    },
    onTrouble: () => undefined,
  });
  const timer = setTimeout(() => reject(new Fault('LOG_UNAVAILABLE')), SCAN_TIMEOUT_MS);
  try {
    await Promise.race([follower.start(), late]);
    await Promise.race([follower.caughtUp(), late]);
  } finally {
    clearTimeout(timer);
    await follower.stop();
  }
}
