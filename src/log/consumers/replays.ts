import type { ReplayPlaces, ReplayPoint, ReplayRequest } from '../../contract/replays.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Replays } from '../../twin/ports.ts';
import type { KafkaClient, KafkaMessage, KafkaRecord, TopicPlace } from '../kafka/client.ts';
import { TOPIC_ROWS, type TopicName } from '../kafka/topics.ts';
import { placeText } from './dead-letter.ts';

export interface ReplaysOptions {
  readonly client: Pick<KafkaClient, 'admin' | 'follow' | 'producer'>;
  readonly topicPrefix: string;
}

/** Where a record says that it is a replay, and of which. */
export const REPLAYED_FROM = 'replayed-from';

const STEP_RECORDS_MAX = 5_000;
const STEP_BYTES_MAX = 16 * 1024 * 1024;
const STEP_TIMEOUT_MS = 30_000;

/** What only the product writes, or what is evidence: nothing is added to it from here. */
const NEVER_INTO: readonly TopicName[] = ['audit.records', 'twins.outcomes'];

/**
 * Sends records of a topic again, as they were: whoever handled an event knows its id. A step is
 * bounded, and one that is repeated does no harm.
 */
export function createReplays({ client, topicPrefix }: ReplaysOptions): Replays {
  return {
    async step(request) {
      const { topic, into = topic } = request;
      const whole = { topic: `${topicPrefix}${topic}`, into: `${topicPrefix}${into}` };
      try {
        const partitions = await checked(client, request, whole);
        const places =
          request.next === undefined
            ? await placesOf(client, whole.topic, request)
            : known(request.next, partitions);
        const wanted = whereIn(request, whole.topic === whole.into);
        const read = await readStep(client, whole.topic, places, wanted);
        await send(client, whole.into, read.records);
        const { records, skipped, next } = read;
        return { sent: records.length, skipped, ...(next !== undefined && { next }) };
      } catch (error) {
        throw error instanceof Fault ? error : new Fault('LOG_UNAVAILABLE', { cause: error });
      }
    },
  };
}

interface Whole {
  readonly topic: string;
  readonly into: string;
}

/** Answers how many partitions are read. @throws Fault INVALID_ARGUMENT */
async function checked(
  { admin }: Pick<KafkaClient, 'admin'>,
  { topic, into = topic }: ReplayRequest,
  whole: Whole,
): Promise<number> {
  if (!Object.hasOwn(TOPIC_ROWS, topic)) throw wrong('No topic of the product has this name.');
  const described = await admin.describe([...new Set([whole.topic, whole.into])]);
  const from = described.find((one) => one.topic === whole.topic);
  const to = described.find((one) => one.topic === whole.into);
  if (from === undefined || to === undefined) throw wrong('The topic does not exist.');
  const compacted = (to.configs['cleanup.policy'] ?? '').includes('compact');
  const kept = NEVER_INTO.some((name) => name === into) || into.endsWith('.dlq');
  if (compacted || kept) {
    throw wrong('Only the product writes this topic; replay --into another one.');
  }
  return from.partitions;
}

/** From where the first step reads, and up to where the last one does. */
async function placesOf(
  { admin }: Pick<KafkaClient, 'admin'>,
  topic: string,
  { from, to }: ReplayRequest,
): Promise<ReplayPlaces> {
  const [starts, ends] = await Promise.all([admin.starts(topic), admin.ends(topic)]);
  return ends.map((end, partition) => {
    const start = starts[partition] ?? 0;
    const first = 'offset' in from ? Math.max(from.offset, start) : start;
    const last = to !== undefined && 'offset' in to ? Math.min(to.offset, end) : end;
    return [Math.min(first, last), last];
  });
}

function known(next: ReplayPlaces, partitions: number): ReplayPlaces {
  if (next.length === partitions) return next;
  throw wrong('next is not of this topic.');
}

type Wanted = (record: KafkaRecord) => boolean;

function whereIn({ from, to }: ReplayRequest, intoItself: boolean): Wanted {
  const [since, until] = [timeOf(from) ?? 0, timeOf(to) ?? Number.POSITIVE_INFINITY];
  return ({ timestamp, headers }) =>
    timestamp >= since && timestamp < until && !(intoItself && REPLAYED_FROM in headers);
}

function timeOf(point: ReplayPoint | undefined): number | undefined {
  return point !== undefined && 'time' in point ? Date.parse(point.time) : undefined;
}

interface Read {
  readonly records: readonly KafkaRecord[];
  readonly skipped: number;
  readonly next: ReplayPlaces | undefined;
}

async function readStep(
  client: Pick<KafkaClient, 'follow'>,
  topic: string,
  places: ReplayPlaces,
  wanted: Wanted,
): Promise<Read> {
  const records: KafkaRecord[] = [];
  const reached = places.map(([first]) => first);
  const open = places.flatMap(([offset, end], partition): TopicPlace[] =>
    offset < end ? [{ topic, partition, offset }] : [],
  );
  if (open.length === 0) return { records, skipped: 0, next: undefined };
  let skipped = 0;
  let bytes = 0;
  const { promise: full, resolve: stop } = Promise.withResolvers<'full'>();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Fault('LOG_UNAVAILABLE')), STEP_TIMEOUT_MS);
  const isFull = () => records.length >= STEP_RECORDS_MAX || bytes >= STEP_BYTES_MAX;
  const take = (record: KafkaRecord): void => {
    const { partition, offset } = record;
    if (isFull()) stop('full');
    if (isFull() || offset >= (places[partition]?.[1] ?? 0)) return;
    reached[partition] = offset + 1;
    if (!wanted(record)) skipped += 1;
    else records.push(record);
    bytes += record.value?.length ?? 0;
  };
  const follower = client.follow({
    from: open,
    onRecords: async (batch) => {
      for (const record of batch) take(record);
    },
    onTrouble: () => undefined,
  });
  try {
    await Promise.race([follower.start(), late]);
    const ending = await Promise.race([full, late, follower.caughtUp()]);
    const next = places.map(([, end], at) => [reached[at] ?? end, end] as const);
    return { records, skipped, next: ending === 'full' ? next : undefined };
  } finally {
    clearTimeout(timer);
    await follower.stop();
  }
}

async function send(
  client: Pick<KafkaClient, 'producer'>,
  into: string,
  records: readonly KafkaRecord[],
): Promise<void> {
  if (records.length === 0) return;
  const producer = client.producer();
  try {
    await producer.open();
    await producer.send(records.map((record) => messageOf(into, record)));
  } finally {
    await producer.close().catch(() => undefined);
  }
}

function messageOf(into: string, record: KafkaRecord): KafkaMessage {
  const { key, value, headers, partition } = record;
  const marked = { ...headers, [REPLAYED_FROM]: placeText(record) };
  const where = key === null ? { partition } : {};
  return { topic: into, key, value, headers: marked, ...where };
}

function wrong(detail: string): Fault {
  return new Fault('INVALID_ARGUMENT', { detail });
}
