import { isMessage } from '@bufbuild/protobuf';
import {
  TwinResourceCreatedEventSchema,
  TwinResourceUpdatedEventSchema,
  Variant,
} from '../../contract/events/twins/v1/resource_event_pb.js';
import { parseUri } from '../../contract/uris.ts';
import type { ViewChange } from '../../twin/ports.ts';
import { subjectOfUri } from '../../twin/reader/load.ts';
import type { SchemaIds } from '../events/schema-ids.ts';
import { Undecodable } from '../events/undecodable.ts';
import { inEvent } from '../events/wire.ts';
import type { KafkaClient, KafkaRecord } from './client.ts';

/** The last events of each partition: more than what one batch of a view can tell of it. */
const BACK = 2_000;

/**
 * What was told last of each document. Views take the log in in batches of their own, and a change
 * of a section stands at the end of its batch: so of the last records that a former leader told,
 * the view of the next may say the same at a later place.
 */
export interface Told {
  /** Whether whoever reads the events knows of this change, or of a later state. */
  knows(change: ViewChange): boolean;
  /**
   * What was told last of documents that our view has by now in another state, without a change of
   * its own that says so: within one of its batches they went there and back. Told again as they are
   * at `applied`, the last place of the partition that the view holds; `now` in milliseconds.
   */
  missed(partition: number, applied: number, now: number, etagNow: EtagNow): Telling[];
  /** From here on it is our own view that tells of this document, in its own order. */
  forget(change: Pick<Telling, 'uri' | 'variant'>): void;
  /** The same of every document of the partition that was told up to this place. */
  settle(partition: number, applied: number): void;
}

/** A change as far as it is told. */
export type Telling = Omit<ViewChange, 'section'>;
/** The etag of a document in our view; `undefined` where there is none. */
export type EtagNow = (uri: string, variant: 'general' | 'full') => string | undefined;

interface Last {
  readonly uri: string;
  readonly variant: 'general' | 'full';
  readonly tenant: string;
  readonly etag: string;
  readonly gone: boolean;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Reads what was told last: to be called once the former owner is fenced.
 * @param open how many events were told past the last place that is safe, at most
 */
export async function readTold(
  client: Pick<KafkaClient, 'admin' | 'follow'>,
  topic: string,
  { epoch, open, ids }: { readonly epoch: string; readonly open: number; readonly ids: SchemaIds },
): Promise<Told> {
  const last = new Map<string, Last>();
  const [starts, ends] = [await client.admin.starts(topic), await client.admin.ends(topic)];
  // Markers that end transactions take offsets as well.
  const back = BACK + 2 * open;
  const from = ends.map((end, partition) => {
    return { topic, partition, offset: Math.max(starts[partition] ?? 0, end - back) };
  });
  const { promise: trouble, reject } = Promise.withResolvers<never>();
  trouble.catch(() => undefined);
  const follower = client.follow({
    from,
    onRecords: async (records) => {
      for (const record of records) take(last, record, epoch, ids);
    },
    onTrouble: reject,
  });
  try {
    await Promise.race([follower.start(), trouble]);
    await Promise.race([follower.caughtUp(), trouble]);
  } finally {
    await follower.stop();
  }
  return {
    knows(change) {
      const told = last.get(keyOf(change));
      if (told === undefined) return false;
      // Told of a later state, or of this one by a batch that ended elsewhere.
      const isSame = told.etag === change.etag && told.gone === (change.kind === 'deleted');
      return isSame || change.place.offset < told.offset;
    },
    missed: (partition, applied, now, etagNow) =>
      settled(last, partition, applied).flatMap((told) => tellingOf(told, applied, now, etagNow)),
    forget: (change) => void last.delete(keyOf(change)),
    settle(partition, applied) {
      for (const told of settled(last, partition, applied)) last.delete(keyOf(told));
    },
  };
}

function settled(last: ReadonlyMap<string, Last>, partition: number, applied: number): Last[] {
  const all = [...last.values()];
  return all.filter((told) => told.partition === partition && told.offset <= applied);
}

function tellingOf(told: Last, applied: number, now: number, etagNow: EtagNow): Telling[] {
  const { uri, variant, tenant, partition, gone } = told;
  const etag = etagNow(uri, variant);
  const parsed = parseUri(uri);
  const subject = parsed === null ? undefined : subjectOfUri(parsed);
  if (subject === undefined || (etag === undefined ? gone : etag === told.etag && !gone)) return [];
  const kind = etag === undefined ? 'deleted' : gone ? 'created' : 'updated';
  const place = { partition, offset: applied };
  return [{ uri, variant, tenant, subject, etag: etag ?? '', kind, place, at: now }];
}

function take(last: Map<string, Last>, record: KafkaRecord, epoch: string, ids: SchemaIds): void {
  const message = messageOf(record, ids);
  const created = isMessage(message, TwinResourceCreatedEventSchema);
  if (!created && !isMessage(message, TwinResourceUpdatedEventSchema)) return;
  const { uri, etag, position, header } = message;
  if (position?.epoch !== epoch) return;
  const variant = message.variant === Variant.FULL ? 'full' : 'general';
  const gone = !created && message.deleted;
  const { partition } = position;
  const tenant = header?.tenant ?? '';
  const offset = Number(position.offset);
  last.set(keyOf({ uri, variant }), { uri, variant, tenant, etag, gone, partition, offset });
}

/** What is no event of ours tells nothing: the worst is that something is told twice. */
function messageOf(record: KafkaRecord, ids: SchemaIds): unknown {
  try {
    return inEvent(record, ids).message;
  } catch (error) {
    if (error instanceof Undecodable) return undefined;
    throw error;
  }
}

/** A document in one of its variants. */
export function keyOf({ uri, variant }: Pick<Telling, 'uri' | 'variant'>): string {
  return `${variant} ${uri}`;
}
